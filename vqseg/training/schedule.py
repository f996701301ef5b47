"""Learning rate over the steps, and the moments at which something else happens."""

from __future__ import annotations

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LinearLR, LRScheduler, PolynomialLR, SequentialLR

from vqseg.config import TrainConfig


def learning_rate_schedule(optimizer: Optimizer, config: TrainConfig) -> LRScheduler:
    """Linear warm-up over warmup_steps, then polynomial decay to zero at the last step."""
    warmup = min(config.warmup_steps, config.steps - 1)
    decay = PolynomialLR(optimizer, total_iters=max(1, config.steps - warmup), power=config.poly_power)
    if warmup == 0:
        return decay
    rise = LinearLR(optimizer, start_factor=1 / (warmup + 1), total_iters=warmup)
    return SequentialLR(optimizer, [rise, decay], milestones=[warmup])


def snapshot_steps(config: TrainConfig) -> list[int]:
    """Steps after which the codebook is kept: spread over the run, denser at its beginning, the last step among them.

    Most codewords come into use early (the paper's Fig. 7), so even spacing would miss it.
    """
    first = max(1, config.codebook_start)
    count = min(config.snapshots, config.steps)
    if count == 0:
        return []
    span = max(0, config.steps - first)
    return sorted({first + round(span * (index / max(1, count - 1)) ** 2) if count > 1 else config.steps for index in range(count)})
