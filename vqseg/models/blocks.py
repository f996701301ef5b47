"""Building blocks shared by the encoder and the decoders.

Normalisation is per image (GroupNorm): teacher and student agree on an image in any batch, and there are no running statistics to
average.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

_GROUPS = 8


def conv_norm(inputs: int, outputs: int, *, stride: int = 1) -> nn.Sequential:
    """3x3 convolution, GroupNorm, ReLU: (B, inputs, H, W) -> (B, outputs, H / stride, W / stride).

    Args:
        inputs: Channels in.
        outputs: Channels out, a multiple of 8.
        stride: Pixels per step.
    """
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False), nn.GroupNorm(_GROUPS, outputs), nn.ReLU())


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with a shortcut; keeps (B, width, H, W)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = conv_norm(width, width)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.GroupNorm(_GROUPS, width))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(self.first(x)))


def resize_to(x: Tensor, like: Tensor) -> Tensor:
    """Bilinear resize.

    Args:
        x: (B, C, H, W).
        like: Has the height and width wanted.
    """
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)
