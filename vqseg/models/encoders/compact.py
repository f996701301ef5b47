"""Compact convolutional encoder: an image -> one map of continuous features on the token grid.

Starts at stride 2 (a full-resolution stem would cost most of the time), goes down to stride 16 for context over the whole slice,
and comes back to the token stride.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor, nn

from vqseg.config import ModelConfig
from vqseg.models.blocks import ResidualBlock, conv_norm, resize_to
from vqseg.models.decoder import PostVQDecoder
from vqseg.models.encoders.pair import Encoder, EncoderError, EncoderPair


class GlobalContext(nn.Module):
    """Adds to every position what the whole image says: a weighted mean over positions through a small two-layer network."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attention = nn.Conv2d(width, 1, 1)
        self.transform = nn.Sequential(nn.Linear(width, width // 2), nn.LayerNorm(width // 2), nn.ReLU(), nn.Linear(width // 2, width))

    def forward(self, x: Tensor) -> Tensor:
        weights = self.attention(x).flatten(2).softmax(-1)
        context = (x.flatten(2) * weights).sum(-1)
        out: Tensor = x + self.transform(context)[:, :, None, None]
        return out


class CompactEncoder(Encoder):
    """(B, in_channels, H, W) -> z (B, dim, H / token_stride, W / token_stride); H and W are multiples of 16."""

    stride = 16

    def __init__(self, in_channels: int, widths: tuple[int, int, int, int], dim: int, token_stride: int) -> None:
        """Build the encoder.

        Args:
            in_channels: Channels of the image.
            widths: Channels at strides 2, 4, 8 and 16.
            dim: D, channels of z.
            token_stride: Pixels per token along each side, 4 or 8.
        """
        super().__init__()
        self.pixels_per_token = token_stride
        two, four, eight, sixteen = widths
        self.stem = nn.Sequential(conv_norm(in_channels, two, stride=2), conv_norm(two, two))
        self.stage4 = nn.Sequential(conv_norm(two, four, stride=2), ResidualBlock(four), ResidualBlock(four))
        self.stage8 = nn.Sequential(conv_norm(four, eight, stride=2), ResidualBlock(eight), ResidualBlock(eight))
        self.stage16 = nn.Sequential(
            conv_norm(eight, sixteen, stride=2), ResidualBlock(sixteen), ResidualBlock(sixteen), GlobalContext(sixteen)
        )
        self.lateral16 = nn.Conv2d(sixteen, eight, 1)
        self.merge8 = conv_norm(eight, four)
        self.merge4 = conv_norm(four, four) if token_stride == 4 else None
        self.project = nn.Conv2d(four, dim, 1)

    def widened(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Weights of an encoder that reads fewer channels, with zeros for those that it does not know: the features stay the same."""
        name = "stem.0.0.weight"
        if name not in weights:
            raise EncoderError("the weights are those of another encoder")
        known, wanted = weights[name], self.state_dict()[name].shape
        return {**weights, name: F.pad(known, (0, 0, 0, 0, 0, wanted[1] - known.shape[1]))}

    def forward(self, x: Tensor) -> Tensor:
        at4 = self.stage4(self.stem(x))
        at8 = self.stage8(at4)
        top = self.merge8(at8 + resize_to(self.lateral16(self.stage16(at8)), at8))
        if self.merge4 is not None:
            top = self.merge4(at4 + resize_to(top, at4))
        z = self.project(top).permute(0, 2, 3, 1)
        return F.layer_norm(z, z.shape[-1:]).permute(0, 3, 1, 2)


def _encoder(config: ModelConfig) -> Encoder:
    return CompactEncoder(config.input_channels, config.widths, config.codebook_dim, config.token_stride)


def _decoder(config: ModelConfig, outputs: int, context: bool) -> nn.Module:
    return PostVQDecoder(config.codebook_dim, config.decoder_width, outputs, config.token_stride, context=context)


COMPACT = EncoderPair(name="compact", encoder=_encoder, decoder=_decoder)
