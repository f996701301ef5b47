"""Learning rate and strength over the steps, and the steps at which something else happens."""

from __future__ import annotations

import math
import warnings

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LinearLR, LRScheduler, PolynomialLR, SequentialLR

from vqseg.config import ObjectiveConfig, TrainConfig


def learning_rate_schedule(optimizer: Optimizer, config: TrainConfig) -> LRScheduler:
    """Linear warm-up over warmup_steps, then polynomial decay to zero at the last step.

    Args:
        optimizer: At its full learning rate.
        config: Has both lengths and the power.
    """
    warmup = min(config.warmup_steps, config.steps - 1)
    decay = PolynomialLR(optimizer, total_iters=max(1, config.steps - warmup), power=config.poly_power)
    if warmup == 0:
        return decay
    rise = LinearLR(optimizer, start_factor=1 / (warmup + 1), total_iters=warmup)
    return SequentialLR(optimizer, [rise, decay], milestones=[warmup])


def lengthened_schedule(optimizer: Optimizer, config: TrainConfig, done: int) -> LRScheduler:
    """The schedule of a resumed run whose number of steps has changed.

    It stands where a run of the new length would stand. From the saved rate, a finished run would stay at zero.

    Args:
        optimizer: Its learning rate is set back first.
        config: Has the new number of steps.
        done: Steps made so far.
    """
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"]
    schedule = learning_rate_schedule(optimizer, config)
    with warnings.catch_warnings():
        # The steps of the optimiser were made before it was saved.
        warnings.filterwarnings("ignore", message="Detected call of `lr_scheduler.step")
        for _ in range(done):
            schedule.step()
    return schedule


def strength_at(objective: ObjectiveConfig, step: int) -> float:
    """How strongly the student is perturbed at a step.

    Args:
        objective: Has the strength, its schedule and the length of that.
        step: From 0. A ramp or a period begins at unlabelled_start, where the unlabelled branch does.

    Returns:
        In [0, strength]. A ramp gives the whole strength after strength_steps steps, a period in its middle.
    """
    since = max(0, step - objective.unlabelled_start)
    if objective.strength_schedule == "ramp":
        return objective.strength * min(1.0, (since + 1) / objective.strength_steps)
    if objective.strength_schedule == "periodic":
        return objective.strength * (1.0 - math.cos(2.0 * math.pi * since / objective.strength_steps)) / 2.0
    return objective.strength


def codebook_start(config: TrainConfig) -> int:
    """The step before which the codebook is placed: as configured, but no later than the last step, so that no codebook stays random.

    0, for never, if a checkpoint's codebook is taken over.
    """
    if config.initial is not None:
        return 0
    return min(config.codebook_start, config.steps - 1)


def snapshot_steps(config: TrainConfig) -> list[int]:
    """Steps after which the codebook is kept: spread over the run, denser at its beginning, the last step among them.

    Most codewords come into use early (the paper's Fig. 7), so even spacing would miss it.
    """
    first = codebook_start(config) + 1
    count = min(config.snapshots, config.steps - first + 1)
    if count == 0:
        return []
    span = config.steps - first
    return sorted({first + round(span * (index / max(1, count - 1)) ** 2) if count > 1 else config.steps for index in range(count)})
