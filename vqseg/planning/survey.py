"""What the scans of a folder are like: sizes, intensities, classes, shapes of the structures, and all that is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import ndimage

from vqseg.data.case_files import read_case_files
from vqseg.data.datasets import NOT_DESCRIBED, DatasetError, Labelling, patient_of
from vqseg.data.limits import ScanError
from vqseg.data.planes import through_plane_axis
from vqseg.data.scan import read_numbers
from vqseg.planning.channels import Channels, find_channels
from vqseg.planning.layout import Found, Layout
from vqseg.types import UNSURE, Array, Case, Scan

Progress = Callable[[Sequence[Found]], Iterable[Found]]
_ROUND = 1.3
"""Ratio of the axes below which a structure shows no direction."""


@dataclass(frozen=True)
class Shape:
    """The structures of a labelled case, in its slices. Lengths are shares of a slice's longer side.

    Attributes:
        voxels: Of every class by its label; of UNSURE if there are voxels without one.
        extent: Longest side of the box around all structures, over all slices.
        smallest: Diameter of a disc as large as the smallest structure's area in the slice where that is largest.
        pieces: Connected regions of all structures together, and the most that one structure has.
        angle: Direction of the structures in the slice with most of them, degrees in [0, 180); None if they are round.
    """

    voxels: dict[int, int]
    extent: float
    smallest: float
    pieces: tuple[int, int]
    angle: float | None


@dataclass(frozen=True)
class CaseFacts:
    """One case that could be read.

    Attributes:
        name: Its name.
        grid: Voxels of a slice, the longer side first, and the number of slices.
        spacing: Millimetres in a slice and between slices; None where the file does not say.
        intensities: Least value, 0.5 and 99.5 percentile, largest value, of all channels together.
        whole: Whether all values are whole numbers.
        shape: Of the structures; None without labels.
        labelled: The structures that its labels show; None for all.
    """

    name: str
    grid: tuple[int, int, int]
    spacing: tuple[float, float] | None
    intensities: tuple[float, float, float, float]
    whole: bool
    shape: Shape | None
    labelled: tuple[str, ...] | None = None


@dataclass
class Survey:
    """Cases that could be read, what is wrong with others by their names, what should be known and of which cases, what the labels mean,
    and the channels."""

    cases: list[CaseFacts] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    labelling: Labelling = NOT_DESCRIBED
    channels: Channels = field(default_factory=Channels)

    @property
    def classes(self) -> tuple[str, ...]:
        """Their names, the background first."""
        return self.labelling.names

    @property
    def labelled(self) -> list[CaseFacts]:
        """Those with labels."""
        return [case for case in self.cases if case.shape is not None]


def look(layout: Layout, progress: Progress = lambda cases: cases, *, channels: int | None = None) -> Survey:
    """Open every file.

    Args:
        layout: The cases.
        channels: Of a scan, as for `find_channels`.
        progress: Goes through them and may show it.

    Returns:
        What was found. Nothing is raised for what is wrong with a case.
    """
    labelling = layout.labelling if layout.labelling.names else Labelling(_classes(layout))
    survey = Survey(labelling=labelling, channels=find_channels(layout, channels))
    for found in progress(layout.cases):
        try:
            plain = Case(found.name, patient_of(found.name), found.image, found.label, further=found.further)
            case = survey.labelling.described(plain)
            scan, labels = read_case_files(case, survey.classes, channels=survey.channels.count)
        except (ScanError, DatasetError) as error:
            survey.problems[found.name] = str(error).removeprefix(f"{found.name}: ")
            continue
        for note in scan.notes:
            survey.notes.setdefault(note, []).append(found.name)
        survey.cases.append(replace(_facts(found.name, scan, labels), labelled=case.labelled))
    return survey


def _classes(layout: Layout) -> tuple[str, ...]:
    """Names for the values of all label files: a mask of two values shows one structure, whatever they are."""
    values: set[float] = {0.0}
    for found in layout.cases:
        if found.label is None:
            continue
        try:
            values |= set(np.unique(read_numbers(found.label).voxels).tolist())
        except ScanError:
            # `look` says what is wrong with it.
            continue
    if values <= {0.0, 1.0} or values <= {0.0, 255.0}:
        return ("background", "structure")
    largest = max((int(value) for value in values if value == value and 0 <= value < 255), default=1)
    return ("background", *(f"class{value}" for value in range(1, largest + 1)))


def _facts(name: str, scan: Scan, labels: Array | None) -> CaseFacts:
    axis = through_plane_axis(scan)
    sides = [size for place, size in enumerate(scan.shape) if place != axis]
    within = min(length for place, length in enumerate(scan.spacing) if place != axis)
    spacing = (float(within), float(scan.spacing[axis])) if scan.spacing_known else None
    sample = scan.voxels.reshape(-1)[:: max(1, scan.voxels.size // 200_000)]
    low, high = np.percentile(sample, [0.5, 99.5])
    values = (float(sample.min()), float(low), float(high), float(sample.max()))
    shape = None if labels is None or not ((labels > 0) & (labels != UNSURE)).any() else _shape(np.moveaxis(labels, axis, 0))
    return CaseFacts(name, (max(sides), min(sides), scan.shape[axis]), spacing, values, bool((sample == np.rint(sample)).all()), shape)


def _shape(slices: Array) -> Shape:
    """The structures of labels (S, A, B)."""
    side = max(slices.shape[1:])
    values, counts = np.unique(slices, return_counts=True)
    voxels = {int(value): int(count) for value, count in zip(values, counts, strict=True)}
    slices = np.where(slices == UNSURE, 0, slices)
    box = ndimage.find_objects(slices.any(0).astype(int))[0]
    areas = [max(int((one == value).sum()) for one in slices) for value in voxels if value not in (0, UNSURE)]
    pieces = ndimage.label(slices > 0, np.ones((3, 3, 3)))[1]
    most = max(ndimage.label(slices == value, np.ones((3, 3, 3)))[1] for value in voxels if value not in (0, UNSURE))
    fullest = slices[np.argmax((slices > 0).sum((1, 2)))] > 0
    extent = max(part.stop - part.start for part in box) / side
    return Shape(voxels, extent, float(2 * np.sqrt(min(areas) / np.pi) / side), (int(pieces), int(most)), _angle(fullest))


def _angle(mask: Array) -> float | None:
    points = np.argwhere(mask).astype(float)
    if len(points) < 3:
        return None
    lengths, axes = np.linalg.eigh(np.cov(points.T))
    if lengths[1] < _ROUND**2 * max(lengths[0], 1e-9):
        return None
    return float(np.degrees(np.arctan2(axes[0, 1], axes[1, 1])) % 180)
