"""How far a scan's tokens lie from those the codebook was counted on: a distance, and whether any training scan lies as far.

A scan has some thousand tokens for as many codewords: code by code its histogram is mostly noise. Codewords are therefore put into
groups of like ones first, and the groups' shares are compared.
Shapes: K codewords, G groups, S training scans.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vqseg.codebook.tokens import scan_usage
from vqseg.types import Array

GROUPS = 128
# Scans whose histogram is kept for the reference; evenly spread if there are more.
_SCANS = 512


@dataclass(frozen=True)
class Drift:
    """distance in [0, 1]; quantile: share of the training scans that lie no farther; outside: farther than what was ever seen."""

    distance: float
    quantile: float
    outside: bool


def group_codewords(codewords: Array, groups: int = GROUPS, seed: int = 0) -> Array:
    """k-means of codewords (K, D) -> the group of each, (K,) int32."""
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    # Several threads add up in another order each time.
    with threadpool_limits(1):
        found: Array = KMeans(min(groups, len(codewords)), random_state=seed, n_init=1).fit_predict(codewords.astype(np.float64))
    return found.astype(np.int32)


def jensen_shannon(one: Array, other: Array) -> Array:
    """Jensen-Shannon distance of histograms (..., G): the root of the divergence in bits, (...,) in [0, 1]. 1 if either is empty."""
    p, q = (part / np.maximum(part.sum(-1, keepdims=True), 1) for part in (one.astype(np.float64), other.astype(np.float64)))
    mean = (p + q) / 2
    terms = [np.where(part > 0, part * np.log2(np.where(part > 0, part, 1) / np.where(mean > 0, mean, 1)), 0) for part in (p, q)]
    distance = np.sqrt(np.clip(terms[0].sum(-1) + terms[1].sum(-1), 0, 2) / 2)
    return np.where((one.sum(-1) > 0) & (other.sum(-1) > 0), distance, 1.0)


class DriftCounter:
    """Groups' counts over a data set, and of single scans those of a bounded sample."""

    def __init__(self, groups: Array, scans: int) -> None:
        self._groups = groups
        self._total = np.zeros(int(groups.max()) + 1, dtype=np.int64)
        self._sampled = set(np.linspace(0, scans - 1, min(scans, _SCANS)).round().astype(int).tolist())
        self._single: list[Array] = []

    def add(self, number: int, indices: Array) -> None:
        """indices of any shape: all tokens of scan `number`, counted from 0."""
        counts = np.bincount(self._groups[indices.ravel()], minlength=len(self._total))
        self._total += counts
        if number in self._sampled:
            self._single.append(counts.astype(np.int32))

    def reference(self) -> Array:
        """Distance of each sampled scan from all the other scans together, (S,) float32, rising."""
        single = np.stack(self._single)
        return np.sort(jensen_shannon(single, self._total - single)).astype(np.float32)

    @property
    def byte_size(self) -> int:
        """Bytes held between two scans."""
        return self._groups.nbytes + self._total.nbytes + sum(one.nbytes for one in self._single)


def drift_of(indices: Array, counts: Array, groups: Array, reference: Array) -> Drift:
    """Judge a scan's tokens, indices of any shape, by counts (K,), groups (K,) and reference (S,) of a codebook's statistics."""
    totals = [np.bincount(groups, weights, minlength=int(groups.max()) + 1) for weights in (scan_usage(indices, len(counts)), counts)]
    distance = float(jensen_shannon(*totals))
    quantile = float(np.searchsorted(reference, distance, side="right") / len(reference))
    return Drift(distance, quantile, distance > float(reference[-1]))
