"""Which images belong together: the series of a folder, a zip or several files, numbered and without their descriptions.

A series is split where its images cannot lie in one stack: other orientation, size, pixel spacing, kind or echo. Cine series of one
position each are joined, as many scanners make one series per slice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vqseg.data.formats.dicom.header import DicomImage, is_dicom, read_images
from vqseg.data.formats.format import FIRST_BYTES
from vqseg.data.formats.members import Member
from vqseg.data.limits import ScanError

MAX_SERIES = 500
"""Series, and planes of series, of one source. Every image is compared with those of its series."""
SMALL_ANGLE = 20.0
"""Degrees. Planes of one series that differ by less were meant as one stack; those of a scout differ by more."""
_SAME = 1e-3
"""Of the components of unit vectors, and of pixel spacings: below a twentieth of a degree."""


@dataclass(frozen=True)
class Series:
    """Images that make one scan or one cine. number: from 1, in the order of the scanner's numbers. joined: of how many series."""

    number: int
    images: tuple[DicomImage, ...]
    joined: int = 1
    tilted: float = 0.0
    """Degrees to the nearest group of the same series whose planes are nearly parallel; 0 without one."""

    @property
    def label(self) -> str:
        """For a list: "series 2: 120 images, MR, 256 x 256"; columns by rows, as scanners say it."""
        one = self.images[0]
        count = f"{len(self.images)} image{'s' if len(self.images) > 1 else ''}"
        return f"series {self.number}: {count}, {one.modality}, {one.size[1]} x {one.size[0]}"


@dataclass(frozen=True)
class Found:
    """The series of a source, and what was met on the way: images that were there twice, files that are damaged."""

    series: tuple[Series, ...]
    doubled: int
    damaged: int


def find_series(members: Sequence[Member], name: str) -> Found:
    """Read the headers of all DICOM files among the members.

    Args:
        members: Files of any kind; those that are not DICOM are passed over.
        name: What a person calls the source, for messages.

    Raises:
        ScanError: If no file holds a DICOM image.
    """
    images: list[DicomImage] = []
    problems: list[ScanError] = []
    for member in members:
        if not is_dicom(member.start(FIRST_BYTES)):
            continue
        try:
            images += read_images(member)
        except ScanError as error:
            problems.append(error)
    if not images:
        raise ScanError(f"{name} is DICOM, but {problems[0]}" if problems else f"{name} holds no DICOM image")
    once = _once(images)
    return Found(tuple(_numbered(_joined(_groups(once, name)))), len(images) - len(once), len(problems))


def choose(found: Found, name: str, number: int | None) -> tuple[Series, tuple[str, ...]]:
    """A series, and what a person should know of the choice.

    Args:
        found: All series.
        name: For messages.
        number: From 1; None for the one with the most images, the first of several.

    Raises:
        ScanError: If there is no such series; the message lists them.
    """
    if number is not None:
        chosen = next((one for one in found.series if one.number == number), None)
        if chosen is None:
            raise ScanError(f"{name} has no series {number}; there are: " + "; ".join(one.label for one in found.series))
        return chosen, _troubles(found)
    chosen = max(found.series, key=lambda one: len(one.images))
    notes = _troubles(found)
    if len(found.series) > 1:
        studies = len({image.study for one in found.series for image in one.images})
        of = f" of {studies} studies" if studies > 1 else ""
        notes += (f"{len(found.series)} series{of}; the one with the most images was read ({chosen.label})",)
    return chosen, notes


def _troubles(found: Found) -> tuple[str, ...]:
    notes = []
    if found.doubled:
        notes.append(f"{_images(found.doubled)} came twice and {'was' if found.doubled == 1 else 'were'} read once")
    if found.damaged:
        notes.append(f"{found.damaged} damaged DICOM file{'s were' if found.damaged > 1 else ' was'} left out")
    return tuple(notes)


def _images(count: int) -> str:
    return f"{count} image{'s' if count > 1 else ''}"


def _once(images: Sequence[DicomImage]) -> list[DicomImage]:
    """The same file may lie in a folder twice: an image is known by its unique number."""
    seen: set[tuple[str, int]] = set()
    kept = []
    for image in images:
        key = (image.sop, image.index)
        if not image.sop or key not in seen:
            kept.append(image)
        seen.add(key)
    return kept


def _groups(images: Sequence[DicomImage], name: str) -> list[Series]:
    """Images of one series that can lie in one stack."""
    by_key: dict[tuple[object, ...], list[list[DicomImage]]] = {}
    for image in images:
        key = (image.study, image.series, image.size, image.kind, image.echo, image.reference)
        alike = by_key.setdefault(key, [])
        group = next((one for one in alike if _parallel(one[0], image)), None)
        if group is None:
            group = []
            alike.append(group)
            if sum(map(len, by_key.values())) > MAX_SERIES:
                raise ScanError(f"{name} holds more than {MAX_SERIES} series or planes; choose the files of one scan")
        group.append(image)
    return [Series(0, tuple(group), tilted=_tilt(group[0], alike)) for alike in by_key.values() for group in alike]


def _tilt(one: DicomImage, alike: Sequence[Sequence[DicomImage]]) -> float:
    """Degrees to the nearest other group of the same series that is nearly parallel; 0 without one."""
    angles = [_angle(one, other[0]) for other in alike if other[0] is not one and not _close(one.orientation, other[0].orientation)]
    return min((angle for angle in angles if angle < SMALL_ANGLE), default=0.0)


def _parallel(one: DicomImage, other: DicomImage) -> bool:
    return _close(one.orientation, other.orientation) and _close(one.pixel_spacing, other.pixel_spacing) and _placed(one) == _placed(other)


def _placed(one: DicomImage) -> bool:
    return one.position is not None and one.orientation is not None


def _close(one: tuple[float, ...] | None, other: tuple[float, ...] | None) -> bool:
    if one is None or other is None:
        return one is other
    # Not by NumPy: this runs for every image, of which there may be thousands.
    return all(abs(a - b) <= _SAME for a, b in zip(one, other, strict=True))


def _angle(one: DicomImage, other: DicomImage) -> float:
    """Degrees between two planes; 180 if one of them is unknown."""
    if one.orientation is None or other.orientation is None:
        return 180.0
    normals = [np.cross(each.orientation[:3], each.orientation[3:]) for each in (one, other) if each.orientation]
    return float(np.degrees(np.arccos(np.clip(abs(normals[0] @ normals[1]), 0, 1))))


def _joined(groups: Sequence[Series]) -> list[Series]:
    """Cine series of one position each, as many images and the same plane: together they are the stack of slices that was meant."""
    rest: list[Series] = []
    stacks: dict[tuple[object, ...], list[Series]] = {}
    for group in groups:
        one = group.images[0]
        if len(group.images) < 2 or one.frames > 1 or not _placed(one) or len({image.position for image in group.images}) > 1:
            rest.append(group)
            continue
        plane = tuple(np.round([*(one.orientation or ()), *(one.pixel_spacing or ())], 2).tolist())
        stacks.setdefault((one.study, one.reference, one.size, one.kind, one.echo, len(group.images), plane), []).append(group)
    for alike in stacks.values():
        places = {one.images[0].position for one in alike}
        parallel = all(_parallel(alike[0].images[0], one.images[0]) for one in alike)
        if len(alike) < 3 or not parallel or len(places) < len(alike):
            rest += alike
        else:
            rest.append(Series(0, tuple(image for one in alike for image in one.images), joined=len(alike)))
    return rest


def _numbered(groups: Sequence[Series]) -> list[Series]:
    ordered = sorted(groups, key=lambda one: min((image.series_number, image.series, image.number, image.sop) for image in one.images))
    return [replace(one, number=number) for number, one in enumerate(ordered, 1)]
