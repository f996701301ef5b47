"""Labels drawn by an expert, beside a scan: whether they belong to it. Arrays only."""

from __future__ import annotations

import numpy as np

from vqseg.data.scan import ScanError
from vqseg.types import Array, Scan

# Label files are often written with rounded headers; a hundredth of a millimetre is no other grid.
_SAME_PLACE = 1e-2


def truth_labels(truth: Scan, scan: Scan, classes: tuple[str, ...]) -> Array:
    """The truth as (X, Y, Z) uint8. Raises ScanError if it is no label volume on the scan's grid with the model's classes."""
    if truth.shape != scan.shape:
        raise ScanError(f"{truth.name} has {_size(truth)} voxels; the scan {scan.name} has {_size(scan)}")
    if truth.header is not None and scan.header is not None and not np.allclose(truth.affine, scan.affine, atol=_SAME_PLACE):
        raise ScanError(f"{truth.name} lies elsewhere than {scan.name}: their affines differ, so their voxels do not match")
    last = len(classes) - 1
    labels = truth.voxels.astype(np.uint8) if truth.voxels.min() >= 0 and truth.voxels.max() <= last else None
    if labels is None or not np.array_equal(labels, truth.voxels):
        raise ScanError(f"{truth.name} is no label file of this model; expected whole numbers from 0 to {last} ({', '.join(classes)})")
    return labels


def _size(scan: Scan) -> str:
    return " × ".join(map(str, scan.shape))
