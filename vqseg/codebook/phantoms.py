"""Where a code occurs on procedural phantoms: examples that may be shown to anybody, computed on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Protocol

import numpy as np
import torch

from vqseg.codebook.statistics import PLACES, CodebookStatistics
from vqseg.config import PreprocessConfig
from vqseg.data.channels import repeated
from vqseg.data.phantom import phantom_volume
from vqseg.data.phantom_lung import LUNG_CLASSES, lung_phantom
from vqseg.data.preprocess import normalise, to_network
from vqseg.models.slicewise import encode_slices
from vqseg.models.vqseg import VQSeg
from vqseg.types import Array

# Seeds that neither the training nor the bundled examples use.
SEEDS = range(500, 510)
# Side of a patch in pixels, as the network reads a slice.
PATCH = 40


class ReadsSlices(Protocol):
    """Whoever says how a slice is read, as a network and a Segmenter do."""

    @property
    def preprocess(self) -> PreprocessConfig: ...

    @property
    def pixels_per_token(self) -> int: ...


def phantom_slices(seed: int, classes: tuple[str, ...], preprocess: PreprocessConfig) -> Array:
    """Slices of a phantom: a piece of lung for a network that segments nodules, a heart for any other.

    A heart phantom's intensities have no unit, so a window cannot be applied: they are normalised by percentiles.

    Args:
        seed: From 0.
        classes: The network's classes, the background first.
        preprocess: As the network reads scans.

    Returns:
        (S, A, B) in [0, 1].
    """
    if classes == LUNG_CLASSES:
        return np.moveaxis(normalise(lung_phantom(seed)[0], preprocess), 2, 0)
    return np.moveaxis(normalise(phantom_volume(seed)[0], replace(preprocess, intensity="percentile")), 2, 0)


def phantom_places(model: VQSeg, progress: Callable[[Sequence[int]], Iterable[int]] = lambda seeds: seeds) -> Array:
    """Up to eight phantom tokens of every code, evenly spread over all that it has.

    Args:
        model: A network with a codebook.
        progress: Goes through the seeds and may show it.

    Returns:
        (K, 8, 4) int32: (seed, slice, row, column), -1 where there are fewer. Row and column count within the token's own level.
    """
    found = []
    for seed in progress(list(SEEDS)):
        slices = repeated(phantom_slices(seed, model.config.classes, model.preprocess), model.config.in_channels)
        tokens = encode_slices(model, slices).numpy()
        slices, rows, columns = (part.ravel() for part in np.indices(tokens.shape))
        rows = rows % (tokens.shape[1] // model.levels)
        found.append(np.stack([tokens.ravel(), np.full(tokens.size, seed), slices, rows, columns], -1).astype(np.int32))
    table = np.concatenate(found)
    table = table[np.argsort(table[:, 0], kind="stable")]
    places = np.full((model.config.codebook_size, PLACES, 4), -1, dtype=np.int32)
    codes, starts, counts = np.unique(table[:, 0], return_index=True, return_counts=True)
    for code, start, count in zip(codes, starts, counts, strict=True):
        picks = np.unique(np.linspace(0, count - 1, PLACES).round().astype(int))
        places[code, : len(picks)] = table[start + picks, 1:]
    return places


def phantom_patches(statistics: CodebookStatistics, reader: ReadsSlices, code: int) -> Array:
    """Pictures around up to eight phantom tokens of a code.

    Args:
        statistics: Of the checkpoint's codebook; they say where on the phantoms the code lies.
        reader: The checkpoint's network or Segmenter.
        code: The code.

    Returns:
        (n, PATCH, PATCH) uint8 with the token in the middle, `reader.pixels_per_token` wide, and black beyond the slice's edge. n is 0
        where the code was never chosen or the statistics have no phantoms.
    """
    if statistics.phantom_places is None:
        return np.zeros((0, PATCH, PATCH), np.uint8)
    patches = []
    for seed, index, row, column in statistics.phantom_places[code]:
        if seed >= 0:
            picture = np.pad(_drawn(int(seed), statistics.classes, reader.preprocess)[index], PATCH)
            top, left = (int(PATCH // 2 + (place + 0.5) * reader.pixels_per_token) for place in (row, column))
            patches.append(picture[top : top + PATCH, left : left + PATCH])
    return np.stack(patches) if patches else np.zeros((0, PATCH, PATCH), np.uint8)


@lru_cache(maxsize=2 * len(SEEDS))
def _drawn(seed: int, classes: tuple[str, ...], preprocess: PreprocessConfig) -> Array:
    """A phantom as the network reads it, (S, H, W) uint8: some 6 MB for ten of them."""
    with torch.inference_mode():
        images = to_network(phantom_slices(seed, classes, preprocess), preprocess)[:, 0]
    return (images.clamp(0, 1) * 255).round().to(torch.uint8).numpy()
