"""All slices of the training patients in memory: a data set of this kind fits many times over, so nothing is read or decoded in the loop.

Shapes: canvas (N, C, M, M) with every slice at its upper left, sizes (N, 2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from vqseg.config import DataConfig, PreprocessConfig
from vqseg.data.case_files import read_case_files, read_doubt, read_every, tell_notes
from vqseg.data.datasets import DatasetError
from vqseg.data.neighbours import Neighbours, joined, neighbours, slice_step, with_neighbours
from vqseg.data.phantom import CLASSES as PHANTOM_CLASSES
from vqseg.data.phantom import phantom_volume
from vqseg.data.planes import through_plane_axis
from vqseg.data.preprocess import labels_to_network, normalise, to_network
from vqseg.types import UNSURE, Case


@dataclass(frozen=True)
class SlicePool:
    """images (N, C, M, M) float16 in [0, 1], labels (N, M, M) uint8 or None, sizes (N, 2) int64: height and width inside the canvas.

    beside: the neighbours of every slice, as rows of the pool, on the CPU; None if the network reads none.
    drawn: the rows that views are drawn of, on the CPU; None for all.
    labelled (N, C) bool, on the CPU: the classes that the labels of each slice show. None where there is nothing that they leave open.
    doubt (N, M, M) uint8: as in `Volume`; None without.
    around: the slices right before and behind every slice, as rows of the pool, on the CPU, whatever the network reads; None if unknown.
    """

    images: Tensor
    labels: Tensor | None
    sizes: Tensor
    beside: Neighbours | None = None
    drawn: Tensor | None = None
    labelled: Tensor | None = None
    doubt: Tensor | None = None
    around: Neighbours | None = None

    def __len__(self) -> int:
        return len(self.images)

    def to(self, device: torch.device) -> SlicePool:
        labels, doubt = (None if kept is None else kept.to(device) for kept in (self.labels, self.doubt))
        return replace(self, images=self.images.to(device), labels=labels, doubt=doubt)

    def inputs(self, rows: Tensor) -> Tensor:
        """What the network reads of some slices, (R, C_in, M, M) float16. rows: (R,) int64 on the CPU."""
        pictures = self.images[rows]
        if self.beside is None:
            return pictures
        beside = self.beside[rows]
        return joined(torch.cat([pictures, self.images[beside.rows].flatten(1, 2)], 1), beside.missing)


@dataclass(frozen=True)
class Volume:
    """One volume ready for the network: images (S, C, H, W) float32 in [0, 1], labels (S, H, W) uint8 or None.

    step: slices from one neighbour to the next. drawn (S,) bool: the slices that views are drawn of, or that are measured; None for all.
    labelled (C,) bool: the classes that the labels show; None for all. doubt (S, H, W) uint8: from 0, where all who made the labels
    agreed, to 255, where nobody else did; None where nobody counted.
    """

    images: Tensor
    labels: Tensor | None
    step: int = 1
    drawn: Tensor | None = None
    labelled: Tensor | None = None
    doubt: Tensor | None = None

    @property
    def open(self) -> bool:
        """Whether the labels leave anything open: voxels without a label, or structures that were not labelled."""
        return self.labelled is not None or (self.labels is not None and bool((self.labels == UNSURE).any()))

    @property
    def contoured(self) -> Volume:
        """The same volume, of which the slices with a label alone are drawn."""
        if self.labels is None:
            return self
        return replace(self, drawn=((self.labels > 0) & (self.labels != UNSURE)).flatten(1).any(1))

    @property
    def told(self) -> Volume:
        """The same volume, of which the slices are drawn that have a label, be it background."""
        if self.labels is None or not self.open:
            return self
        drawn = (self.labels != UNSURE).flatten(1).any(1)
        return self if bool(drawn.all()) else replace(self, drawn=drawn)

    @property
    def others(self) -> Volume | None:
        """The same volume without its labels, of which the slices are drawn that are not drawn here; None if there are none."""
        if self.drawn is None or bool(self.drawn.all()):
            return None
        return replace(self, labels=None, labelled=None, doubt=None, drawn=~self.drawn)

    def inputs(self, context: int, part: slice) -> Tensor:
        """What a network with `context` neighbours on either side reads of some slices, (part, C_in, H, W)."""
        return with_neighbours(self.images, neighbours(len(self.images), context, self.step), part)


def read_case(case: Case, preprocess: PreprocessConfig, names: Sequence[str] = (), *, channels: int = 1) -> Volume:
    """Read, normalise and slice one case.

    Args:
        case: Its image and, if it has one, its label file.
        preprocess: As the network reads scans.
        names: Of the classes that the labels may have; empty for any.
        channels: That the network reads of a slice.

    Returns:
        The volume; `labels` is None for a case without a label file.

    Raises:
        ScanError: A file cannot be read.
        DatasetError: The labels lie on another grid than the image, or have other values than the classes, or the image has other channels.
    """
    scan, truth = read_case_files(case, names, channels=channels)
    tell_notes(case, scan.notes)
    axis = through_plane_axis(scan)
    images = to_network(np.moveaxis(normalise(scan.voxels, preprocess), axis, 0), preprocess)
    step = slice_step(scan, axis)
    if truth is None:
        return Volume(images, None, step)
    labelled = None if case.labelled is None else torch.tensor([name in (names[0], *case.labelled) for name in names])
    doubt = None if case.doubt is None else labels_to_network(np.moveaxis(read_doubt(case, scan), axis, 0), preprocess)
    return Volume(images, labels_to_network(np.moveaxis(truth, axis, 0), preprocess), step, labelled=labelled, doubt=doubt)


def phantom_case(seed: int, preprocess: PreprocessConfig, classes: Sequence[str] = PHANTOM_CLASSES) -> list[Volume]:
    """Both frames of one procedural phantom patient.

    Args:
        seed: From 0; the same seed gives the same patient.
        preprocess: As the network reads scans.
        classes: In the order of the labels wanted; what the phantom has beside them becomes background.

    Returns:
        The volumes of end-diastole and end-systole, with labels.
    """
    values = np.array([classes.index(name) if name in classes else 0 for name in PHANTOM_CLASSES], np.uint8)
    volumes = []
    for frame in ("ED", "ES"):
        image, truth, _ = phantom_volume(seed, frame)
        labels = values[truth]
        images = to_network(np.moveaxis(normalise(image, preprocess), 2, 0), preprocess)
        volumes.append(Volume(images, labels_to_network(np.moveaxis(labels, 2, 0), preprocess)))
    return volumes


def pack(volumes: Sequence[Volume], canvas: int, context: int = 0) -> SlicePool:
    """Put the slices of all volumes on square canvases.

    Args:
        volumes: Their labels are kept only if all of them have labels. All or none say which classes their labels show.
        canvas: Side in pixels, at least the largest side of a slice.
        context: Neighbours on either side that the network reads.
    """
    count = sum(len(volume.images) for volume in volumes)
    images = torch.zeros(count, volumes[0].images.shape[1], canvas, canvas, dtype=torch.float16)
    labelled = all(volume.labels is not None for volume in volumes)
    labels = torch.zeros(count, canvas, canvas, dtype=torch.uint8) if labelled else None
    doubt = torch.zeros_like(labels) if labels is not None and any(volume.doubt is not None for volume in volumes) else None
    sizes = torch.zeros(count, 2, dtype=torch.int64)
    beside: list[Neighbours] = []
    around: list[Neighbours] = []
    drawn = [torch.ones(len(one.images), dtype=torch.bool) if one.drawn is None else one.drawn for one in volumes]
    rows_drawn = torch.cat(drawn).nonzero()[:, 0] if any(one.drawn is not None for one in volumes) else None
    start = 0
    for volume in volumes:
        rows, (height, width) = slice(start, start + len(volume.images)), volume.images.shape[-2:]
        images[rows, :, :height, :width] = volume.images.half()
        if labels is not None and volume.labels is not None:
            labels[rows, :height, :width] = volume.labels
        if doubt is not None and volume.doubt is not None:
            doubt[rows, :height, :width] = volume.doubt
        sizes[rows] = torch.tensor([height, width])
        for kept, distance, apart in ((beside, context, volume.step), (around, 1, 1)):
            own = neighbours(len(volume.images), distance, apart)
            kept.append(Neighbours(own.rows + start, own.missing))
        start = rows.stop
    told = [one.labelled.expand(len(one.images), -1) for one in volumes if one.labelled is not None]
    shows = torch.cat(told) if told else None
    read = _together(beside) if context else None
    return SlicePool(images, labels, sizes, read, drawn=rows_drawn, labelled=shows, doubt=doubt, around=_together(around))


def _together(parts: Sequence[Neighbours]) -> Neighbours:
    return Neighbours(torch.cat([one.rows for one in parts]), torch.cat([one.missing for one in parts]))


@dataclass(frozen=True)
class TrainingPools:
    """The pools of one run: labelled patients, phantoms (None without), unlabelled patients (None if all are labelled).

    The labels of the unlabelled pool, if it has any, are pseudo-labels.
    """

    labelled: SlicePool
    phantoms: SlicePool | None
    unlabelled: SlicePool | None


def load_pools(
    labelled: Sequence[Case],
    unlabelled: Sequence[Case],
    data: DataConfig,
    preprocess: PreprocessConfig,
    progress: Callable[[Sequence[Case]], Iterable[Case]] = lambda cases: cases,
    *,
    channels: int = 1,
    context: int = 0,
    classes: Sequence[str] = PHANTOM_CLASSES,
) -> TrainingPools:
    """Read every training case once.

    Args:
        labelled: Cases whose labels are read.
        unlabelled: The other training cases; their label files, if any, hold pseudo-labels.
        data: How many phantom patients to add, and from which seed; whether slices without a structure count as unlabelled, as slices do
            in any case of which no voxel has a label.
        preprocess: As the network reads scans.
        progress: Wraps the list of cases, for a progress bar.
        channels: That the network reads of a slice.
        context: Neighbours on either side that it reads.
        classes: Of the network, which the labels may have.

    Raises:
        ScanError: A file cannot be read.
        DatasetError: The labels of a case lie on another grid than its image or have other values than the classes, or no slice is left
            with a label.
    """
    volumes = read_every(progress([*labelled, *unlabelled]), lambda case: read_case(case, preprocess, classes, channels=channels))
    phantoms = [volume for index in range(data.phantom_patients) for volume in phantom_case(data.phantom_seed + index, preprocess, classes)]
    canvas = max(max(volume.images.shape[-2:]) for volume in volumes + phantoms)
    first, rest = volumes[: len(labelled)], volumes[len(labelled) :]
    first = [volume.contoured if data.contoured_only else volume.told for volume in first]
    if first and all(volume.drawn is not None and not bool(volume.drawn.any()) for volume in first):
        raise DatasetError("no labelled patient has a slice with a label")
    # Pseudo-labels that were made beforehand cover the unlabelled patients alone.
    if data.pseudo_labels is None:
        rest = [*rest, *(other for volume in first if (other := volume.others) is not None)]
    if any(volume.open for volume in first):
        first, phantoms = ([_labelled_as_told(volume, len(classes)) for volume in part] for part in (first, phantoms))
    return TrainingPools(*(pack(part, canvas, context) if part else None for part in (first, phantoms, rest)))  # type: ignore[arg-type]


def _labelled_as_told(volume: Volume, classes: int) -> Volume:
    """A volume that says which classes its labels show, also where these are all."""
    return volume if volume.labelled is not None else replace(volume, labelled=torch.ones(classes, dtype=torch.bool))
