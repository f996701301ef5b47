"""Decoders from post-VQ features to a picture. They see the quantized features and nothing else (Eq. 7): no skip from the encoder."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from vqseg.models.blocks import ResidualBlock, conv_norm, resize_to


class PostVQDecoder(nn.Module):
    """(B, dim, h, w) -> (B, outputs, h * token_stride, w * token_stride).

    The last upsampling is a pixel shuffle: the layers that cost most run at half resolution.
    """

    def __init__(self, dim: int, width: int, outputs: int, token_stride: int, *, context: bool) -> None:
        """Build a decoder.

        Args:
            dim: D, channels of the post-VQ features.
            width: Channels at the token grid, a multiple of 16.
            outputs: Channels out: classes, or the image's channels.
            token_stride: Pixels per token along each side, a multiple of 2.
            context: Adds a second path at half the token grid, through which a token's neighbourhood can outvote a swapped token. The
                segmentation decoder has it, the image decoder does not.
        """
        super().__init__()
        self.enter = nn.Sequential(conv_norm(dim, width), ResidualBlock(width))
        self.context = None
        if context:
            wide = width * 3 // 2 // 8 * 8
            self.context = nn.Sequential(conv_norm(width, wide, stride=2), ResidualBlock(wide), nn.Conv2d(wide, width, 1))
        self.merge = conv_norm(width, width // 2)
        self.scale = token_stride // 2
        self.leave = nn.Sequential(conv_norm(width // 2, width // 2), nn.Conv2d(width // 2, outputs * 4, 3, padding=1), nn.PixelShuffle(2))

    def forward(self, quantized: Tensor) -> Tensor:
        x = self.enter(quantized)
        if self.context is not None:
            x = x + resize_to(self.context(x), x)
        x = F.interpolate(self.merge(x), scale_factor=self.scale, mode="bilinear", align_corners=False)
        out: Tensor = self.leave(x)
        return out
