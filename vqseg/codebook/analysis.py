"""What a codebook has learnt, over a data set and not over a batch: usage, classes, projection.

Streaming: memory does not grow with the number of scans. One file, codebook.npz, lies beside the checkpoint.
Shapes: counts (K,), class_counts (K, C), projection (K, 2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from vqseg.codebook.keys import codewords_of, key_of
from vqseg.codebook.statistics import CodebookStatistics
from vqseg.data.phantom import phantom_volume
from vqseg.data.preprocess import labels_to_network, normalise
from vqseg.data.scan import read_scan, through_plane_axis
from vqseg.data.splits import cases_of_split
from vqseg.models.slicewise import decode_volume, encode_slices
from vqseg.models.vqseg import VQSeg
from vqseg.types import Array

_PHANTOMS = range(500, 510)
_NEIGHBORS, _MIN_DIST = 15, 0.1


def token_classes(labels: torch.Tensor, grid: tuple[int, int], stride: int, classes: int) -> torch.Tensor:
    """The class that most pixels of each token have: labels (S, H, W) on the network's grid -> (S, h, w) int64.

    Ties go to the lower class; pixels beyond the picture's edge (padding) count as background.
    """
    height, width = grid[0] * stride, grid[1] * stride
    padded = F.pad(labels.long(), (0, width - labels.shape[-1], 0, height - labels.shape[-2]))
    votes = F.avg_pool2d(F.one_hot(padded, classes).movedim(-1, 1).float(), stride)
    return votes.argmax(1)


def analyse(
    model: VQSeg,
    folder: str | Path | None,
    *,
    split: str = "train",
    seed: int = 0,
    progress: Callable[[Sequence[Any]], Iterable[Any]] = lambda items: items,
) -> CodebookStatistics:
    """Count codes over a split of a data set folder (phantoms if None) and project the codewords.

    The classes are those that the model itself gives: in semi-supervised data most scans have no label that may be read.
    """
    size, classes = model.config.codebook_size, len(model.config.classes)
    counts = torch.zeros(size * classes, dtype=torch.int64)
    scans = 0
    for slices in _volumes(model, folder, split, progress):
        tokens = encode_slices(model, slices)
        labels, _ = decode_volume(model, tokens, (slices.shape[1], slices.shape[2]))
        # Several levels of tokens lie below each other, each over the whole picture.
        grid = (tokens.shape[1] // model.levels, tokens.shape[2])
        owners = token_classes(labels_to_network(labels, model.preprocess), grid, model.pixels_per_token, classes).repeat(
            1, model.levels, 1
        )
        counts += torch.bincount((tokens * classes + owners).flatten(), minlength=size * classes)
        scans += 1
    class_counts = counts.view(size, classes).numpy()
    codewords = codewords_of(model)
    source = "phantoms" if folder is None else f"{Path(folder).resolve().name} ({split})"
    parameters = {"method": "umap", "n_neighbors": _NEIGHBORS, "min_dist": _MIN_DIST, "metric": "euclidean", "seed": seed}
    return CodebookStatistics(
        counts=class_counts.sum(1),
        class_counts=class_counts,
        projection=project(codewords, seed=seed),
        classes=model.config.classes,
        source=source,
        scans=scans,
        key=key_of(codewords),
        parameters=parameters,
    )


def _volumes(model: VQSeg, folder: str | Path | None, split: str, progress: Callable[[Sequence[Any]], Iterable[Any]]) -> Iterator[Array]:
    """Normalised slices (S, A, B) of one volume after the other."""
    if folder is None:
        for seed in progress(list(_PHANTOMS)):
            yield np.moveaxis(normalise(phantom_volume(seed)[0], model.preprocess), 2, 0)
        return
    for case in progress(cases_of_split(folder, split)):
        scan = read_scan(case.image)
        yield np.moveaxis(normalise(scan.voxels, model.preprocess), through_plane_axis(scan), 0)


def project(codewords: Array, *, seed: int = 0) -> Array:
    """UMAP of codewords (K, D) in the plane, (K, 2) float32; the same for the same seed."""
    # Importing umap compiles for seconds; only this function needs it.
    import umap

    neighbors = min(_NEIGHBORS, len(codewords) - 1)
    reducer = umap.UMAP(n_neighbors=neighbors, min_dist=_MIN_DIST, random_state=seed, n_jobs=1)
    return np.asarray(reducer.fit_transform(codewords), dtype=np.float32)
