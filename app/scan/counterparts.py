"""Which code of one checkpoint fires where a code of another one does, found by the places that their tokens share in one scan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.scan.open_scan import OpenScan
from vqseg.types import Array

MOST_MATCHED = 512
"""The most frequent codes of each side that are matched one to one: the work grows with the third power of their number."""
TOP = 3
"""How many partners are told of each code."""


@dataclass(frozen=True)
class Counterparts:
    """The codes of one checkpoint that fire in a scan, the most frequent first, and what fires there in the other checkpoint.

    Attributes:
        codes: (n,) int64.
        counts: (n,) int64, at how many places each fires.
        partners: (n, TOP) int64, the codes of the other checkpoint that fire there most often; -1 where there are fewer.
        shares: (n, TOP) float64, at which share of its places.
        matched: (n,) int64, its partner if every code may have one alone, so that as many places as possible are right; -1 for none.
    """

    codes: Array
    counts: Array
    partners: Array
    shares: Array
    matched: Array

    @property
    def told(self) -> float:
        """At which share of all places the usual partner fires: 1 if one code says all of the other."""
        return float((self.counts * self.shares[:, 0]).sum() / self.counts.sum())


def counterparts(one: OpenScan, other: OpenScan) -> Counterparts:
    """Align two codebooks by the tokens that they give to the same places.

    Args:
        one: A scan.
        other: The same scan, of the same shape, under another checkpoint.

    Returns:
        The codes of `one` with those of `other`. The places are the cells of the finer one of both grids of tokens, in all slices, before
        any perturbation.
    """
    rows, columns = (max(sizes) for sizes in zip(_grid(one), _grid(other), strict=True))
    places = np.stack([_codes_at(scan, rows, columns).ravel().astype(np.int64) for scan in (one, other)])
    pairs, counts = np.unique(places, axis=1, return_counts=True)
    return _told(pairs, counts)


def _grid(scan: OpenScan) -> tuple[int, int]:
    """Rows and columns of the deepest grid of tokens."""
    segmented = scan.segmented
    return segmented.indices.shape[1] // segmented.levels, segmented.indices.shape[2]


def _codes_at(scan: OpenScan, rows: int, columns: int) -> Array:
    """(S, rows, columns): the codes at the middles of equal parts of every slice."""
    segmented, (h, w) = scan.segmented, _grid(scan)
    at = [
        np.minimum(last - 1, ((np.arange(parts) + 0.5) * length / parts / cell).astype(int))
        for parts, length, cell, last in zip((rows, columns), segmented.slice_size, segmented.cell_size, (h, w), strict=True)
    ]
    deepest: Array = segmented.indices[:, (segmented.levels - 1) * h :]
    return deepest[:, at[0][:, None], at[1][None, :]]


def _told(pairs: Array, counts: Array) -> Counterparts:
    """pairs: (2, m) int64, codes of both sides that share places, each pair once. counts: (m,) int64, how many places."""
    # The most frequent partner of each code first.
    sorting = np.lexsort((-counts, pairs[0]))
    (codes, partners), counts = pairs[:, sorting], counts[sorting]
    own, first, rows = np.unique(codes, return_index=True, return_inverse=True)
    totals = np.bincount(rows, counts).astype(np.int64)
    ranks = np.arange(len(codes)) - first[rows]
    best, fires = np.full((len(own), TOP), -1, np.int64), np.zeros((len(own), TOP))
    top = ranks < TOP
    best[rows[top], ranks[top]], fires[rows[top], ranks[top]] = partners[top], counts[top]
    order = np.argsort(-totals, kind="stable")
    matched = _matched(codes, partners, counts, own[order])
    return Counterparts(own[order], totals[order], best[order], fires[order] / totals[order][:, None], matched)


def _matched(codes: Array, partners: Array, counts: Array, ordered: Array) -> Array:
    """One partner for each of the most frequent codes of A, so that together they share the most places."""
    from scipy.optimize import linear_sum_assignment

    others, at = np.unique(partners, return_inverse=True)
    columns = others[np.argsort(-np.bincount(at, counts), kind="stable")[:MOST_MATCHED]]
    place = {int(code): number for number, code in enumerate(ordered[:MOST_MATCHED])}
    column_of = {int(code): number for number, code in enumerate(columns)}
    weights = np.zeros((len(place), len(column_of)))
    for code, partner, count in zip(codes.tolist(), partners.tolist(), counts.tolist(), strict=True):
        if code in place and partner in column_of:
            weights[place[code], column_of[partner]] = count
    found = np.full(len(ordered), -1, np.int64)
    for row, column in zip(*linear_sum_assignment(weights, maximize=True), strict=True):
        if weights[row, column]:
            found[row] = columns[column]
    return found
