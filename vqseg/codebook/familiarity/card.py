"""What a checkpoint's card says of the scans that it reads, held against a scan: modality's values, and the size of pixels and pictures."""

from __future__ import annotations

import numpy as np

from vqseg.config import ReadsConfig
from vqseg.data.scan import has_geometry
from vqseg.types import Array, Scan

# Share of the voxels that may lie outside the card's values: single hot pixels are no other modality.
_STRAY = 0.01


def unlike_the_card(scan: Scan, axis: int, reads: ReadsConfig) -> list[str]:
    """Reasons, in words, why a scan is none of those that the card describes. Empty if nothing speaks against it.

    Args:
        scan: The scan.
        axis: Its axis across the slices.
        reads: The card. What it does not say is not checked.
    """
    reasons = []
    if reads.values is not None and _stray(scan.voxels, reads.values) > _STRAY:
        low, high = float(scan.voxels.min()), float(scan.voxels.max())
        reasons.append(f"its values run from {low:.0f} to {high:.0f} ({_words(reads.values)})")
    longer = max(count for other, count in enumerate(scan.shape) if other != axis)
    if reads.pixels is not None and not reads.pixels[0] <= longer <= reads.pixels[1]:
        reasons.append(f"its pictures have {longer} pixels a side ({_words(reads.pixels)})")
    sides = in_plane(scan, axis)
    if sides is None:
        return reasons
    pixel, length = max(sides[0]), max(side * count for side, count in zip(*sides, strict=True))
    if reads.spacing is not None and not reads.spacing[0] <= pixel <= reads.spacing[1]:
        reasons.append(f"its pixels are {pixel:.3g} mm wide ({_words(reads.spacing)})")
    if reads.field is not None and not reads.field[0] <= length <= reads.field[1]:
        reasons.append(f"its pictures are {length:.0f} mm wide ({_words(reads.field)})")
    return reasons


def in_plane(scan: Scan, axis: int) -> tuple[list[float], list[int]] | None:
    """Spacing (mm) and number of pixels along both axes of a slice; None where the file does not know its spacing.

    Args:
        scan: The scan. Spacings of exactly 1 everywhere are what is left when they were lost.
        axis: Its axis across the slices.
    """
    if not has_geometry(scan) or all(step == 1 for step in scan.spacing):
        return None
    across = [other for other in range(3) if other != axis]
    return [scan.spacing[other] for other in across], [scan.shape[other] for other in across]


def _words(wanted: tuple[float, float]) -> str:
    return f"expected {wanted[0]:g} to {wanted[1]:g}"


def _stray(voxels: Array, values: tuple[float, float]) -> float:
    """Share of the voxels outside a range, of a large scan over every few voxels only."""
    # In the order in which they lie: any other would copy all of them.
    some = voxels.ravel(order="K")[:: max(1, voxels.size // 2**20)]
    return float(np.mean((some < values[0]) | (some > values[1])))
