"""How far a scan's tokens lie from those of the training scans: a distance, and whether any training scan lies as far.

A scan has a few thousand tokens for as many codewords, so its histogram over single codes is mostly noise. Like codewords are therefore
grouped first, and the groups' shares are compared.
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
    """distance in [0, 1]; quantile: share of the training scans that lie no farther; outside: farther than every training scan."""

    distance: float
    quantile: float
    outside: bool


def group_codewords(codewords: Array, groups: int = GROUPS, seed: int = 0) -> Array:
    """Group like codewords by k-means.

    Args:
        codewords: (K, D).
        groups: G, how many; at most K.
        seed: Of the k-means.

    Returns:
        The group of each codeword, (K,) int32.
    """
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    # Several threads add up in another order each time.
    with threadpool_limits(1):
        found: Array = KMeans(min(groups, len(codewords)), random_state=seed, n_init=1).fit_predict(codewords.astype(np.float64))
    return found.astype(np.int32)


def jensen_shannon(one: Array, other: Array) -> Array:
    """Jensen-Shannon distance of histograms: the root of the divergence in bits.

    Args:
        one: (..., G) counts.
        other: (..., G) counts.

    Returns:
        (...,) in [0, 1]; 1 if either histogram is empty.
    """
    p, q = (part / np.maximum(part.sum(-1, keepdims=True), 1) for part in (one.astype(np.float64), other.astype(np.float64)))
    mean = (p + q) / 2
    terms = [np.where(part > 0, part * np.log2(np.where(part > 0, part, 1) / np.where(mean > 0, mean, 1)), 0) for part in (p, q)]
    distance = np.sqrt(np.clip(terms[0].sum(-1) + terms[1].sum(-1), 0, 2) / 2)
    return np.where((one.sum(-1) > 0) & (other.sum(-1) > 0), distance, 1.0)


class DriftCounter:
    """Counts of the groups: over the whole data set, and of a bounded sample of single scans."""

    def __init__(self, groups: Array, scans: int) -> None:
        """Start at zero.

        Args:
            groups: (K,), the group of each codeword.
            scans: How many scans will be added.
        """
        self._groups = groups
        self._total = np.zeros(int(groups.max()) + 1, dtype=np.int64)
        self._sampled = set(np.linspace(0, scans - 1, min(scans, _SCANS)).round().astype(int).tolist())
        self._single: list[Array] = []

    def add(self, number: int, indices: Array) -> None:
        """Count one scan.

        Args:
            number: Of the scan, from 0.
            indices: All its tokens, of any shape.
        """
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
    """Compare a scan's tokens with a codebook's statistics.

    Args:
        indices: The scan's tokens, of any shape.
        counts: (K,), tokens of the training scans.
        groups: (K,), the group of each codeword.
        reference: (S,), distances of the training scans, rising.

    Raises:
        ValueError: An index lies outside [0, K).
    """
    totals = [np.bincount(groups, weights, minlength=int(groups.max()) + 1) for weights in (scan_usage(indices, len(counts)), counts)]
    distance = float(jensen_shannon(*totals))
    quantile = float(np.searchsorted(reference, distance, side="right") / len(reference))
    return Drift(distance, quantile, distance > float(reference[-1]))
