"""Counting tokens scan after scan: how often a code occurs, under which class, where, and beside which others.

Memory depends on the number of codewords K only, never on the number of scans, and never grows as K x K.
Shapes: indices (S, h, w) of one level of tokens, S slices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vqseg.codebook.statistics import PARTNERS
from vqseg.types import Array

# Pairs of codes that are kept in all (16 bytes each), and pairs of tokens that wait to be added (8 bytes each).
_PAIRS, _WAITING = 1 << 22, 1 << 21
_SLICES_AT_ONCE = 16


@dataclass(frozen=True)
class Partners:
    """codes (K, 8) int32: the other codes most often beside each, -1 where there are fewer; counts (K, 8) int64.

    error: counts are exact if this is 0; otherwise they are too low by at most this number.
    """

    codes: Array
    counts: Array
    error: int


class TokenCounter:
    """Counts, classes and places of codes."""

    def __init__(self, size: int, classes: int) -> None:
        """Start at zero.

        Args:
            size: K, the number of codewords.
            classes: C, the background included.
        """
        self.class_counts = np.zeros((size, classes), dtype=np.int64)
        self._sums = np.zeros((3, size))

    def add(self, indices: Array, owners: Array, rows: Array, columns: Array) -> None:
        """Count the tokens of some slices.

        Args:
            indices: (S, h, w) integers.
            owners: (S, h, w), the class of each token.
            rows: (h,), the tokens' centres as shares of the slice's height, in [0, 1].
            columns: (w,), the same of its width.
        """
        size, classes = self.class_counts.shape
        flat = indices.ravel()
        self.class_counts += np.bincount(flat * classes + owners.ravel(), minlength=size * classes).reshape(size, classes)
        down, across = (np.broadcast_to(part, indices.shape).ravel() for part in (rows[:, None], columns[None, :]))
        for total, weights in zip(self._sums, (down, across, down**2 + across**2), strict=True):
            total += np.bincount(flat, weights, minlength=size)

    @property
    def counts(self) -> Array:
        """(K,) int64."""
        counts: Array = self.class_counts.sum(1)
        return counts

    def places(self) -> tuple[Array, Array]:
        """Mean (row, column) of each code's tokens (K, 2) and their root mean square distance from it (K,), float32, NaN if none."""
        counts = np.where(self.counts > 0, self.counts, np.nan)
        row, column, square = self._sums / counts
        spread = np.sqrt(np.maximum(square - row**2 - column**2, 0))
        return np.stack([row, column], -1).astype(np.float32), spread.astype(np.float32)

    @property
    def byte_size(self) -> int:
        """Bytes held between two scans."""
        return self.class_counts.nbytes + self._sums.nbytes


class PairCounter:
    """How often two different codes lie beside each other, in the four directions of the token grid.

    Each code keeps its most frequent partners. Where more occur, the smallest counts are dropped, and all other counts of the code are
    lowered by the largest one dropped (mergeable Misra-Gries summaries, Agarwal et al., PODS 2012). A count is then too low by at most what
    was taken off, and a partner with more pairs than that is never lost.
    """

    def __init__(self, size: int, limit: int | None = None) -> None:
        """Start at zero.

        Args:
            size: K, the number of codewords.
            limit: Partners kept per code; None for as many as a fixed amount of memory holds.
        """
        self.size, self.limit = size, limit or max(2 * PARTNERS, _PAIRS // size)
        # A pair (i, j) is the number i * K + j, so that a sorted list has each code's partners in one run.
        self._keys, self._values = np.empty(0, np.int64), np.empty(0, np.int64)
        self._waiting: list[Array] = []
        self._taken = np.zeros(size, dtype=np.int64)

    def add(self, indices: Array) -> None:
        """Count the pairs of slices: indices (S, h, w). Slices are not neighbours of each other."""
        for start in range(0, len(indices), _SLICES_AT_ONCE):
            part = indices[start : start + _SLICES_AT_ONCE].astype(np.int64)
            for one, other in ((part[:, 1:], part[:, :-1]), (part[:, :, 1:], part[:, :, :-1])):
                differ = one != other
                one, other = one[differ], other[differ]
                self._waiting += [one * self.size + other, other * self.size + one]
            if sum(map(len, self._waiting)) >= _WAITING:
                self._merge()

    def partners(self) -> Partners:
        """The most frequent partners of every code; of equally frequent ones the lower code comes first."""
        self._merge()
        codes = np.full((self.size, PARTNERS), -1, dtype=np.int32)
        counts = np.zeros((self.size, PARTNERS), dtype=np.int64)
        order, owner, place = self._ranked()
        first = place < PARTNERS
        codes[owner[first], place[first]] = (self._keys % self.size)[order][first]
        counts[owner[first], place[first]] = self._values[order][first]
        return Partners(codes, counts, int(self._taken.max()))

    @property
    def byte_size(self) -> int:
        """Bytes held between two scans."""
        return sum(part.nbytes for part in (self._keys, self._values, self._taken, *self._waiting))

    def _ranked(self) -> tuple[Array, Array, Array]:
        """Order by code and falling count; each entry's code, and its place among the entries of that code."""
        owner = self._keys // self.size
        order = np.lexsort((self._keys, -self._values, owner))
        owner = owner[order]
        starts = np.searchsorted(owner, np.arange(self.size))
        return order, owner, np.arange(len(owner)) - starts[owner]

    def _merge(self) -> None:
        fresh, counted = np.unique(np.concatenate([np.empty(0, np.int64), *self._waiting]), return_counts=True)
        self._waiting = []
        keys, inverse = np.unique(np.concatenate([self._keys, fresh]), return_inverse=True)
        # Weights are summed in float64, which is exact up to 2^53.
        self._values = np.bincount(inverse, np.concatenate([self._values, counted]), minlength=len(keys)).astype(np.int64)
        self._keys = keys
        if len(keys) and np.bincount(keys // self.size).max() > self.limit:
            self._prune()

    def _prune(self) -> None:
        order, owner, place = self._ranked()
        cut = np.zeros(self.size, dtype=np.int64)
        over = place == self.limit
        cut[owner[over]] = self._values[order][over]
        self._values = self._values - cut[self._keys // self.size]
        kept = self._values > 0
        self._keys, self._values = self._keys[kept], self._values[kept]
        self._taken += cut
