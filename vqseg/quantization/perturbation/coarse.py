"""Draws from rows of pi on a CPU, bit for bit those of a running sum over whole rows, at a fraction of its cost.

A running sum waits for itself at every codeword. Here 64 neighbours at a time are added first, in any order; the running sum is needed for
these blocks alone, and within the one block that a uniform number falls into. Both ways round a little differently: a token whose number
falls so close to a boundary that this could matter is drawn by the running sum over its whole row.

Shapes: codewords (K, D), rows (R,) int64, the codewords i of rows of pi; owner, uniform (n,), each token's row and number.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vqseg.quantization.perturbation.search import place_in_rows
from vqseg.quantization.perturbation.transitions import CodewordDistances

_WIDTH = 64
# Elements of the strip of rows x K that stays in a CPU's cache (512 kB).
_STRIP = 1 << 17
# Weights below e^-80 of the largest are lost in the sum anyway, and denormal results make exp ten times slower.
_LOST = -80.0
# Share of a row's total by which a boundary may be misplaced, and how that grows with the distance to the nearest codeword, counted in
# temperatures. The largest errors found are a sixth of it.
_MARGIN, _MARGIN_PER_STEP = 3e-6, 1e-7
# With more threads than these torch's exp is faster than NumPy's, which runs on one of them.
_THREADS_FOR_NUMPY = 2


class RowDraws:
    """Draws from rows of one codebook's pi, a few rows after the others in the same memory."""

    def __init__(self, distances: CodewordDistances, scale: Tensor, rows: int) -> None:
        """Take a codebook.

        Args:
            distances: Of the codebook.
            scale: (), divides the squared distances.
            rows: The most that are drawn from at once.
        """
        self._distances, self._scale = distances, scale
        self._size = len(distances.norms)
        # With new memory for each part a draw takes half as long again.
        self._products = distances.norms.new_empty(rows, self._size + -self._size % _WIDTH)
        # Columns that only fill up the last block lie infinitely far.
        self._products[:, self._size :] = math.inf

    def draw(self, rows: Tensor, owner: Tensor, uniform: Tensor) -> Tensor:
        """One j ~ pi(. | rows[owner], j != i) for every token.

        Args:
            rows: (R,), no more than announced.
            owner: (n,) int64, rising.
            uniform: (n,) in [0, 1).

        Returns:
            (n,) int64 in [0, K).
        """
        distances, scale, products = self._distances, self._scale, self._products[: len(rows)]
        distances.products(rows, out=products[:, : self._size])
        products.scatter_(1, rows[:, None], math.inf)
        nearest, sums = _block_sums(products, float(scale))
        drawn, gap = _in_blocks(products, nearest, sums, owner, uniform, float(scale))
        # The distance to the nearest codeword; rounding may make it negative, where it counts as zero.
        away = nearest.squeeze(1) + distances.norms[rows]
        margin = (_MARGIN + _MARGIN_PER_STEP * (away + nearest.squeeze(1).abs()) / scale).where(away >= 0, math.inf)
        unsure = (gap <= margin[owner]).nonzero().squeeze(1)
        if len(unsure):
            again, place = owner[unsure].unique_consecutive(return_inverse=True)
            found = distances.finish_(products[again, : self._size], rows[again])
            drawn[unsure] = place_in_rows(cumulative_weights(found, rows[again], scale), place, uniform[unsure])
        return drawn


def cumulative_weights(distances: Tensor, rows: Tensor, scale: Tensor) -> Tensor:
    """Running sums of exp(-d / scale) along rows of distances (R, K), up to a factor a row and without j = i, in the same memory."""
    exponents = distances.sub_(distances.amin(1, keepdim=True)).div_(-scale).clamp_(min=_LOST)
    return exponents.exp_().scatter_(1, rows[:, None], 0).cumsum_(1)


def _block_sums(products: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """The smallest product of every row (R, 1), and the weights summed over blocks of 64 codewords, (R, W).

    What is done to a strip of rows is done while the strip is in the cache.
    """
    strip = max(1, _STRIP // products.shape[1])
    nearest, sums, held = [], [], products.new_empty(min(strip, len(products)), products.shape[1])
    for part in products.split(strip):
        nearest.append(part.amin(1, keepdim=True))
        weights = _weights(part, nearest[-1], scale, held[: len(part)])
        sums.append(weights.view(len(part), -1, _WIDTH).sum(2))
    return torch.cat(nearest), torch.cat(sums)


def _in_blocks(products: Tensor, nearest: Tensor, sums: Tensor, owner: Tensor, uniform: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """The draws (n,), and how far each token's number lies from the boundaries of what it drew, as a share of its row's total, (n,)."""
    count = sums.shape[1]
    upto = F.pad(sums.cumsum(1), (1, 0)).index_select(0, owner)
    total = upto[:, -1:]
    goal = uniform[:, None] * total
    block = _place(upto, goal)
    goal = goal - upto.gather(1, block)
    weights = products.view(-1, _WIDTH).index_select(0, owner * count + block.squeeze(1))
    upto = F.pad(_weights(weights, nearest.index_select(0, owner), scale, weights).cumsum_(1), (1, 0))
    place = _place(upto, goal)
    gap = torch.minimum(goal - upto.gather(1, place), upto.gather(1, place + 1) - goal) / total
    return (block * _WIDTH + place).squeeze(1), gap.squeeze(1)


def _place(upto: Tensor, goal: Tensor) -> Tensor:
    """The bin of its own row that each goal (n, 1) falls into: bin j reaches from upto[:, j] to upto[:, j + 1]; (n, 1)."""
    return torch.searchsorted(upto, goal, right=True).sub_(1).clamp_(min=0, max=upto.shape[1] - 2)


def _weights(products: Tensor, nearest: Tensor, scale: float, out: Tensor) -> Tensor:
    """exp(-d / scale) of products (m, M) up to a factor a row, in the memory of `out`; the nearest codeword's is 1."""
    exponents = torch.add(nearest / scale, products, alpha=-1 / scale, out=out)
    if torch.get_num_threads() > _THREADS_FOR_NUMPY:
        return exponents.clamp_(min=_LOST).exp_()
    # Half of the time of torch's, which is more exact than sums with a margin need.
    np.exp(exponents.numpy(), out=exponents.numpy())
    return exponents
