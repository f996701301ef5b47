"""DPT-style decoder of the paper's encoder pair (arXiv 2103.13413): four levels on one grid -> a picture."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from vqseg.models.blocks import resize_to

LEVELS = 4
"""As many as it has scales to fuse."""


class ResidualUnit(nn.Module):
    """ReLU, 3x3 convolution, twice, with a shortcut; keeps (B, width, H, W)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1)
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.body(x)
        return out


class DPTDecoder(nn.Module):
    """(B, dim, 4 * h, w), levels stacked as the ViT encoder stacks them -> (B, outputs, h * patch, w * patch).

    The levels are brought to 4, 2, 1 and 1/2 times the grid and fused from the coarsest to the finest.
    """

    def __init__(self, dim: int, width: int, outputs: int, patch: int) -> None:
        """Build a decoder.

        Args:
            dim: D, channels of each level.
            width: Channels inside.
            outputs: Channels out: classes, or the image's channels.
            patch: Pixels per token along each side.
        """
        super().__init__()
        self.patch = patch
        self.reassemble = nn.ModuleList(
            [
                nn.Sequential(nn.Conv2d(dim, width, 1), nn.ConvTranspose2d(width, width, 4, stride=4)),
                nn.Sequential(nn.Conv2d(dim, width, 1), nn.ConvTranspose2d(width, width, 2, stride=2)),
                nn.Conv2d(dim, width, 1),
                nn.Sequential(nn.Conv2d(dim, width, 1), nn.Conv2d(width, width, 3, stride=2, padding=1)),
            ]
        )
        self.enter = nn.ModuleList(ResidualUnit(width) for _ in range(LEVELS))
        self.leave = nn.ModuleList(nn.Sequential(ResidualUnit(width), nn.Conv2d(width, width, 1)) for _ in range(LEVELS))
        self.head = nn.Conv2d(width, width // 2, 3, padding=1)
        self.output = nn.Sequential(nn.Conv2d(width // 2, width // 2, 3, padding=1), nn.ReLU(), nn.Conv2d(width // 2, outputs, 1))

    def forward(self, stacked: Tensor) -> Tensor:
        levels = stacked.chunk(LEVELS, dim=2)
        height, width = levels[0].shape[-2:]
        maps = [bring(level) for bring, level in zip(self.reassemble, levels, strict=True)]
        x = self.leave[-1](self.enter[-1](maps[-1]))
        for index in reversed(range(LEVELS - 1)):
            x = self.leave[index](resize_to(x, maps[index]) + self.enter[index](maps[index]))
        x = F.interpolate(self.head(x), size=(height * self.patch, width * self.patch), mode="bilinear", align_corners=False)
        out: Tensor = self.output(x)
        return out
