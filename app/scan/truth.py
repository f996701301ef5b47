"""Ground truth labels for a scan: they are checked before they are used."""

from __future__ import annotations

import numpy as np

from vqseg.data.scan import ScanError, has_geometry
from vqseg.types import Array, Scan

# Headers of label files are often rounded. A difference of a hundredth of a millimetre still means the same grid.
_SAME_PLACE = 1e-2


def truth_labels(truth: Scan, scan: Scan, classes: tuple[str, ...]) -> Array:
    """Check a label file against the scan that it belongs to.

    Args:
        truth: The label file as it was read.
        scan: The scan.
        classes: Names of the model's classes, the background first.

    Returns:
        (X, Y, Z) uint8 labels.

    Raises:
        ScanError: If the grids differ, or if a voxel has no label of the model.
    """
    if truth.shape != scan.shape:
        raise ScanError(f"{truth.name} has {_size(truth)} voxels; the scan {scan.name} has {_size(scan)}")
    if has_geometry(truth) and has_geometry(scan) and not np.allclose(truth.affine, scan.affine, atol=_SAME_PLACE):
        raise ScanError(f"{truth.name} lies elsewhere than {scan.name}: their affines differ, so their voxels do not match")
    last = len(classes) - 1
    labels = truth.voxels.astype(np.uint8) if truth.voxels.min() >= 0 and truth.voxels.max() <= last else None
    if labels is None or not np.array_equal(labels, truth.voxels):
        raise ScanError(f"{truth.name} does not fit this model; expected whole numbers from 0 to {last} ({', '.join(classes)})")
    return labels


def _size(scan: Scan) -> str:
    return " × ".join(map(str, scan.shape))
