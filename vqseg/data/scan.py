"""One scan in, one label volume out, on the same grid. The file's first bytes decide what it is, not its ending.

Read: NIfTI (.nii, .nii.gz), PNG, JPEG, TIFF, BMP, and .npy. Neither a header's text nor a folder's name travels with a Scan.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from vqseg.data.limits import MAX_BYTES, ScanError
from vqseg.data.nifti import GZIP_MAGIC, is_nifti, read_nifti, write_nifti
from vqseg.data.pictures import NPY_MAGIC, PICTURE_MAGICS, read_array, read_picture, write_png
from vqseg.types import Array, Scan

__all__ = ["ACCEPTED", "MAX_BYTES", "ScanError", "read_labels", "read_scan", "through_plane_axis", "write_labels"]

ACCEPTED = "NIfTI (.nii, .nii.gz), PNG, JPEG, TIFF, BMP and .npy"

logger = logging.getLogger(__name__)


def read_scan(path: str | Path, frame: int = 0, *, most_bytes: int = MAX_BYTES) -> Scan:
    """Read one volume, or frame number `frame` of a series, as float32 in the file's own units and array order.

    A 2D image gets Z = 1. NaN and infinite voxels become the smallest finite one. most_bytes: largest volume that is read, as float32.
    Raises ScanError if the file is missing, damaged, of another type, empty, too large, or not one real number a voxel.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            start = file.read(540)
        if not start:
            raise ScanError(f"{path.name} is an empty file")
        if start.startswith(NPY_MAGIC):
            scan = read_array(path, frame, most_bytes)
        elif start.startswith(GZIP_MAGIC) or is_nifti(start):
            scan = read_nifti(path, frame, most_bytes)
        elif start.startswith(PICTURE_MAGICS):
            scan = read_picture(path, frame, most_bytes)
        else:
            raise ScanError(f"{path.name} is {_what_instead(path, start)}; accepted: {ACCEPTED}")
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
    """Write labels (X, Y, Z) uint8 on the scan's grid; the ending of `path` chooses .nii, .nii.gz, .png or .npy.

    A scan that came as NIfTI gives its own shape (2D or 3D), forms, codes and units to the .nii; texts and extensions are left out.
    Raises ScanError if labels and scan differ in shape, labels are not uint8, the ending is unknown, or a PNG gets several slices.
    """
    path = Path(path)
    if labels.dtype != np.uint8 or labels.shape != scan.shape:
        raise ScanError(f"labels are {labels.dtype} {labels.shape}; expected uint8 {scan.shape}, the grid of {scan.name}")
    ending = path.name.lower()
    if ending.endswith((".nii", ".nii.gz")):
        write_nifti(labels, scan, path)
    elif ending.endswith(".png"):
        write_png(labels, path)
    elif ending.endswith(".npy"):
        np.save(path, labels, allow_pickle=False)
    else:
        raise ScanError(f"cannot write {path.name}; accepted endings: .nii.gz, .nii, .png and .npy")


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
