"""One scan in, one label volume out, on the same grid. The file's first bytes decide what it is, not its ending.

vqseg.data.formats lists the formats. A Scan holds neither the header's text nor the folder's name.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vqseg.data.channels import read_channels
from vqseg.data.formats import (
    accepted,
    ending_of,
    format_names,
    format_of_name,
    label_name,
    scan_endings,
    without_ending,
    writable_endings,
)
from vqseg.data.formats.bundle import series_of_members
from vqseg.data.formats.dicom import DICOM, Series, write_dicom_labels
from vqseg.data.grids import has_geometry, on_grid_of
from vqseg.data.label_maps import label_map, label_map_of_channels
from vqseg.data.limits import MAX_BYTES, ScanError, foreseen, with_finite_voxels
from vqseg.data.planes import through_plane_axis
from vqseg.data.reading import Source, cannot_read, named_files, opened_members, read_volume
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
    "read_label_map",
    "read_labels",
    "read_labels_of",
    "read_numbers",
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


def read_scan(path: Source, frame: int | None = None, *, channels: int = 1, series: int | None = None, most_bytes: int = MAX_BYTES) -> Scan:
    """Read one volume, or one frame of a cine, as float32 in the file's own units and array order.

    A 2D image gets Z = 1. NaN and infinite voxels become the smallest finite one.

    Args:
        path: A file of any of the formats in vqseg.data.formats, whatever its ending; or a folder, a zip or a list of files that hold
            one scan together: a DICOM series, or one file of another format and what belongs to it.
        frame: Number of the frame, from 0; None for the first. A file that says its frames are channels is read only with a number.
        channels: How many the scan has. With one, colours become grey, and a fourth axis holds moments. With several, they are the colours
            of a picture (3), the volumes along a fourth axis, or as many files of one case, NAME_0000, NAME_0001, ...
        series: Number of the DICOM series as in `list_series`, from 1; None for the one with the most images.
        most_bytes: The largest volume that is read, in bytes as float32, all channels together.

    Returns:
        The scan, voxels (X, Y, Z), or (X, Y, Z, C) if it has several channels.

    Raises:
        ScanError: If the file is missing, damaged, of another type, empty, too large, not one real number a voxel, or has other channels.
    """
    if channels > 1:
        return read_channels(path, frame, channels, series, most_bytes // channels)
    scan = with_finite_voxels(read_volume(path, frame, series, most_bytes, "greys"))
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
    files, name = named_files(path)
    try:
        with foreseen(name), opened_members(files) as members:
            return series_of_members(members, name)
    except OSError as error:
        raise cannot_read(name, error) from error


def read_numbers(path: Source, frame: int | None = None, *, most_bytes: int = MAX_BYTES) -> Scan:
    """A label file's numbers as they are stored: indices of a palette and not its greys, NaN where there is no number.

    Args:
        path: As for `read_scan`.
        frame: Number of one of several volumes, from 0; None for the first.
        most_bytes: As for `read_scan`.

    Returns:
        What `vqseg.data.label_maps.label_map` turns into labels.

    Raises:
        ScanError: As `read_scan`, and if the file's compression has changed the numbers or they are colours.
    """
    return read_volume(path, frame, None, most_bytes, "labels")


def read_label_map(path: Source, names: Sequence[str] = (), *, ignore: int | None = None) -> Scan:
    """The labels of a file, with what it says of where they lie.

    Args:
        path: As for `read_scan`. Several volumes are read if they are one for each class.
        names: Of the classes that are allowed, the background first; empty for any.
        ignore: A number allowed beside them, of voxels without a label; they become UNSURE.

    Returns:
        A scan whose voxels are (X, Y, Z) uint8.

    Raises:
        ScanError: As `read_numbers`.
        LabelError: A value is no label, or there are several volumes.
    """
    # The first by its number: channels are no fault here, as they may be one a class.
    given = read_numbers(path, 0)
    if given.frames > 1:
        given = label_map_of_channels(given, lambda number: read_numbers(path, number))
    return label_map(given, names, ignore=ignore)


def read_labels(path: Source, names: Sequence[str] = ()) -> Array:
    """The labels of a file alone, (X, Y, Z) uint8. See `read_label_map`."""
    return read_label_map(path, names).voxels


def read_labels_of(scan: Scan, path: Source, names: Sequence[str] = (), *, ignore: int | None = None) -> Scan:
    """The labels of a scan.

    Args:
        scan: The scan that they belong to.
        path: Their file; mirrored or exchanged axes are undone by what the headers say.
        names: As for `read_label_map`.
        ignore: As for `read_label_map`.

    Returns:
        A scan whose voxels are (X, Y, Z) uint8 in the array order of the first, with notes of how they were read.

    Raises:
        ScanError: As `read_label_map`.
        GridError: They lie on another grid than the scan.
    """
    return on_grid_of(scan, read_label_map(path, names, ignore=ignore))


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
