"""A checkpoint and a data set -> CodebookStatistics: one pass over the scans, then what follows from the codebook alone.

Memory does not grow with the number of scans: counts are added up, and of single scans a bounded sample is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vqseg.codebook import phantoms
from vqseg.codebook.ablation import Sample, SampledScan, ablate, codes_to_ablate
from vqseg.codebook.counting import PairCounter, Partners, TokenCounter
from vqseg.codebook.drift import GROUPS, DriftCounter, group_codewords
from vqseg.codebook.evolution import Evolution, read_evolution
from vqseg.codebook.keys import codewords_of, key_of
from vqseg.codebook.projection import MIN_DIST, NEIGHBORS, compute_layout, pca
from vqseg.codebook.statistics import CodebookStatistics
from vqseg.data.case_files import read_image
from vqseg.data.channels import repeated
from vqseg.data.neighbours import slice_step
from vqseg.data.planes import through_plane_axis
from vqseg.data.preprocess import labels_to_network, network_size, normalise
from vqseg.data.splits import cases_of_split
from vqseg.models.atoms import atom_labels, decode_atoms
from vqseg.models.slicewise import encode_slices, label_volume
from vqseg.models.vqseg import VQSeg
from vqseg.plain import JsonObject
from vqseg.types import Array, Case

ItemT = TypeVar("ItemT")

ABLATED = 64
_PERPLEXITY = 30
# Larger codebooks get no t-SNE: it would take an hour for the largest.
# Between fewer codewords there is nothing to lay out but their differences.
_FEWEST_LAID_OUT = 4
_MOST_TSNE = 16384


class Progress(Protocol):
    """Goes through items and may show it: progress(items, "what is done with them")."""

    def __call__(self, items: Sequence[ItemT], what: str, /) -> Iterable[ItemT]: ...


def silent(items: Sequence[ItemT], _: str, /) -> Iterable[ItemT]:
    """Progress that shows nothing.

    Args:
        items: Returned as they are.
    """
    return items


def token_classes(labels: Tensor, grid: tuple[int, int], stride: int, classes: int) -> Tensor:
    """The class that most pixels of each token have; ties go to the lower class.

    Args:
        labels: (S, H, W) on the network's grid; pixels beyond the picture's edge (padding) count as background.
        grid: (h, w) tokens.
        stride: Pixels per token along each side.
        classes: Their number.

    Returns:
        (S, h, w) int64.
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
    ablated: int = ABLATED,
    checkpoint: str | Path | None = None,
    progress: Progress = silent,
) -> CodebookStatistics:
    """All statistics of a network's codes over a split of a data set.

    The classes are those that the model itself predicts: in semi-supervised data most scans have no label that may be read.

    Args:
        model: The network.
        folder: Data set folder; None for phantoms.
        split: "train", "val", or "all".
        seed: Of the projections and of the groups of codewords.
        ablated: How many of the most used codes, and of those of the structures, are taken out one by one; 0 for none.
        checkpoint: The folder whose snapshots.npz holds the codebook's training history.
        progress: Goes through the scans and the other work, and may show it.
    """
    codewords = codewords_of(model)
    sources: list[int | Case] = [*phantoms.SEEDS] if folder is None else [*cases_of_split(folder, split)]
    counts = _Counts(model, group_codewords(codewords, seed=seed), len(sources))
    for number, (slices, step) in enumerate(_read_slices(model, progress(sources, "counting codes"))):
        counts.add(number, slices, step)
    position, spread = counts.tokens.places()
    partners = counts.pairs.partners()
    top = codes_to_ablate(counts.tokens.class_counts, ablated)
    threads = torch.get_num_threads()
    layouts = _layouts(codewords, seed, progress)
    evolution = read_evolution(checkpoint, seed=seed) if checkpoint is not None else None
    # UMAP changes OpenMP's number of threads for the whole process. With more threads than free cores, every layer would be slow.
    torch.set_num_threads(threads)
    statistics = CodebookStatistics(
        counts=counts.tokens.counts,
        class_counts=counts.tokens.class_counts,
        **layouts,
        position=position,
        spread=spread,
        partners=partners.codes,
        partner_counts=partners.counts,
        drift_groups=counts.groups,
        drift_reference=counts.drift.reference(),
        classes=model.config.classes,
        source="phantoms" if folder is None else f"{Path(folder).resolve().name} ({split})",
        scans=len(sources),
        key=key_of(codewords),
        parameters=_parameters(counts.sample, partners, evolution, seed),
    )
    if evolution is not None:
        statistics = replace(statistics, evolution=evolution.places, evolution_steps=evolution.steps, evolution_counts=evolution.counts)
    return _with_decoded(statistics, model, counts.sample.scans, top if ablated else None, progress)


class _Counts:
    """Everything that is added up over the scans of a data set."""

    def __init__(self, model: VQSeg, groups: Array, scans: int) -> None:
        size, classes = len(groups), len(model.config.classes)
        self.model, self.groups = model, groups
        self.tokens, self.pairs = TokenCounter(size, classes), PairCounter(size)
        self.drift, self.sample = DriftCounter(groups, scans), Sample(scans)

    def add(self, number: int, slices: Array, step: int) -> None:
        """Encode scan `number`, normalised slices (S, A, B) whose neighbours lie `step` slices further, and count its tokens."""
        model, size = self.model, (slices.shape[1], slices.shape[2])
        indices = encode_slices(model, slices, step=step)
        labels = label_volume(model, indices, size)
        height, width = indices.shape[1] // model.levels, indices.shape[2]
        stride, inner = model.pixels_per_token, network_size(size, model.preprocess)
        owners = token_classes(labels_to_network(labels, model.preprocess), (height, width), stride, len(model.config.classes)).numpy()
        # Tokens that begin inside the slice may have their centre beyond its edge.
        rows, columns = (
            np.minimum((np.arange(count) + 0.5) * stride / length, 1.0) for count, length in zip((height, width), inner, strict=True)
        )
        # Several levels of tokens lie below each other, each over the whole picture.
        for level in indices.numpy().reshape(len(slices), model.levels, height, width).swapaxes(0, 1):
            self.tokens.add(level, owners, rows, columns)
            self.pairs.add(level)
        self.drift.add(number, indices.numpy())
        self.sample.offer(number, indices.numpy(), size)


def _with_decoded(
    statistics: CodebookStatistics, model: VQSeg, scans: Sequence[SampledScan], ablated: Array | None, progress: Progress
) -> CodebookStatistics:
    """Add what the decoders tell: atoms, the effect of taking codes out, and places on phantoms."""
    codes = range(len(statistics.counts))
    return replace(
        statistics,
        atoms=decode_atoms(model, codes),
        atom_labels=atom_labels(model, codes),
        ablation_codes=ablated,
        ablation_dice=None if ablated is None else ablate(model, scans, ablated, lambda pairs: progress(pairs, "taking codes out")),
        phantom_places=phantoms.phantom_places(model, lambda seeds: progress(seeds, "reading phantoms")),
    )


def _parameters(sample: Sample, partners: Partners, evolution: Evolution | None, seed: int) -> JsonObject:
    """How each part of the statistics was made."""
    neighbors: JsonObject = {"n_neighbors": NEIGHBORS, "min_dist": MIN_DIST, "metric": "euclidean", "seed": seed}
    return {
        "projection": {"method": "umap", **neighbors},
        "tsne": {"method": "tsne", "perplexity": _PERPLEXITY, "seed": seed},
        "evolution": {"method": evolution.method, **neighbors} if evolution else None,
        "partners": {"largest_error": partners.error},
        "ablation": {"scans": len(sample.scans), "slices": sum(len(scan.indices) for scan in sample.scans)},
        "drift": {"groups": GROUPS, "seed": seed},
    }


def _read_slices(model: VQSeg, sources: Iterable[int | Case]) -> Iterator[tuple[Array, int]]:
    """Normalised slices (S, A, B) of one volume after the other, of a seed's phantom or a case's image, and the step to a neighbour."""
    for source in sources:
        if isinstance(source, int):
            slices = phantoms.phantom_slices(source, model.config.classes, model.preprocess)
            yield repeated(slices, model.config.in_channels), 1
        else:
            scan = read_image(source, model.config.in_channels)
            axis = through_plane_axis(scan)
            yield np.moveaxis(normalise(scan.voxels, model.preprocess), axis, 0), slice_step(scan, axis)


def _layouts(codewords: Array, seed: int, progress: Progress) -> dict[str, Array]:
    jobs: dict[str, dict[str, Any]] = {
        "projection": {"method": "umap", "dimensions": 2},
        "projection3": {"method": "umap", "dimensions": 3},
        "tsne": {"method": "tsne", "n_neighbors": _PERPLEXITY},
    }
    if len(codewords) > _MOST_TSNE:
        jobs.pop("tsne")
    if len(codewords) < _FEWEST_LAID_OUT:
        return {name: pca(codewords, job.get("dimensions", 2)) for name, job in jobs.items()}
    return {name: compute_layout(codewords, seed=seed, **jobs[name]) for name in progress(list(jobs), "laying out")}
