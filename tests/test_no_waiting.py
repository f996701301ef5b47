"""Nothing in a training step makes the host wait for an accelerator: no value is read back, no shape depends on one.

Tensors without values stand in for the accelerator's: reading one raises.
"""

from __future__ import annotations

import pytest
import torch
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException, FakeTensorMode

from tests.tiny import tiny_model
from vqseg.config import AugmentationConfig, ObjectiveConfig
from vqseg.losses.objective import Objective
from vqseg.quantization import quantizer, search
from vqseg.quantization.perturbation import HeldTemperature, QuantizedPerturbation, ReachScale, qpm, resample
from vqseg.quantization.perturbation.transitions import temperature_of
from vqseg.training.step import training_step
from vqseg.training.teacher import Teacher
from vqseg.types import Batch


@pytest.fixture
def no_values(monkeypatch: pytest.MonkeyPatch) -> FakeTensorMode:
    # What an accelerator gets: the way with shared rows, NumPy, and what is kept while weights stay the same are the CPU's.
    monkeypatch.setattr(resample, "_with_shared_rows", resample._with_own_rows)
    monkeypatch.setattr(search, "_numpy_reads", lambda _: False)
    for module in (qpm, quantizer):
        monkeypatch.setattr(module, "comparable", lambda *_: False)
    return FakeTensorMode(allow_non_fake_inputs=True)


def test_reading_a_value_is_noticed(no_values: FakeTensorMode) -> None:
    with no_values, pytest.raises(DataDependentOutputException):
        float(torch.ones(3).sum())
    with no_values, pytest.raises(DynamicOutputShapeException):
        torch.ones(3).nonzero()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"perturbation": "dropout"},
        {"perturbation": "shift"},
        {"perturbation": "complementary_dropout", "strength": 0.5},
        {"usage": 0.1},
        {"feature_stream": True},
        {"perturb_labelled": True},
        {"student_view": "weak"},
        {"strength_schedule": "ramp"},
    ],
)
def test_a_step_from_views_to_gradients_reads_nothing_back(no_values: FakeTensorMode, settings: dict[str, object]) -> None:
    objective = ObjectiveConfig(unlabelled_start=0, **settings)
    views = torch.Generator()
    with no_values:
        student = tiny_model().train()
        teacher = Teacher(student, 0.99)
        images, weak, strong = (torch.rand(3, 1, 48, 48) for _ in range(3))
        batch = Batch(images, torch.randint(4, (3, 48, 48)), weak, strong)
        terms = training_step(student, teacher, batch, views, objective=objective, augmentation=AugmentationConfig(cutmix=1.0))
        Objective(objective)(terms, 5).backward()
        assert all(parameter.grad is not None for parameter in student.parameters())


@pytest.mark.parametrize("mode", ["resample", "shuffle"])
def test_the_module_alone_reads_nothing_back(no_values: FakeTensorMode, mode: str) -> None:
    with no_values:
        swapped = QuantizedPerturbation(mode, "adaptive")(torch.randint(9, (2, 6, 6)), torch.rand(9, 4), 0.5)
        assert swapped.shape == (2, 6, 6)


@pytest.mark.parametrize("usage", [False, True])
def test_solving_a_temperature_reads_nothing_back(no_values: FakeTensorMode, usage: bool) -> None:
    with no_values:
        codewords = torch.rand(600, 4)
        assert ReachScale(codewords, torch.rand(600) if usage else None).temperature(40.0).shape == ()
        for held in (HeldTemperature(None, 40.0), HeldTemperature("adaptive", None)):
            assert held(codewords, 0).shape == ()


def test_a_temperature_follows_the_codewords_to_their_device(no_values: FakeTensorMode) -> None:
    with no_values:
        held = torch.empty((), device="cuda")
        assert temperature_of(torch.rand(4, 2), held).device.type == "cpu"
