"""The QPM's swaps drawn outwards: the codewords around each code in the order of their distance, and a draw that keeps its place in it.

The replacement is found by inverting the cumulative sum of pi(. | i, j != i) taken from the nearest codeword to the farthest. For one
uniform number a higher temperature then never gives a nearer codeword: a token that is dragged through the reaches moves outwards, and
only where its place in the order changes. Distributed as the swaps of resample.py, which spare the sorting: a training step has new
codewords every time.

Shapes: codewords (K, D), codes (n,) int64.
"""

from __future__ import annotations

import torch
from torch import Tensor

from vqseg.quantization.perturbation.search import place_in_rows
from vqseg.quantization.perturbation.transitions import squared_distances

# Orders and distances are held for a codebook as long as they take less than this; above, rows are sorted whenever they are needed.
_HELD_BYTES = 256 << 20
# Elements of one block of rows x K (16 MB in float64).
_BLOCK = 1 << 21
# Weights below e^-40 of the largest do not change a sum in double precision.
_LOST = 40.0


class Neighbourhood:
    """The other codewords around each, nearest first. Safe to share between threads: rows are only ever filled in, with the same values."""

    def __init__(self, codewords: Tensor) -> None:
        """Take a codebook; rows are sorted when they are first needed.

        Args:
            codewords: (K, D) on the CPU, K >= 2.
        """
        self.codewords = codewords.detach().float()
        size = len(codewords)
        kind = torch.int16 if size <= 1 << 15 else torch.int32
        held = size if size * (size - 1) * (kind.itemsize + 4) <= _HELD_BYTES else 0
        # Memory that no row has been written to is not taken yet.
        self._order = torch.empty(held, size - 1, dtype=kind)
        self._distances = torch.empty(held, size - 1)
        self._known = torch.zeros(held, dtype=torch.bool)

    def around(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """The other codewords around some codes.

        Args:
            codes: (R,) int64.

        Returns:
            The codewords, nearest first, (R, K - 1) integers, and their squared distances, (R, K - 1) float32.
        """
        if len(self._known) == 0:
            return self._sorted(codes)
        missing = codes[~self._known[codes]].unique()
        for part in missing.split(max(1, _BLOCK // len(self.codewords))):
            order, self._distances[part] = self._sorted(part)
            self._order[part] = order.to(self._order.dtype)
            self._known[part] = True
        return self._order[codes], self._distances[codes]

    def draw(self, codes: Tensor, uniform: Tensor, temperature: float) -> Tensor:
        """One j ~ pi(. | i, j != i) for every token.

        Args:
            codes: (n,) int64, each token's i.
            uniform: (n,) in [0, 1), each token's own number.
            temperature: Divides the squared distances.

        Returns:
            (n,) int64. For the same uniform numbers no distance falls as the temperature rises.
        """
        kinds, owner = codes.unique(return_inverse=True)
        by_owner = owner.argsort(stable=True)
        counts = torch.bincount(owner, minlength=len(kinds))
        drawn, first_row, first_token = torch.empty_like(codes), 0, 0
        for rows in kinds.split(max(1, _BLOCK // len(self.codewords))):
            tokens = int(counts[first_row : first_row + len(rows)].sum())
            part = by_owner[first_token : first_token + tokens]
            order, distances = self.around(rows)
            weights = _weights(distances, temperature)
            own = owner[part] - first_row
            place = place_in_rows(weights.cumsum_(1), own, uniform[part].double())
            drawn[part] = order[own, place].long()
            first_row, first_token = first_row + len(rows), first_token + tokens
        return drawn

    def _sorted(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        # In double precision, as a product of few rows is rounded otherwise than one of many: what a seed draws would depend on
        # which codes were asked for together.
        distances, order = squared_distances(codes, self.codewords.double()).float().sort(dim=1, stable=True)
        # The codeword itself is infinitely far, and so the last.
        return order[:, :-1], distances[:, :-1]


def _weights(distances: Tensor, temperature: float) -> Tensor:
    """exp(-d / temperature) up to a factor a row, for sorted rows (R, K - 1): (R, m) float64 without the columns that carry nothing."""
    excess = distances - distances[:, :1]
    columns = int((excess <= _LOST * temperature).sum(1).amax())
    return excess[:, :columns].double().div_(-temperature).exp_()
