"""Several files as one scan: a DICOM series, or one file of another format with what belongs to it. Also the zip that holds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from vqseg.data import formats
from vqseg.data.formats.arrays import NUMPY_ARCHIVE
from vqseg.data.formats.dicom import Series, find_series, is_dicom, read_series
from vqseg.data.formats.format import FIRST_BYTES, Format, Wanted
from vqseg.data.formats.members import ZIP_MAGIC, Member, members_of_zip, unpacked
from vqseg.data.limits import MAX_BYTES, ScanError
from vqseg.types import Scan


def read_members(
    members: Sequence[Member],
    name: str,
    frame: int | None,
    most_bytes: int = MAX_BYTES,
    series: int | None = None,
    *,
    wanted: Wanted = "greys",
) -> Scan:
    """One scan out of several files.

    Args:
        members: The files. If any of them is DICOM, the scan is a series of the DICOM files; the others are passed over.
        name: What the scan is called, also in messages.
        frame: From 0; None if nobody chose one.
        most_bytes: Largest frame.
        series: Number of the DICOM series, from 1; None for the one with the most images.
        wanted: Whether the file holds labels, or is read for its colours.

    Raises:
        ScanError: If there is no scan or more than one, or it cannot be read.
    """
    if any(is_dicom(member.start(FIRST_BYTES)) for member in members):
        return read_series(members, name, frame, most_bytes, series)
    if series is not None:
        raise ScanError(f"{name} has no series to choose from: it is no DICOM")
    return replace(_read_only_scan(members, name, frame, most_bytes, wanted), name=name)


def series_of_members(members: Sequence[Member], name: str) -> tuple[Series, ...]:
    """All series of the DICOM files among the members, numbered; none where nothing is DICOM."""
    return find_series(members, name).series if any(is_dicom(member.start(FIRST_BYTES)) for member in members) else ()


def _read_only_scan(members: Sequence[Member], name: str, frame: int | None, most_bytes: int, wanted: Wanted) -> Scan:
    kinds = {member: kind for member in members if (kind := formats.format_of_content(member.start(FIRST_BYTES))) and kind is not ZIP}
    companions = tuple(ending for kind in kinds.values() for ending in kind.companions)
    scans = [member for member in kinds if not member.name.lower().endswith(companions or ("\0",))]
    if len(scans) != 1:
        expected = "one, or a DICOM series, or one file for each channel of a checkpoint that reads several (_0000, _0001, ...)"
        raise ScanError(f"{name} holds {len(scans) or 'no'} scan{'s' if len(scans) > 1 else ''}; expected {expected}")
    (scan,) = scans
    with_voxels = [one for one in members if one is not scan and one.name.lower().endswith(kinds[scan].companions or ("\0",))]
    with unpacked([scan, *with_voxels], name) as folder:
        return kinds[scan].reader(wanted)(folder / scan.name, frame, most_bytes)


def _read_zip(path: Path, frame: int | None, most_bytes: int, *, wanted: Wanted = "greys") -> Scan:
    with members_of_zip(path) as members:
        return read_members(members, path.name, frame, most_bytes, wanted=wanted)


ZIP = Format(
    name="zip",
    endings=(".zip",),
    recognises=lambda start: start.startswith(ZIP_MAGIC) and not NUMPY_ARCHIVE.recognises(start),
    read=_read_zip,
    read_labels=partial(_read_zip, wanted="labels"),
    read_colours=partial(_read_zip, wanted="colours"),
    labels_as=".nii.gz",
)
