"""The processes that share one batch: what a step needs from the others, so that n of them do what one would do alone.

Every process draws the random numbers of the whole batch and takes its share of them; what depends on other processes' images
(the partners of CutMix, the pooled soft Dice) is exchanged. The usage loss alone is taken over a process's own tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from vqseg.types import Share


def _same(values: Tensor) -> Tensor:
    return values


@dataclass(frozen=True)
class Group:
    """share: this process's part. collect: all processes' rows in their order. total: the sum over the processes, with gradient."""

    share: Share = field(default_factory=Share)
    collect: Callable[[Tensor], Tensor] = _same
    total: Callable[[Tensor], Tensor] = _same

    def own(self, values: Tensor) -> Tensor:
        """The rows of this process among those of all."""
        return values[self.share.rows(len(values) // self.share.count)]


def process_group(index: int, count: int, gather: Callable[[Tensor], Tensor]) -> Group:
    """The group of a distributed run; of one process alone, nothing is exchanged."""
    if count == 1:
        return Group()
    from torch.distributed.nn.functional import all_reduce

    def collect(values: Tensor) -> Tensor:
        # Not every backend carries truth values.
        return gather(values.to(torch.uint8)).bool() if values.dtype == torch.bool else gather(values.contiguous())

    return Group(Share(index, count), collect, all_reduce)
