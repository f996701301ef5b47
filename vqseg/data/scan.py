"""One scan in, one label volume out, on the same grid. The file's first bytes decide what it is, not its ending.

vqseg.data.formats lists the formats. A Scan holds neither the header's text nor the folder's name.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from vqseg.data.formats import (
    FIRST_BYTES,
    accepted,
    ending_of,
    format_names,
    format_of_content,
    format_of_name,
    header_of_companion,
    label_name,
    scan_endings,
    without_ending,
    writable_endings,
)
from vqseg.data.formats.axial import AXIAL
from vqseg.data.formats.bundle import read_members, series_of_members
from vqseg.data.formats.dicom import DICOM, Series, write_dicom_labels
from vqseg.data.formats.members import Member, members_of_files, members_of_folder, members_of_zip, zipfile_starts
from vqseg.data.limits import MAX_BYTES, ScanError, foreseen, require_geometry
from vqseg.types import Array, Scan

__all__ = [
    "ACCEPTED",
    "MAX_BYTES",
    "ScanError",
    "Source",
    "accepted",
    "ending_of",
    "format_names",
    "has_geometry",
    "label_name",
    "list_series",
    "read_labels",
    "read_scan",
    "scan_endings",
    "series_of",
    "through_plane_axis",
    "without_ending",
    "writable_endings",
    "write_labels",
]

ACCEPTED = accepted()

logger = logging.getLogger(__name__)


Source = str | Path | Sequence[str | Path]
"""A file, a folder, a zip, or several files that belong together."""


def read_scan(path: Source, frame: int | None = None, *, series: int | None = None, most_bytes: int = MAX_BYTES) -> Scan:
    """Read one volume, or one frame of a cine, as float32 in the file's own units and array order.

    A 2D image gets Z = 1. NaN and infinite voxels become the smallest finite one.

    Args:
        path: A file of any of the formats in vqseg.data.formats, whatever its ending; or a folder, a zip or a list of files that hold
            one scan together: a DICOM series, or one file of another format and what belongs to it.
        frame: Number of the frame, from 0; None for the first. A file that says its frames are channels is read only with a number.
        series: Number of the DICOM series as in `list_series`, from 1; None for the one with the most images.
        most_bytes: The largest volume that is read, in bytes as float32.

    Returns:
        The scan, voxels (X, Y, Z).

    Raises:
        ScanError: If the file is missing, damaged, of another type, empty, too large, or not one real number a voxel.
    """
    files, name = _files(path)
    try:
        with foreseen(name):
            if series is None and len(files) == 1 and not files[0].is_dir():
                scan = _read_file(files[0], frame, most_bytes)
            else:
                with _members(files) as members:
                    scan = read_members(members, name, frame, most_bytes, series)
            require_geometry(name, scan.affine, scan.spacing)
    except OSError as error:
        raise _cannot_read(name, error) from error
    logger.debug("read %s: %s voxels, spacing %s", scan.name, scan.shape, scan.spacing)
    return scan


def list_series(path: Source) -> tuple[str, ...]:
    """The DICOM series of a file, a folder, a zip or several files: "series 2: 120 images, MR, 256 x 256", the first is number 1.

    Args:
        path: As for `read_scan`, whose `series` takes the numbers.

    Returns:
        One line for each; none where nothing is DICOM. Descriptions are left out, as people write names into them.

    Raises:
        ScanError: If the files are missing or damaged.
    """
    return tuple(one.label for one in series_of(path))


def series_of(path: Source) -> tuple[Series, ...]:
    """What `list_series` tells of, in its order. Raises ScanError if the files are missing or damaged."""
    files, name = _files(path)
    try:
        with foreseen(name), _members(files) as members:
            return series_of_members(members, name)
    except OSError as error:
        raise _cannot_read(name, error) from error


def read_labels(path: str | Path) -> Array:
    """A label file as (X, Y, Z) uint8. Raises ScanError as `read_scan`, and if a voxel is not a whole number from 0 to 255."""
    scan = read_scan(path)
    labels = scan.voxels.astype(np.uint8) if scan.voxels.min() >= 0 and scan.voxels.max() <= 255 else None
    if labels is None or not np.array_equal(labels, scan.voxels):
        raise ScanError(f"{scan.name} is no label file; expected whole numbers from 0 to 255")
    return labels


def write_labels(labels: Array, scan: Scan, path: str | Path, classes: Sequence[str] = ()) -> None:
    """Write labels on the scan's grid, in the format that the ending of the path names.

    A scan that came as NIfTI gives its own shape (2D or 3D), forms, codes and units to the .nii; texts and extensions are left out.

    Args:
        labels: (X, Y, Z) uint8; or those of a series, (X, Y, Z, T).
        scan: The scan that they belong to, or any frame of the series, of the same shape.
        path: A file whose ending is one of `writable_endings()`; `label_name` gives a scan's. A .dcm becomes a DICOM segmentation, for a
            scan that came as DICOM: it names study and images by their unique numbers, and no patient.
        classes: Names of the classes, the background first, for formats that keep them (a DICOM segmentation).

    Raises:
        ScanError: If labels and scan differ in shape, labels are not uint8, the ending is unknown, or a PNG gets several slices or frames.
    """
    path = Path(path)
    if labels.dtype != np.uint8 or labels.ndim not in (3, 4) or labels.shape[:3] != scan.shape:
        raise ScanError(f"labels are {labels.dtype} {labels.shape}; expected uint8 {scan.shape}, the grid of {scan.name}")
    kind = format_of_name(path.name)
    if kind is None or kind.write_labels is None:
        raise ScanError(f"cannot write {path.name}; accepted endings: {', '.join(writable_endings())}")
    if kind is DICOM:
        write_dicom_labels(labels, scan, path, classes)
    else:
        kind.write_labels(labels, scan, path)


def has_geometry(scan: Scan) -> bool:
    """Whether its file says where the voxels lie. Pictures and plain arrays do not: they have the affine of vqseg.data.formats.axial."""
    return scan.header is not None or not np.array_equal(scan.affine, AXIAL)


def through_plane_axis(scan: Scan) -> int:
    """The axis across the slices: that of the largest spacing if it exceeds the others by more than 1%, else the last."""
    if scan.shape[2] == 1:
        return 2
    order = np.argsort(scan.spacing)
    return int(order[2]) if scan.spacing[order[2]] > 1.01 * scan.spacing[order[1]] else 2


def _read_file(path: Path, frame: int | None, most_bytes: int) -> Scan:
    with path.open("rb") as file:
        start = file.read(FIRST_BYTES)
    if not start:
        raise ScanError(f"{path.name} is an empty file")
    kind = format_of_content(start)
    if kind is None:
        header = header_of_companion(path)
        if header is None:
            raise ScanError(f"{path.name} is of an unknown type; accepted: {accepted()}")
        return _read_file(header, frame, most_bytes)
    return kind.read(path, frame, most_bytes)


def _files(path: Source) -> tuple[list[Path], str]:
    """The files or the folder that were named, and what their scan is called."""
    files = [Path(path)] if isinstance(path, (str, Path)) else [Path(one) for one in path]
    if not files:
        raise ScanError(f"no file was named; accepted: {accepted()}")
    # "." has no name of its own.
    return files, min((one.name or one.resolve().name for one in files), default="scan")


@contextmanager
def _members(files: Sequence[Path]) -> Iterator[Sequence[Member]]:
    if len(files) > 1:
        yield members_of_files(files)
    elif files[0].is_dir():
        yield members_of_folder(files[0])
    elif zipfile_starts(files[0]):
        with members_of_zip(files[0]) as members:
            yield members
    else:
        yield members_of_files(files)


def _cannot_read(name: str, error: OSError) -> ScanError:
    # The error's own text has the whole path.
    return ScanError(f"cannot read {name}: {error.strerror or type(error).__name__}")
