"""One scan in, one label volume out, on the same grid. The file's first bytes decide what it is, not its ending.

vqseg.data.formats lists the formats. A Scan holds neither the header's text nor the folder's name.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from vqseg.data.formats import (
    FIRST_BYTES,
    accepted,
    ending_of,
    format_names,
    format_of_content,
    format_of_name,
    label_name,
    scan_endings,
    without_ending,
    writable_endings,
)
from vqseg.data.limits import MAX_BYTES, ScanError
from vqseg.types import Array, Scan

__all__ = [
    "ACCEPTED",
    "MAX_BYTES",
    "ScanError",
    "accepted",
    "ending_of",
    "format_names",
    "label_name",
    "read_labels",
    "read_scan",
    "scan_endings",
    "through_plane_axis",
    "without_ending",
    "writable_endings",
    "write_labels",
]

ACCEPTED = accepted()

logger = logging.getLogger(__name__)


def read_scan(path: str | Path, frame: int = 0, *, most_bytes: int = MAX_BYTES) -> Scan:
    """Read one volume, or one frame of a series, as float32 in the file's own units and array order.

    A 2D image gets Z = 1. NaN and infinite voxels become the smallest finite one.

    Args:
        path: A file of any of the formats in vqseg.data.formats, whatever its ending.
        frame: Number of the frame, from 0.
        most_bytes: The largest volume that is read, in bytes as float32.

    Returns:
        The scan, voxels (X, Y, Z).

    Raises:
        ScanError: If the file is missing, damaged, of another type, empty, too large, or not one real number a voxel.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            start = file.read(FIRST_BYTES)
        if not start:
            raise ScanError(f"{path.name} is an empty file")
        kind = format_of_content(start)
        if kind is None:
            raise ScanError(f"{path.name} is {_what_instead(path, start)}; accepted: {accepted()}")
        scan = kind.read(path, frame, most_bytes)
    except OSError as error:
        # The error's own text has the whole path.
        raise ScanError(f"cannot read {path.name}: {error.strerror or type(error).__name__}") from error
    logger.debug("read %s: %s voxels, spacing %s", scan.name, scan.shape, scan.spacing)
    return scan


def read_labels(path: str | Path) -> Array:
    """A label file as (X, Y, Z) uint8. Raises ScanError as `read_scan`, and if a voxel is not a whole number from 0 to 255."""
    scan = read_scan(path)
    labels = scan.voxels.astype(np.uint8) if scan.voxels.min() >= 0 and scan.voxels.max() <= 255 else None
    if labels is None or not np.array_equal(labels, scan.voxels):
        raise ScanError(f"{scan.name} is no label file; expected whole numbers from 0 to 255")
    return labels


def write_labels(labels: Array, scan: Scan, path: str | Path) -> None:
    """Write labels on the scan's grid, in the format that the ending of the path names.

    A scan that came as NIfTI gives its own shape (2D or 3D), forms, codes and units to the .nii; texts and extensions are left out.

    Args:
        labels: (X, Y, Z) uint8; or those of a series, (X, Y, Z, T).
        scan: The scan that they belong to, or any frame of the series, of the same shape.
        path: A file whose ending is one of `writable_endings()`; `label_name` gives a scan's.

    Raises:
        ScanError: If labels and scan differ in shape, labels are not uint8, the ending is unknown, or a PNG gets several slices or frames.
    """
    path = Path(path)
    if labels.dtype != np.uint8 or labels.ndim not in (3, 4) or labels.shape[:3] != scan.shape:
        raise ScanError(f"labels are {labels.dtype} {labels.shape}; expected uint8 {scan.shape}, the grid of {scan.name}")
    kind = format_of_name(path.name)
    if kind is None or kind.write_labels is None:
        raise ScanError(f"cannot write {path.name}; accepted endings: {', '.join(writable_endings())}")
    kind.write_labels(labels, scan, path)


def through_plane_axis(scan: Scan) -> int:
    """The axis across the slices: that of the largest spacing if it exceeds the others by more than 1%, else the last."""
    if scan.shape[2] == 1:
        return 2
    order = np.argsort(scan.spacing)
    return int(order[2]) if scan.spacing[order[2]] > 1.01 * scan.spacing[order[1]] else 2


def _what_instead(path: Path, start: bytes) -> str:
    if start[128:132] == b"DICM" or path.suffix.lower() == ".dcm":
        return "a DICOM file, which has to be converted first (for example with dcm2niix)"
    return "of an unknown type"
