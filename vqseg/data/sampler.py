"""Random views of the slices in memory, for one step.

With the pools on the device the views are made there.
Shapes: canvas (N, C, M, M) with every slice at its upper left, sizes (N, 2).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Generator, Tensor

from vqseg.config import AugmentationConfig, DataConfig
from vqseg.data.augmentation import draw_crops, draw_neighbours, draw_recolouring, recolour, warp
from vqseg.data.loaders import SlicePool, TrainingPools
from vqseg.data.neighbours import joined
from vqseg.data.scanners import draw_scanners, draw_thickness, shifted, thickened
from vqseg.transfer import to_device
from vqseg.types import Batch, Share

# How much of the intensity changes each kind of view takes: the teacher's view stays close to the scan.
_WEAK, _LABELLED, _STRONG = 0.1, 0.7, 1.0
_WHOLE = Share()


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
    None; labelled (B, C) bool or None; weights (B, c, c) in [0, 1] or None."""

    pictures: Tensor
    labels: Tensor | None
    missing: Tensor
    labelled: Tensor | None = None
    weights: Tensor | None = None


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
        weak, strong = joined(weak, view.missing), joined(strong, view.missing)
        return replace(batch, weak=weak, strong=strong, pseudo_labels=view.labels, pseudo_weights=view.weights)

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
        if self.config.shifts:
            apart = shifted(apart, draw_scanners(count * channels, self.config, generator, amount=amount, rows=own))
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
        if self.config.thickness and pool.around is not None:
            sides = to_device(pool.around.rows[picks][wanted].T.contiguous(), device)
            before, behind = (warp(pool.images[side], positions) for side in sides)
            pictures = thickened(pictures, before, behind, draw_thickness(count, self.config, generator, rows=wanted))
        # What lies beyond a slice is background beyond doubt.
        weights = None if pool.doubt is None else 1 - warp(pool.doubt[rows][:, None], positions)[:, 0] / 255
        labelled = to_device(pool.labelled[picks[wanted]], device) if pool.labelled is not None else None
        if pool.beside is None:
            return _Crops(pictures, labels, torch.zeros(len(rows), 0, dtype=torch.bool, device=device), labelled, weights)
        beside = draw_neighbours(pool.beside[picks], picks, self.config.alone, generator)[wanted]
        around = [warp(pool.images[column], positions) for column in to_device(beside.rows.T.contiguous(), device)]
        return _Crops(torch.cat([pictures, *around], 1), labels, to_device(beside.missing, device), labelled, weights)
