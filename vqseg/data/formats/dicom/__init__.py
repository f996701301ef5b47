"""DICOM: the series of a file, a folder, a zip or several files as a scan; labels as DICOM-SEG.

header.py reads headers, series.py finds what belongs together, stack.py puts it in order, pixels.py decodes, segmentation.py writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vqseg.data.formats.dicom.codecs import NATIVE
from vqseg.data.formats.dicom.header import is_dicom
from vqseg.data.formats.dicom.pixels import decode
from vqseg.data.formats.dicom.series import Series, choose, find_series
from vqseg.data.formats.dicom.stack import stack_of
from vqseg.data.formats.format import Format
from vqseg.data.formats.members import Member, members_of_files
from vqseg.data.limits import ScanError, frame_shape
from vqseg.types import Array, Scan

__all__ = ["DICOM", "DicomSource", "ReferencedImage", "Series", "find_series", "is_dicom", "read_series", "write_dicom_labels"]


@dataclass(frozen=True)
class ReferencedImage:
    """The image that a slice was read from, for a segmentation that refers to it. frame: from 1 in a multi-frame file, else None."""

    sop_class: str
    sop: str
    series: str
    frame: int | None


@dataclass(frozen=True)
class DicomSource:
    """What labels need to go back to a DICOM series: unique numbers of its images. Held in memory alone; nothing names a person."""

    study: str
    reference: str
    modality: str
    images: tuple[ReferencedImage, ...]

    @property
    def is_complete(self) -> bool:
        """Whether a segmentation can refer to the series: it names its images, its study and the frame in which they lie."""
        return bool(self.reference and self.study and all(one.sop and one.sop_class for one in self.images))


def read_series(members: Sequence[Member], name: str, frame: int | None, most_bytes: int, number: int | None = None) -> Scan:
    """One moment of one series.

    Args:
        members: The files to look through.
        name: What the scan is called, also in messages.
        frame: From 0; None for the first.
        most_bytes: Largest volume, in bytes as stored or as float32, whichever is more.
        number: Of the series, from 1; None for the one with the most images.

    Returns:
        The scan, voxels (column, row, slice), frames its moments.

    Raises:
        ScanError: If there is no series, its geometry is wrong or unknown, the frame does not exist, or it is too large or damaged.
    """
    series, notes = choose(find_series(members, name), name, number)
    stack = stack_of(series, name)
    rows, columns = series.images[0].size
    bytes_a_voxel = max(one.bits for one in series.images) // 8
    if any(one.coloured and one.syntax not in NATIVE for one in series.images):
        # Their decoders hold a picture several times over.
        bytes_a_voxel = max(bytes_a_voxel, 6)
    frame_shape(name, (columns, rows, len(stack.slices), stack.moments), bytes_a_voxel, frame, most_bytes)
    images = [moments[frame or 0] for moments in stack.slices]
    voxels = decode(images, name)
    if any(one.coloured for one in images):
        notes += ("colour was read as grey",)
    if any(one.inverted for one in images):
        notes += ("grey values were turned over: the file shows its smallest ones white",)
    spacing = np.linalg.norm(stack.affine[:3, :3], axis=0)
    references = tuple(ReferencedImage(one.sop_class, one.sop, one.series, one.index + 1 if one.frames > 1 else None) for one in images)
    source = DicomSource(images[0].study, images[0].reference, images[0].modality, references)
    x, y, z = (float(one) for one in spacing)
    return Scan(voxels, stack.affine, (x, y, z), name, source, stack.moments, stack.seconds, notes + stack.notes, stack.known)


def _read(path: Path, frame: int | None, most_bytes: int) -> Scan:
    return read_series(members_of_files([path]), path.name, frame, most_bytes)


def write_dicom_labels(labels: Array, scan: Scan, path: Path, classes: Sequence[str] = ()) -> None:
    """Write a DICOM segmentation.

    Args:
        labels: (column, row, slice) uint8.
        scan: The scan that they belong to.
        path: The file to be written.
        classes: Names of the classes, the background first.

    Raises:
        ScanError: If the scan did not come as DICOM, or its files do not say what a segmentation has to refer to.
    """
    if not isinstance(scan.header, DicomSource):
        raise ScanError(f"{path.name}: a DICOM segmentation refers to a DICOM series, and {scan.name} is none; write .nii.gz")
    if labels.ndim != 3:
        raise ScanError(f"{path.name}: a DICOM segmentation holds one moment here, the labels have {labels.shape[3]}; write .nii.gz")
    from vqseg.data.formats.dicom.segmentation import write_segmentation

    write_segmentation(labels, scan, scan.header, path, classes)


DICOM = Format(name="DICOM", endings=(".dcm",), recognises=is_dicom, read=_read, write_labels=write_dicom_labels, labels_as=".nii.gz")
