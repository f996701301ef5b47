"""Where the images of a series lie: slices by position, moments of each slice, and the affine. Wrong geometry is refused, never guessed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, log10

import numpy as np

from vqseg.data.formats.axial import AXIAL
from vqseg.data.formats.dicom.header import DicomImage
from vqseg.data.formats.dicom.series import Series
from vqseg.data.limits import ScanError
from vqseg.types import Array

_TOLERANCE = 0.01
"""How far a gap may differ from the usual one, as a share of it."""
_ROUNDING = 0.011
"""Millimetres that positions may be off because they were written with two decimals."""


@dataclass(frozen=True)
class Stack:
    """slices[z][moment], the affine of voxels[column, row, slice] (RAS+), and what a person should know.

    known: whether all three sizes of a voxel are measured or said, and none of them was taken as 1 mm.
    """

    slices: tuple[tuple[DicomImage, ...], ...]
    affine: Array
    seconds: float | None
    notes: tuple[str, ...]
    known: bool

    @property
    def moments(self) -> int:
        return len(self.slices[0])


def stack_of(series: Series, name: str) -> Stack:
    """Order the images of a series.

    Args:
        series: Images of one size and orientation.
        name: For messages.

    Raises:
        ScanError: If slices are missing, lie at irregular distances or not parallel, or have different numbers of moments.
    """
    if series.tilted:
        raise ScanError(f"{name} has slices that are not parallel: they differ by {_digits(series.tilted)} degrees")
    images = series.images
    notes = (f"{series.joined} series of one slice each were read as one stack",) if series.joined > 1 else ()
    if images[0].position is None or images[0].orientation is None:
        return _unplaced(images, notes)
    places = _by_position(images)
    slices, seconds, said = _moments(places, images[0].between, name)
    affine, told = _affine(slices, name)
    known = images[0].pixel_spacing is not None and (len(slices) > 1 or bool(images[0].between))
    return Stack(slices, affine, seconds, notes + said + told, known)


def _by_position(images: Sequence[DicomImage]) -> list[list[DicomImage]]:
    """Images at one position together, in the order of the positions along the normal."""
    normal = _normal(images[0])
    ordered = sorted(images, key=lambda one: (_along(one, normal), one.number))
    places = [[ordered[0]]]
    for image in ordered[1:]:
        if _along(image, normal) - _along(places[-1][0], normal) <= _ROUNDING:
            places[-1].append(image)
        else:
            places.append([image])
    return places


def _moments(
    places: list[list[DicomImage]], between: float | None, name: str
) -> tuple[tuple[tuple[DicomImage, ...], ...], float | None, tuple[str, ...]]:
    """The images of every position in the order of time. Returns slices, seconds between two moments, and notes."""
    usual = Counter(len(place) for place in places).most_common(1)[0][0]
    notes: tuple[str, ...] = ()
    if any(len(place) != usual for place in places):
        once = [_without_doubles(place, usual) for place in places]
        dropped = sum(map(len, places)) - sum(map(len, once))
        places = once
        if dropped:
            notes = (f"{dropped} doubled image{'s were' if dropped > 1 else ' was'} left out",)
    counts = sorted({len(place) for place in places})
    if len(counts) > 1:
        raise ScanError(f"{name} has {counts[0]} to {counts[-1]} images at a position; expected as many moments for every slice")
    slices, by, known = _in_time(places)
    if counts[0] > 1 and not known:
        notes += (f"{counts[0]} images at every position are told apart by their numbers only; they may be no moments",)
    return slices, _seconds(slices, by) if counts[0] > 1 else None, notes


def _without_doubles(place: list[DicomImage], usual: int) -> list[DicomImage]:
    """One image for each moment; where a position usually has a single image, the first."""
    if usual == 1:
        return place[:1]
    kept: dict[object, DicomImage] = {}
    for image in place:
        moment = (image.temporal, image.trigger)
        kept.setdefault(image.number if moment == (None, None) else moment, image)
    return list(kept.values())


def _in_time(places: list[list[DicomImage]]) -> tuple[tuple[tuple[DicomImage, ...], ...], str, bool]:
    """By the first of the attributes that tells the images of every position apart. Returns also which, and whether it is a time."""
    for name in ("temporal", "trigger", "acquisition", "number"):
        values = [[getattr(image, name) for image in place] for place in places]
        if all(None not in row and len(set(row)) == len(row) for row in values):
            slices = tuple(tuple(sorted(place, key=lambda image: float(getattr(image, name)))) for place in places)
            return slices, name, name in ("temporal", "trigger")
    return tuple(tuple(place) for place in places), "", False


def _seconds(slices: Sequence[Sequence[DicomImage]], by: str) -> float | None:
    """From one moment to the next: by the trigger times, else what the header says outright."""
    times = [[image.trigger for image in moments] for moments in slices]
    steps = [later - one for row in times for one, later in pairwise(row) if one is not None and later is not None]
    if steps and min(steps) > 0:
        return float(np.median(steps)) / 1000
    return slices[0][0].seconds if by in ("temporal", "trigger", "number") else None


def _affine(slices: Sequence[Sequence[DicomImage]], name: str) -> tuple[Array, tuple[str, ...]]:
    """From positions: how far two slices are apart is measured, as the thickness that a header names is another thing."""
    first = slices[0][0]
    notes: tuple[str, ...] = ()
    if first.pixel_spacing is None:
        notes = ("the size of a pixel is unknown; 1 mm was taken",)
    rows, columns = first.pixel_spacing or (1.0, 1.0)
    axes = np.array(first.orientation).reshape(2, 3)
    positions = np.array([place[0].position for place in slices])
    if len(slices) > 1:
        _require_regular(positions, _normal(first), min(rows, columns), name)
        step = (positions[-1] - positions[0]) / (len(slices) - 1)
    else:
        step = _normal(first) * (first.between or 1.0)
        notes += () if first.between else ("the thickness of the slice is unknown; 1 mm was taken",)
    affine = np.eye(4)
    affine[:3] = np.column_stack([axes[0] * columns, axes[1] * rows, step, positions[0]])
    # DICOM counts to the patient's left and back, a scan's affine to the right and front.
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine, notes


def _require_regular(positions: Array, normal: Array, pixel: float, name: str) -> None:
    """Raise ScanError unless the slices are equidistant and on one line (which a gantry tilt may make oblique)."""
    gaps = np.diff(positions @ normal)
    usual = float(np.median(gaps))
    allowed = max(_TOLERANCE * usual, _ROUNDING)
    smallest = float(gaps.min())
    if (abs(gaps - usual) > allowed).any():
        whole = np.round(gaps / smallest)
        if (abs(gaps - whole * smallest) <= np.maximum(_TOLERANCE * smallest * whole, _ROUNDING)).all():
            there, missing = len(positions), int(whole.sum()) - len(gaps)
            raise ScanError(
                f"{name} lacks {missing} of {there + missing} slices: its {there} lie {_mm(gaps.min())} to {_mm(gaps.max())} mm apart"
            )
        raise ScanError(f"{name} has slices at irregular distances: {_mm(smallest)} to {_mm(gaps.max())} mm; expected equal ones")
    line = positions[0] + np.outer(np.arange(len(positions)), (positions[-1] - positions[0]) / (len(positions) - 1))
    off = np.linalg.norm(positions - line, axis=1).max()
    if off > max(allowed, 0.1 * pixel) + _TOLERANCE * usual:
        raise ScanError(f"{name} has slices that are shifted against each other by up to {_mm(off)} mm; expected them on one line")


def _unplaced(images: Sequence[DicomImage], notes: tuple[str, ...]) -> Stack:
    """Images without positions: frames with a time are moments of one slice, everything else is a stack in the order of its numbers."""
    first = images[0]
    ordered = sorted(images, key=lambda one: (one.number, one.sop, one.member.name, one.index))
    rows, columns = first.pixel_spacing or (1.0, 1.0)
    affine = (
        AXIAL @ np.array([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]) @ np.diag([columns, rows, first.between or 1.0, 1.0])
    )
    unknown = "positions are unknown; sizes in mm may be wrong" if first.pixel_spacing is None else "positions are unknown"
    if first.frames > 1 and len({one.sop for one in images}) == 1 and first.seconds:
        return Stack((tuple(ordered),), affine, first.seconds, (*notes, unknown), known=False)
    order = "; the slices are in the order of their numbers" if len(images) > 1 else ""
    return Stack(tuple((one,) for one in ordered), affine, None, (*notes, unknown + order), known=False)


def _normal(image: DicomImage) -> Array:
    assert image.orientation is not None
    normal = np.cross(image.orientation[:3], image.orientation[3:])
    unit: Array = normal / np.linalg.norm(normal)
    return unit


def _along(image: DicomImage, normal: Array) -> float:
    return float(np.dot(image.position or (0.0, 0.0, 0.0), normal))


def _mm(value: float) -> str:
    return f"{value:.{max(0, 2 - max(0, ceil(log10(max(abs(value), 1e-3)))))}f}"


def _digits(value: float) -> str:
    return f"{value:.2g}"
