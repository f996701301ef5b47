"""Draws from rows of pi on a CPU, bit for bit those of a cumulative sum over whole rows, at a fraction of its cost.

A sum that runs along a row waits for itself at every codeword. Here 64 neighbours at a time are added first, in any order; the running sum
is needed for these blocks alone, and within the one block that a uniform number falls into. Both ways round a little differently: a
token whose number falls so close to a boundary that this could matter is drawn by the running sum over its whole row.

Shapes: exponents (R, K), log pi up to a constant a row; owner, uniform (n,), each token's row and number.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vqseg.quantization.perturbation.search import place_in_rows

_WIDTH = 64
# Share of a row's total by which a boundary may be misplaced. The largest error found is a tenth of it.
_MARGIN = 2e-6
# With more threads than these torch's exp is faster than NumPy's, which runs on one of them.
_THREADS_FOR_NUMPY = 2


def block_sums(exponents: Tensor) -> Tensor:
    """Sums of exp(exponents) over blocks of codewords: (R, K) float32 -> (R, ceil(K / 64)). The last block may be shorter."""
    weights, whole = _exp(exponents), exponents.shape[1] // _WIDTH * _WIDTH
    sums = weights[:, :whole].unflatten(1, (whole // _WIDTH, _WIDTH)).sum(2)
    return sums if whole == weights.shape[1] else torch.cat([sums, weights[:, whole:].sum(1, keepdim=True)], 1)


def draw(exponents: Tensor, sums: Tensor, rows: Tensor, owner: Tensor, uniform: Tensor) -> Tensor:
    """One j ~ pi(. | rows[owner], j != i) for every token.

    Args:
        exponents: (R, K) float32.
        sums: `block_sums` of it.
        rows: (R,) int64, the codeword i of each row.
        owner: (n,) int64, rising.
        uniform: (n,) in [0, 1).

    Returns:
        (n,) int64 in [0, K).
    """
    drawn, sure = _in_blocks(exponents, sums, owner, uniform)
    unsure = (~sure).nonzero().squeeze(1)
    if len(unsure):
        again, place = owner[unsure].unique_consecutive(return_inverse=True)
        drawn[unsure] = place_in_rows(cumulative_weights(exponents[again], rows[again]), place, uniform[unsure])
    return drawn


def cumulative_weights(exponents: Tensor, rows: Tensor) -> Tensor:
    """Running sums of exp(exponents) along each row, without the codeword itself; exponents (R, K) are overwritten."""
    return exponents.exp_().scatter_(1, rows[:, None], 0).cumsum_(1)


def _in_blocks(exponents: Tensor, sums: Tensor, owner: Tensor, uniform: Tensor) -> tuple[Tensor, Tensor]:
    """The draws (n,), and whether each is surely that of the running sum (n,) bool."""
    cumulative, size = sums.cumsum(1), exponents.shape[1]
    block = place_in_rows(cumulative, owner, uniform)
    before = F.pad(cumulative, (1, 0))[owner, block][:, None]
    total = cumulative[owner, -1][:, None]
    columns = block[:, None] * _WIDTH + torch.arange(_WIDTH)
    weights = exponents[owner[:, None], columns.clamp(max=size - 1)].exp_().masked_fill_(columns >= size, 0)
    boundaries = torch.cat([before, weights.cumsum(1) + before], 1)
    away = boundaries - uniform[:, None] * total
    place = (away[:, 1:] <= 0).sum(1)
    sure = (away.abs().amin(1) > _MARGIN * total.squeeze(1)) & (away[:, 0] < 0) & (place < _WIDTH)
    return (block * _WIDTH + place).clamp(max=size - 1), sure


def _exp(exponents: Tensor) -> Tensor:
    if torch.get_num_threads() > _THREADS_FOR_NUMPY:
        return exponents.exp()
    # Half of the time of torch's, which is more exact than a sum with a margin needs.
    return torch.from_numpy(np.exp(exponents.numpy()))
