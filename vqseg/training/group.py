"""The processes that share one batch: what one of them needs from the others, so that n of them do what one would do alone.

Every process draws the random numbers of the whole batch and takes its share of them; what depends on other processes' images
(the partners of CutMix, the pooled soft Dice) is exchanged. The usage loss alone is taken over a process's own tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast
from torch import Tensor

from vqseg.types import Share


def _same(values: Tensor) -> Tensor:
    return values


def _nothing() -> None:
    return None


@dataclass(frozen=True)
class Group:
    """The processes of a run, as one of them sees them; the default is one process alone, which exchanges nothing.

    share: this process's part of a batch: its rank, and the world size.
    collect: all-gather, the rows of every process in the order of their ranks.
    total: all-reduce to the sum, with gradient. sum, mean: the same without a gradient, to the sum and to the mean.
    broadcast: gives every process the values of the main one, in place. wait: a barrier.
    """

    share: Share = field(default_factory=Share)
    collect: Callable[[Tensor], Tensor] = _same
    total: Callable[[Tensor], Tensor] = _same
    sum: Callable[[Tensor], Tensor] = _same
    mean: Callable[[Tensor], Tensor] = _same
    broadcast: Callable[[Tensor], Tensor] = _same
    wait: Callable[[], None] = _nothing

    @property
    def main(self) -> bool:
        """Whether this is the process that writes files and talks."""
        return self.share.index == 0

    def own(self, values: Tensor) -> Tensor:
        """The rows of this process among those of all."""
        return values[self.share.rows(len(values) // self.share.count)]


def process_group(accelerator: Accelerator) -> Group:
    """The group of a run under an Accelerator."""
    if accelerator.num_processes == 1:
        return Group()
    from torch.distributed.nn.functional import all_reduce

    def collect(values: Tensor) -> Tensor:
        # Not every backend carries truth values.
        gathered: Tensor = accelerator.gather(values.to(torch.uint8) if values.dtype == torch.bool else values.contiguous())
        return gathered.bool() if values.dtype == torch.bool else gathered

    return Group(
        share=Share(accelerator.process_index, accelerator.num_processes),
        collect=collect,
        total=all_reduce,
        sum=partial(accelerator.reduce, reduction="sum"),
        mean=partial(accelerator.reduce, reduction="mean"),
        broadcast=broadcast,
        wait=accelerator.wait_for_everyone,
    )
