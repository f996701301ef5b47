"""Ground truth labels for a scan: they are checked before they are used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from app.scan.cine import OpenCine
from vqseg.data.scan import ScanError, read_scan
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
    if truth.header is not None and scan.header is not None and not np.allclose(truth.affine, scan.affine, atol=_SAME_PLACE):
        raise ScanError(f"{truth.name} lies elsewhere than {scan.name}: their affines differ, so their voxels do not match")
    last = len(classes) - 1
    labels = truth.voxels.astype(np.uint8) if truth.voxels.min() >= 0 and truth.voxels.max() <= last else None
    if labels is None or not np.array_equal(labels, truth.voxels):
        raise ScanError(f"{truth.name} does not fit this model; expected whole numbers from 0 to {last} ({', '.join(classes)})")
    return labels


def truths_of_frames(path: Path, cine: OpenCine, shown: object, most_bytes: int) -> Callable[[int], Array | None]:
    """Read the labels of a cine: a series as long as the cine, or those of one frame beside what there is for the others.

    Args:
        path: The label file.
        cine: The cine.
        shown: Number of the frame on show, to which labels of a single frame belong; anything else stands for the first.
        most_bytes: As for `read_scan`.

    Returns:
        The labels (X, Y, Z) uint8 of a frame by its number, None where there are none.

    Raises:
        ScanError: If the number of frames differs, or as `truth_labels`.
    """
    scan, classes, former = cine.first.segmented.scan, cine.first.model.classes, cine.truths
    given = read_scan(path, most_bytes=most_bytes)
    if given.frames not in (1, cine.frames):
        raise ScanError(
            f"{given.name} has {given.frames} frames and the cine {cine.frames}; send labels of all frames, or of the one on show"
        )
    if given.frames == cine.frames:
        every = {
            index: truth_labels(read_scan(path, index, most_bytes=most_bytes) if index else given, scan, classes)
            for index in range(cine.frames)
        }
        return every.get
    place = shown if isinstance(shown, int) and 0 <= shown < cine.frames else 0
    labels = truth_labels(given, scan, classes)
    return lambda index: labels if index == place else former(index)


def _size(scan: Scan) -> str:
    return " × ".join(map(str, scan.shape))
