"""Inverting cumulative sums: where uniform numbers fall in rows of weights."""

from __future__ import annotations

import torch
from torch import Tensor


def place_in_rows(cumulative: Tensor, owner: Tensor, uniform: Tensor) -> Tensor:
    """The bin of its row that each token's uniform number falls into.

    Args:
        cumulative: (R, M), each row rising to its total.
        owner: (n,) int64, each token's row, rising, so that one padded table of thresholds serves all rows in one search.
        uniform: (n,) in [0, 1).

    Returns:
        (n,) int64 in [0, M), always a bin of positive width.
    """
    counts = torch.bincount(owner, minlength=len(cumulative))
    offset = counts.cumsum(0) - counts
    place = torch.arange(len(owner), device=owner.device) - offset[owner]
    targets = cut(uniform, cumulative[owner, -1])
    table = targets.new_zeros(len(cumulative), int(counts.max()))
    table[owner, place] = targets
    return torch.searchsorted(cumulative, table, right=True)[owner, place]


def cut(uniform: Tensor, total: Tensor) -> Tensor:
    """Where to cut cumulative sums: below the total, so that a search from the right ends on a bin of positive width."""
    return torch.minimum(uniform * total, torch.nextafter(total, torch.zeros_like(total)))
