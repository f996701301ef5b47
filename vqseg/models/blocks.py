"""Building blocks shared by the encoder and the decoders. Normalisation is per image (GroupNorm): teacher and student then agree
whatever else is in the batch, and there are no running statistics to average."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

_GROUPS = 8


def conv_norm(inputs: int, outputs: int, *, stride: int = 1) -> nn.Sequential:
    """3x3 convolution, GroupNorm, ReLU: (B, inputs, H, W) -> (B, outputs, H / stride, W / stride)."""
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
    """Bilinear resize of x to the height and width of `like`."""
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)
