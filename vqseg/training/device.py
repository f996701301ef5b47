"""What of a run depends on its device: a GPU steps its optimiser in one kernel and draws for itself what perturbs. A CPU's runs stay as
they are, to the last bit.

The views are drawn on the CPU everywhere: a few numbers an image, which would take more kernels than they are worth.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.optim import AdamW, Optimizer

from vqseg.config import TrainConfig
from vqseg.training.start import parameter_groups

logger = logging.getLogger(__name__)

# How AdamW steps, which follows from the device and not from the run.
_WAYS = ("fused", "foreach", "capturable")


def adamw(parts: dict[str, nn.Module], train: TrainConfig, device: torch.device) -> AdamW:
    """The optimiser of a run.

    Args:
        parts: What is trained, as for `parameter_groups`.
        train: Learning rates and weight decay.
        device: Where the parameters are.
    """
    return AdamW(parameter_groups(parts, train), weight_decay=train.weight_decay, fused=True if device.type == "cuda" else None)


def own_ways(groups: Sequence[Mapping[str, Any]], optimizer: Optimizer) -> list[dict[str, Any]]:
    """Saved groups of parameters for an optimiser that may step in another way, as it was made for another device.

    Args:
        groups: As they were saved.
        optimizer: That is to go on with them.
    """
    present = optimizer.param_groups
    return [{**saved, **{way: own[way] for way in _WAYS if way in own}} for saved, own in zip(groups, present, strict=True)]


def step_generator(seed: int, device: torch.device, *, alone: bool) -> Generator:
    """What draws the perturbations of a run.

    Args:
        seed: Of the run.
        device: Of the run.
        alone: Whether there is one process. Several draw the same numbers, each on its CPU: GPUs of two kinds would not.
    """
    return Generator(device if device.type == "cuda" and alone else "cpu").manual_seed(seed * 1_000_003)


def restore_generator(generator: Generator, state: Tensor, seed: int, step: int) -> None:
    """Go on with a saved stream of random numbers, or with another one if it was saved on another kind of device.

    Args:
        generator: Is set.
        state: (n,) uint8, as it was saved.
        seed: Of the run.
        step: At which the run goes on.
    """
    if len(state) == len(generator.get_state()):
        generator.set_state(state.clone())
        return
    logger.warning("the run goes on on another kind of device: its perturbations are drawn anew from step %d on", step)
    generator.manual_seed(seed * 1_000_003 + step)
