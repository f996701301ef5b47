"""Post-VQ Feature Adapter, PFA (Eq. 11): post-VQ features -> the foundation model's grid and channels. Used in training only."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class PostVQAdapter(nn.Module):
    """Resize, then a 1x1 convolution: (B, dim, h, w) -> (B, channels, H', W')."""

    def __init__(self, dim: int, channels: int) -> None:
        """Build the adapter.

        Args:
            dim: D, channels of the post-VQ features.
            channels: C, channels of the foundation model's features.
        """
        super().__init__()
        self.project = nn.Conv2d(dim, channels, 1)

    def forward(self, post_vq: Tensor, grid: tuple[int, int]) -> Tensor:
        """Bring post-VQ features to where a foundation model's are.

        Args:
            post_vq: (B, dim, h, w).
            grid: (H', W') of the foundation model's patches.

        Returns:
            (B, channels, H', W').
        """
        projected: Tensor = self.project(F.interpolate(post_vq, size=grid, mode="bilinear", align_corners=False, antialias=True))
        return projected
