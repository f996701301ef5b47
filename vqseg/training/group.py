"""The ranks that share one batch, and what they exchange so that n ranks compute what one would compute alone.

Every rank draws the random numbers of the whole batch and uses its own part. What depends on other ranks' images is exchanged: the partners
of CutMix by all-gather, the pooled soft Dice by all-reduce. Only the usage loss is taken over a rank's own tokens.
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
    """The processes of a run as one rank sees them. The default is one process alone, which exchanges nothing.

    share: this rank and the world size. own: this rank's rows of a gathered batch.
    collect: all-gather, the rows of every rank in the order of the ranks.
    total: all-reduce to the sum, with gradient. sum, mean: all-reduce to the sum and to the mean, without gradient.
    broadcast: gives every rank the values of rank 0, in place. wait: a barrier.
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
        """Whether this is rank 0, which writes files and logs."""
        return self.share.index == 0

    def own(self, values: Tensor) -> Tensor:
        """This rank's rows of a batch that holds the rows of all ranks."""
        return values[self.share.rows(len(values) // self.share.count)]


def process_group(accelerator: Accelerator) -> Group:
    """The group of a run under an Accelerator."""
    if accelerator.num_processes == 1:
        return Group()
    from torch.distributed.nn.functional import all_reduce

    def collect(values: Tensor) -> Tensor:
        # Not every backend can gather bool.
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
