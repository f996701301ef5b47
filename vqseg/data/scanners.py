"""What another scanner would show of a slice: a part in inverted contrast, coarser pixels, thicker slices.

As in `vqseg.data.augmentation`, what is drawn (on the CPU) and what is done with it are apart.
Shapes: images (B, C, H, W) in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from vqseg.config import AugmentationConfig
from vqseg.transfer import to_device

_GRID = 4
_ALL = slice(None)
# How sharply an inverted part ends: its rim is about a tenth of the picture wide.
_SHARPNESS = 6.0


@dataclass(frozen=True)
class Scanners:
    """A scanner for each image: inverted (B, 1, g, g), a smooth field that is positive in the part whose contrast is inverted, and far
    below zero where there is none; kept (B,) in (0, 1], the share of the pixels per side."""

    inverted: Tensor
    kept: Tensor


def draw_scanners(count: int, config: AugmentationConfig, generator: Generator, *, amount: float = 1.0, rows: slice = _ALL) -> Scanners:
    """Random scanners for a batch.

    Args:
        count: B, the size of the batch.
        config: Probability of the inversion, and the largest loss of pixels.
        generator: On the CPU.
        amount: In [0, 1]; scales both. Weak views take a small amount.
        rows: The images to return scanners for. The random numbers of all B are drawn in any case.

    Returns:
        The scanners of those images, on the CPU.
    """
    field = torch.randn(count, 1, _GRID, _GRID, generator=generator)
    is_inverted = torch.rand(count, generator=generator) < config.inversion * amount
    lost = _for_half(count, generator) * config.coarseness * amount
    inverted = torch.where(is_inverted[:, None, None, None], field, torch.full_like(field, -torch.inf))
    return Scanners(inverted[rows], 1 - lost[rows])


def shifted(images: Tensor, scanners: Scanners) -> Tensor:
    """Show images as other scanners would.

    Args:
        images: (B, C, H, W), clamped to [0, 1]; the channels of an image are changed alike.
        scanners: One for each image.

    Returns:
        (B, C, H, W) in [0, 1].
    """
    x, size = images.clamp(0, 1), images.shape[-2:]
    inverted = [index for index, field in enumerate(scanners.inverted) if bool(torch.isfinite(field).all())]
    if inverted:
        fields = to_device(scanners.inverted[inverted], images.device)
        part = torch.sigmoid(_SHARPNESS * F.interpolate(fields, size=size, mode="bicubic", align_corners=True))
        x[inverted] = x[inverted] * (1 - part) + (1 - x[inverted]) * part
    for index, kept in enumerate(scanners.kept.tolist()):
        if kept < 1:
            smaller = [max(1, round(length * kept)) for length in size]
            coarse = F.interpolate(x[index : index + 1], size=smaller, mode="bilinear", align_corners=False, antialias=True)
            x[index : index + 1] = F.interpolate(coarse, size=size, mode="bilinear", align_corners=False)
    return x


def draw_thickness(count: int, config: AugmentationConfig, generator: Generator, *, rows: slice = _ALL) -> Tensor:
    """Random weights (B,) of the slices beside each slice; zero for half of them.

    Args:
        count: B, the size of the batch.
        config: Has the largest one.
        generator: On the CPU.
        rows: The images to return weights for. The random numbers of all B are drawn in any case.
    """
    return _for_half(count, generator)[rows] * config.thickness


def _for_half(count: int, generator: Generator) -> Tensor:
    """(B,) random shares from 0 to 1 for half of the images, and 0 for the others."""
    return (2 * torch.rand(count, generator=generator) - 1).clamp(min=0)


def thickened(pictures: Tensor, before: Tensor, behind: Tensor, weights: Tensor) -> Tensor:
    """Slices as thicker ones would show them: blended with the slices beside them.

    Args:
        pictures: (B, C, H, W).
        before: The same places on the slices before; the slice itself where there is none.
        behind: The same on those behind.
        weights: (B,) in [0, 1], of both sides together.

    Returns:
        (B, C, H, W).
    """
    share = to_device(weights, pictures.device)[:, None, None, None]
    return pictures * (1 - share) + (before + behind) * (share / 2)
