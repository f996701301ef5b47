"""Where the two decoders answer a perturbation differently. Arrays only."""

from __future__ import annotations

import numpy as np

from vqseg.types import Array

NEITHER, SEGMENTATION, RECONSTRUCTION, BOTH = range(4)
# Of the grey range that the network reads: less is hardly seen beside the other decoder's crisp labels.
NOTICED = 0.05


def branch_changes(labels: Array, clean_labels: Array, reconstruction: Array, clean_reconstruction: Array) -> Array:
    """(A, B) uint8: which branch answers the perturbation at a pixel: NEITHER, SEGMENTATION, RECONSTRUCTION or BOTH.

    The segmentation answers where the label is another one than at strength 0, the reconstruction where it moved by more than
    NOTICED of the grey range, reconstructions being in [0, 1]. The branches disagree where only one of them answers.
    """
    segmentation = labels != clean_labels
    moved = np.abs(reconstruction - clean_reconstruction) > NOTICED
    return (SEGMENTATION * segmentation + RECONSTRUCTION * moved).astype(np.uint8)
