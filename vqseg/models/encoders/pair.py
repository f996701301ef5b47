"""What an encoder says about itself, and what makes a pair of encoder and decoders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from vqseg.config import ModelConfig


class EncoderError(ValueError):
    """An encoder that cannot be built or whose weights do not fit."""


class Encoder(nn.Module):
    """(B, C_in, H, W) -> z (B, D, levels * H / pixels_per_token, W / pixels_per_token), the shallowest level on top.

    Every token of every level has zero mean and unit variance over its channels: with a bounded scale, neither the codebook nor the
    temperature of the QPM has to follow growing features.
    """

    stride: int
    """H and W are multiples of it; a multiple of pixels_per_token."""
    pixels_per_token: int
    """Side of the square of pixels that one token stands for."""
    levels: int = 1
    """Grids of tokens, all of one size."""

    def pretrained_parameters(self) -> list[nn.Parameter]:
        """The parameters that `load_pretrained` sets; they may have a learning rate of their own. Empty if there are none."""
        return []

    def widened(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The weights of such an encoder that reads fewer channels, made fit for this one. Raises EncoderError if it cannot be done."""
        raise EncoderError(f"{type(self).__name__} cannot take over the weights of an encoder that reads fewer channels")

    def load_pretrained(self, weights: Mapping[str, Tensor]) -> None:
        """Take over the weights of a pretrained backbone. Raises EncoderError if they have another form."""
        raise EncoderError(f"{type(self).__name__} has no pretrained backbone")


@dataclass(frozen=True, kw_only=True)
class EncoderPair:
    """An encoder and the decoders that read what it makes."""

    name: str
    """In settings, `model.encoder`."""
    encoder: Callable[[ModelConfig], Encoder]
    """Builds the encoder. Raises ConfigError for settings that it cannot have, EncoderError where a package is missing."""
    decoder: Callable[[ModelConfig, int, bool], nn.Module]
    """(config, outputs, context) -> (B, D, levels * h, w) to (B, outputs, h * pixels_per_token, w * pixels_per_token).

    context: whether it decides from its surroundings, as a segmentation does; the image decoder stays local.
    """
    pretrained: bool = False
    """Whether a run starts its encoder from pretrained weights, `train.backbone_weights`."""
