"""All slices of the training patients in memory, and random views drawn from them for one step.

A data set of this kind fits into memory many times over, so nothing is read or decoded in the loop, and with the pools on the
device the views are made there.
Shapes: canvas (N, C, M, M) with every slice at its upper left, sizes (N, 2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Generator, Tensor

from vqseg.config import AugmentationConfig, DataConfig, PreprocessConfig
from vqseg.data.augmentation import draw_crops, draw_neighbours, draw_recolouring, recolour, warp
from vqseg.data.case_files import read_case_files, read_every, tell_notes
from vqseg.data.datasets import DatasetError
from vqseg.data.neighbours import Neighbours, joined, neighbours, slice_step, with_neighbours
from vqseg.data.phantom import CLASSES as PHANTOM_CLASSES
from vqseg.data.phantom import phantom_volume
from vqseg.data.planes import through_plane_axis
from vqseg.data.preprocess import labels_to_network, normalise, to_network
from vqseg.transfer import to_device
from vqseg.types import UNSURE, Batch, Case, Share

# How much of the intensity changes each kind of view takes: the teacher's view stays close to the scan.
_WEAK, _LABELLED, _STRONG = 0.1, 0.7, 1.0
_WHOLE = Share()


@dataclass(frozen=True)
class SlicePool:
    """images (N, C, M, M) float16 in [0, 1], labels (N, M, M) uint8 or None, sizes (N, 2) int64: height and width inside the canvas.

    beside: the neighbours of every slice, as rows of the pool, on the CPU; None if the network reads none.
    drawn: the rows that views are drawn of, on the CPU; None for all.
    labelled (N, C) bool, on the CPU: the classes that the labels of each slice show. None where there is nothing that they leave open.
    """

    images: Tensor
    labels: Tensor | None
    sizes: Tensor
    beside: Neighbours | None = None
    drawn: Tensor | None = None
    labelled: Tensor | None = None

    def __len__(self) -> int:
        return len(self.images)

    def to(self, device: torch.device) -> SlicePool:
        return replace(self, images=self.images.to(device), labels=None if self.labels is None else self.labels.to(device))

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
    labelled (C,) bool: the classes that the labels show; None for all.
    """

    images: Tensor
    labels: Tensor | None
    step: int = 1
    drawn: Tensor | None = None
    labelled: Tensor | None = None

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
        return replace(self, labels=None, labelled=None, drawn=~self.drawn)

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
    return Volume(images, labels_to_network(np.moveaxis(truth, axis, 0), preprocess), step, labelled=labelled)


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
    sizes = torch.zeros(count, 2, dtype=torch.int64)
    beside: list[Neighbours] = []
    drawn = [torch.ones(len(one.images), dtype=torch.bool) if one.drawn is None else one.drawn for one in volumes]
    rows_drawn = torch.cat(drawn).nonzero()[:, 0] if any(one.drawn is not None for one in volumes) else None
    start = 0
    for volume in volumes:
        rows, (height, width) = slice(start, start + len(volume.images)), volume.images.shape[-2:]
        images[rows, :, :height, :width] = volume.images.half()
        if labels is not None and volume.labels is not None:
            labels[rows, :height, :width] = volume.labels
        sizes[rows] = torch.tensor([height, width])
        own = neighbours(len(volume.images), context, volume.step)
        beside.append(Neighbours(own.rows + start, own.missing))
        start = rows.stop
    told = [one.labelled.expand(len(one.images), -1) for one in volumes if one.labelled is not None]
    pool = SlicePool(images, labels, sizes, drawn=rows_drawn, labelled=torch.cat(told) if told else None)
    if context == 0:
        return pool
    return replace(pool, beside=Neighbours(torch.cat([one.rows for one in beside]), torch.cat([one.missing for one in beside])))


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


def view_generator(seed: int, step: int, purpose: Literal["step", "placing"] = "step") -> Generator:
    """The random numbers of the views of one step, and of nothing else.

    It starts anew at every step: whatever else a method draws, and however many numbers, shifts no crop and no mixing mask, and two runs
    of one seed see the same images at the same step. There is nothing to save for a run that resumes.

    Args:
        seed: Of the run.
        step: From 0.
        purpose: "step" for what the losses see, "placing" for the images that codewords are placed on before it.

    Returns:
        A generator on the CPU, in the same state on every rank.
    """
    # SeedSequence spreads neighbouring numbers over all bits: the streams of two steps have nothing in common.
    state = np.random.SeedSequence((seed, step, ("step", "placing").index(purpose))).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0] >> np.uint64(1)))


@dataclass(frozen=True)
class _Crops:
    """pictures (B, (1 + 2 n) C_in, c, c): each crop and the same place on its neighbours; missing (B, 2 n) bool; labels (B, c, c) or
    None; labelled (B, C) bool or None."""

    pictures: Tensor
    labels: Tensor | None
    missing: Tensor
    labelled: Tensor | None = None


class ViewSampler:
    """Draws the batch of one step. Random numbers come from the generator passed in, on the CPU; the noise of single pixels has a seed.

    A run passes `view_generator` of the step, so that crops, recolourings and mixing depend on the seed and the step alone.
    """

    def __init__(self, pools: TrainingPools, config: AugmentationConfig, data: DataConfig, device: torch.device) -> None:
        """Move the pools to the device.

        Args:
            pools: The slices to draw from.
            config: Ranges of the views.
            data: Has the share of phantoms among the labelled crops.
            device: Where the views are made.
        """
        self.pools = TrainingPools(*(pool.to(device) if pool is not None else None for pool in vars(pools).values()))  # type: ignore[arg-type]
        self.config, self.data = config, data
        self.canvas = pools.labelled.images.shape[-1]

    def draw(self, step: int, labelled: int, unlabelled: int, generator: Generator, share: Share = _WHOLE) -> Batch:
        """Draw one process's part of a batch.

        Args:
            step: From 0; the geometry's ranges grow over the first `ramp_steps`.
            labelled: Labelled crops of this part.
            unlabelled: Pairs of a weak and a strong view of this part; 0 for none.
            generator: On the CPU. From generators in the same state, the parts of all ranks make up one large batch.
            share: Rank and world size: the batch is one part of share.count times as many images.

        Returns:
            The views. There are no unlabelled ones if 0 are asked for or no patient is unlabelled.
        """
        batch = self._labelled(step, labelled, generator, share)
        if unlabelled == 0 or self.pools.unlabelled is None:
            return batch
        pool = self.pools.unlabelled
        rows, unlabelled = share.rows(unlabelled), unlabelled * share.count
        view = self._crop(pool, unlabelled, step, generator, rows)
        weak, strong = (self._recoloured(view.pictures, unlabelled, generator, amount, rows) for amount in (_WEAK, _STRONG))
        return replace(batch, weak=joined(weak, view.missing), strong=joined(strong, view.missing), pseudo_labels=view.labels)

    def _labelled(self, step: int, count: int, generator: Generator, share: Share) -> Batch:
        rows, count = share.rows(count), count * share.count
        phantoms = 0
        if self.pools.phantoms is not None:
            phantoms = int((torch.rand(count, generator=generator) < self.data.phantom_share).sum())
        real = count - phantoms
        parts = [self._crop(self.pools.labelled, real, step, generator, slice(min(rows.start, real), min(rows.stop, real)))] if real else []
        if self.pools.phantoms is not None and phantoms:
            behind = slice(max(rows.start - real, 0), max(rows.stop - real, 0))
            parts.append(self._crop(self.pools.phantoms, phantoms, step, generator, behind))
        pictures, missing = torch.cat([part.pictures for part in parts]), torch.cat([part.missing for part in parts])
        labels = torch.cat([part.labels for part in parts if part.labels is not None])
        told = [part.labelled for part in parts if part.labelled is not None]
        images = joined(self._recoloured(pictures, count, generator, _LABELLED, rows), missing)
        return Batch(images, labels, labelled=torch.cat(told) if told else None)

    def _recoloured(self, pictures: Tensor, count: int, generator: Generator, amount: float, rows: slice) -> Tensor:
        """Intensity changes of `rows` of a batch of `count`: each channel has its own, and a slice's neighbours have those of the slice."""
        channels = self.pools.labelled.images.shape[1]
        apart = pictures.unflatten(1, (-1, channels)).transpose(1, 2).flatten(0, 1)
        own = slice(rows.start * channels, rows.stop * channels)
        changed = recolour(apart, draw_recolouring(count * channels, self.config, generator, amount=amount, rows=own))
        together: Tensor = changed.unflatten(0, (-1, channels)).transpose(1, 2).flatten(1, 2)
        return together

    def _crop(self, pool: SlicePool, count: int, step: int, generator: Generator, wanted: slice) -> _Crops:
        picks = torch.randint(len(pool) if pool.drawn is None else len(pool.drawn), (count,), generator=generator)
        if pool.drawn is not None:
            picks = pool.drawn[picks]
        ramp = min(1.0, step / self.config.ramp_steps) if self.config.ramp_steps else 1.0
        device = pool.images.device
        positions = draw_crops(pool.sizes[picks], self.canvas, self.config, generator, ramp=ramp, rows=wanted, device=device)
        rows = to_device(picks[wanted], device)
        labels = warp(pool.labels[rows], positions, labels=True) if pool.labels is not None else None
        pictures = warp(pool.images[rows], positions)
        labelled = to_device(pool.labelled[picks[wanted]], device) if pool.labelled is not None else None
        if pool.beside is None:
            return _Crops(pictures, labels, torch.zeros(len(rows), 0, dtype=torch.bool, device=device), labelled)
        beside = draw_neighbours(pool.beside[picks], picks, self.config.alone, generator)[wanted]
        around = [warp(pool.images[column], positions) for column in to_device(beside.rows.T.contiguous(), device)]
        return _Crops(torch.cat([pictures, *around], 1), labels, to_device(beside.missing, device), labelled)
