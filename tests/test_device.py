"""What depends on a run's device: another way to step and another stream, and a state that goes on on either."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.optim import AdamW

from vqseg.config import TrainConfig
from vqseg.training.device import adamw, own_ways, restore_generator, step_generator
from vqseg.training.schedule import learning_rate_schedule
from vqseg.training.state import load_state, save_state

CPU = torch.device("cpu")


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Linear(5, 3)


def stepped(part: nn.Module, optimizer: AdamW, steps: int) -> None:
    for step in range(steps):
        optimizer.zero_grad()
        part(torch.randn(4, 5, generator=torch.Generator().manual_seed(step))).square().sum().backward()
        optimizer.step()


def test_only_a_gpu_steps_in_one_kernel() -> None:
    assert adamw({"student": network()}, TrainConfig(), CPU).param_groups[0]["fused"] is None
    # The parameters are asked for their device at the first step, so that this one can be made anywhere.
    assert adamw({"student": network()}, TrainConfig(), torch.device("cuda")).param_groups[0]["fused"] is True


@pytest.mark.parametrize(("before", "after"), [("cuda", "cpu"), ("cpu", "cuda")])
def test_a_state_goes_on_with_an_optimiser_that_steps_in_another_way(before: str, after: str, tmp_path: Path) -> None:
    """PyTorch has the GPU's way on CPUs, too."""
    train = TrainConfig(learning_rate=0.1, steps=8, warmup_steps=0)
    parts = {name: network() for name in (before, after, "alone")}
    optimizers = {name: adamw({"student": part}, train, torch.device(name if name != "alone" else after)) for name, part in parts.items()}
    schedules = {name: learning_rate_schedule(optimizer, train) for name, optimizer in optimizers.items()}
    stepped(parts[before], optimizers[before], 4)
    notes = {"step": 4, "seconds": 0.0, "processes": 1}
    save_state(tmp_path / "s", tmp_path / "b", {"student": parts[before]}, optimizers[before], schedules[before], {}, notes)  # type: ignore[arg-type]
    load_state(tmp_path / "s", {"student": parts[after]}, optimizers[after], schedules[after])
    assert optimizers[after].param_groups[0]["fused"] is (True if after == "cuda" else None)
    stepped(parts[after], optimizers[after], 4)
    stepped(parts["alone"], optimizers["alone"], 4)
    stepped(parts["alone"], optimizers["alone"], 4)
    torch.testing.assert_close(parts[after].weight, parts["alone"].weight)


def test_whatever_else_a_group_holds_is_the_saved_one() -> None:
    optimizer = AdamW(network().parameters(), lr=0.1, fused=True)
    (group,) = own_ways([{"lr": 0.3, "initial_lr": 0.5, "fused": None, "foreach": None, "params": [0, 1]}], optimizer)
    assert group == {"lr": 0.3, "initial_lr": 0.5, "fused": True, "foreach": None, "capturable": False, "params": [0, 1]}


def test_a_cpu_and_several_processes_draw_the_coupled_stream() -> None:
    expected = torch.rand(5, generator=torch.Generator().manual_seed(3 * 1_000_003))
    for device, alone in ((CPU, True), (CPU, False), (torch.device("cuda"), False)):
        generator = step_generator(3, device, alone=alone)
        assert generator.device == CPU and torch.equal(torch.rand(5, generator=generator), expected)


def test_a_stream_goes_on_or_begins_anew_where_it_cannot(caplog: pytest.LogCaptureFixture) -> None:
    one, other = (step_generator(0, CPU, alone=True) for _ in range(2))
    torch.rand(7, generator=one)
    restore_generator(other, one.get_state(), 0, 4)
    assert torch.equal(torch.rand(5, generator=one), torch.rand(5, generator=other)) and not caplog.records
    drawn = []
    with caplog.at_level(logging.WARNING):
        for step in (4, 4, 5):
            # As long as that of a GPU.
            restore_generator(other, torch.zeros(16, dtype=torch.uint8), 0, step)
            drawn.append(torch.rand(5, generator=other))
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])
    assert "drawn anew from step 4" in caplog.text
