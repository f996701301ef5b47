"""Where the two decoders answer a perturbation differently. Arrays only."""

from __future__ import annotations

import numpy as np

from vqseg.types import Array

NEITHER, SEGMENTATION, RECONSTRUCTION, BOTH = range(4)
# As a share of the grey range that the network reads. A smaller change is hard to see beside the crisp labels of the other decoder.
NOTICED = 0.05


def branch_changes(labels: Array, clean_labels: Array, reconstruction: Array, clean_reconstruction: Array) -> Array:
    """Which decoder answers the perturbation at each pixel. They disagree where only one of them does.

    Args:
        labels: (A, B) labels after the perturbation. The segmentation answers where they differ from `clean_labels`.
        clean_labels: (A, B) labels at strength 0.
        reconstruction: (A, B) or (A, B, C) in [0, 1], after the perturbation. It answers where any channel changed by more than NOTICED.
        clean_reconstruction: The same, at strength 0.

    Returns:
        (A, B) uint8: NEITHER, SEGMENTATION, RECONSTRUCTION or BOTH.
    """
    segmentation = labels != clean_labels
    moved = np.abs(reconstruction - clean_reconstruction) > NOTICED
    moved = moved if moved.ndim == 2 else moved.any(-1)
    return (SEGMENTATION * segmentation + RECONSTRUCTION * moved).astype(np.uint8)
