"""The effect of removing a code: it is replaced everywhere by its nearest other codeword, and the labels are compared.

Shapes: indices (S, levels * h, w) of one scan of the sample, S slices of (A, B) pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vqseg.metrics import dice
from vqseg.models.slicewise import decode_labels
from vqseg.models.vqseg import VQSeg
from vqseg.quantization.perturbation import squared_distances
from vqseg.types import Array

Pair = tuple[int, int]

# Scans of a sample, and slices kept of each: whole volumes of a short axis, many pictures, a part of a long CT.
VOLUMES, SLICES = 8, 96
_SLICES_OF_ONE = 16


@dataclass(frozen=True)
class SampledScan:
    """indices (S, levels * h, w) int32 of some slices of a scan, and the size (A, B) of a slice."""

    indices: Array
    size: tuple[int, int]


class Sample:
    """A few scans, evenly spread over a data set and the same in every run. They are chosen as they arrive, in one pass."""

    def __init__(self, scans: int) -> None:
        self.scans: list[SampledScan] = []
        self._total, self._chosen = scans, {0}

    def offer(self, number: int, indices: Array, size: tuple[int, int]) -> None:
        """Keep a scan if it belongs to the sample. The length of scan 0 decides how many scans that is.

        Args:
            number: Of the scan in the data set, from 0; scans are offered in order.
            indices: (S, levels * h, w).
            size: (A, B), that of a slice in pixels.
        """
        depth = min(len(indices), _SLICES_OF_ONE)
        if number == 0:
            count = min(self._total, max(VOLUMES, SLICES // depth))
            self._chosen = set(np.linspace(0, self._total - 1, count).round().astype(int).tolist())
        if number in self._chosen:
            slices = np.unique(np.linspace(0, len(indices) - 1, depth).round().astype(int))
            self.scans.append(SampledScan(indices[slices].astype(np.int32), size))


def codes_to_ablate(class_counts: Array, count: int) -> Array:
    """The most used codes, then the most used of those that are mostly a structure, each once.

    Most tokens are background: without the second half no structure's code would be looked at.

    Args:
        class_counts: (K, C) tokens by code and class.
        count: How many of either.

    Returns:
        (A,) int32.
    """
    counts, structures = class_counts.sum(1), class_counts.argmax(1) > 0
    order = np.argsort(-counts, kind="stable")
    order = order[counts[order] > 0]
    chosen = np.concatenate([order[:count], order[structures[order]][:count]])
    return chosen[np.sort(np.unique(chosen, return_index=True)[1])].astype(np.int32)


def nearest_other(codewords: Tensor, codes: Tensor) -> Tensor:
    """The nearest other codeword of each code.

    Args:
        codewords: (K, D).
        codes: (n,) int64.

    Returns:
        (n,) int64.
    """
    # A few rows at a time: a block has as many columns as the codebook has codewords.
    return torch.cat([squared_distances(rows, codewords).argmin(1) for rows in torch.split(codes, 64)])


def ablate(
    model: VQSeg, scans: Sequence[SampledScan], codes: Array, progress: Callable[[Sequence[Pair]], Iterable[Pair]] = lambda pairs: pairs
) -> Array:
    """Change of the mean Dice when one code at a time is replaced by its nearest other codeword.

    The new labels are compared with the unchanged ones: the mean over the structures that either has, then over the scans. Islands are not
    dropped, so that the code's own effect shows. Only slices that hold the code are decoded again.

    Args:
        model: The network.
        scans: A sample.
        codes: (A,) the codes to take out.
        progress: Goes through the pairs (code, nearest other) and may show it.

    Returns:
        (A,) float32, 0 or below.
    """
    with torch.inference_mode():
        others = nearest_other(model.quantizer.codewords().float(), torch.from_numpy(codes.astype(np.int64))).tolist()
    before = [decode_labels(model, _tensor(scan.indices), scan.size) for scan in scans]
    changes = []
    for code, other in progress(list(zip(codes.tolist(), others, strict=True))):
        scores = [_score(model, scan, labels, code, other) for scan, labels in zip(scans, before, strict=True)]
        changes.append(np.mean(scores) - 1 if scores else 0.0)
    return np.array(changes, dtype=np.float32)


def _score(model: VQSeg, scan: SampledScan, before: Array, code: int, other: int) -> float:
    hit = np.flatnonzero((scan.indices == code).any((1, 2)))
    if len(hit) == 0:
        return 1.0
    part = scan.indices[hit]
    after = before.copy()
    after[hit] = decode_labels(model, _tensor(np.where(part == code, other, part)), scan.size)
    present = [label for label in np.union1d(np.unique(before), np.unique(after)) if label != 0]
    return float(np.mean([dice(after == label, before == label) for label in present])) if present else 1.0


def _tensor(indices: Array) -> Tensor:
    return torch.from_numpy(indices.astype(np.int64))
