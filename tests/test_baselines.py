"""The field's baselines: UA-MT's certain consistency and BCP's copy-paste, each beside what its paper says."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.tiny import tiny_model
from vqseg.config import AugmentationConfig, ConfigError, ObjectiveConfig
from vqseg.experiments.methods import METHODS
from vqseg.losses.segmentation import segmentation_loss
from vqseg.training.pasting import pasted, pasted_loss, rectangle
from vqseg.training.step import training_step
from vqseg.training.teacher import Teacher
from vqseg.training.uncertainty import LIMIT, certain_consistency, uncertain_answers
from vqseg.types import Batch, LossTerms, Share

WHOLE = Share()


def batch_of(labelled: int = 2, unlabelled: int = 3) -> Batch:
    g = torch.Generator().manual_seed(0)
    images, labels = torch.rand(labelled, 1, 48, 48, generator=g), torch.randint(4, (labelled, 48, 48), generator=g)
    weak, strong = (torch.rand(unlabelled, 1, 48, 48, generator=g) for _ in range(2))
    return Batch(images, labels, weak, strong)


def one_step(batch: Batch, seed: int = 5, **changes: Any) -> tuple[LossTerms, torch.nn.Module]:
    torch.manual_seed(1)
    student = tiny_model().train()
    objective = ObjectiveConfig(**({"confidence": 0.3, "strength": 0.5, "perturbation": "dropout"} | changes))
    generator = torch.Generator().manual_seed(seed)
    teacher = Teacher(student, 0.99)
    return training_step(student, teacher, batch, generator, objective=objective, augmentation=AugmentationConfig()), student


@pytest.mark.parametrize("changes", [{"target": "probabilities"}, {"mixing": "copy-paste"}, {"perturbation": "complementary_dropout"}])
def test_every_baseline_teaches_the_student_and_its_seed_decides(changes: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    # A network that has learnt nothing is certain of nothing.
    monkeypatch.setattr("vqseg.training.uncertainty.LIMIT", 1.01)
    terms, student = one_step(batch_of(), **changes)
    terms.unlabelled_segmentation.backward()
    assert any(parameter.grad is not None and float(parameter.grad.abs().sum()) > 0 for parameter in student.parameters())
    assert float(terms.unlabelled_segmentation) == float(one_step(batch_of(), **changes)[0].unlabelled_segmentation)
    assert float(terms.unlabelled_segmentation) != float(one_step(batch_of(), 6, **changes)[0].unlabelled_segmentation)


def test_a_teacher_is_certain_where_its_mean_answer_has_little_entropy() -> None:
    model = tiny_model().eval()
    mean, certain = uncertain_answers(model, torch.rand(2, 1, 48, 48), torch.Generator().manual_seed(0), WHOLE)
    assert torch.allclose(mean.sum(1), torch.ones(2, 48, 48), atol=1e-5)
    entropy = torch.distributions.Categorical(probs=mean.movedim(1, -1)).entropy()
    assert torch.equal(certain, entropy < LIMIT * math.log(mean.shape[1]))


def test_consistency_is_the_mean_squared_difference_over_the_certain_pixels() -> None:
    logits, target = torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4).softmax(1)
    mask = torch.zeros(2, 4, 4, dtype=torch.bool)
    mask[0, 1, 2] = mask[1, 3, 3] = True
    pairs = [(logits[0, :, 1, 2].softmax(0), target[0, :, 1, 2]), (logits[1, :, 3, 3].softmax(0), target[1, :, 3, 3])]
    wanted = torch.stack([(one - other).square().mean() for one, other in pairs]).mean()
    assert torch.allclose(certain_consistency(logits, target, mask), wanted)
    assert float(certain_consistency(logits, target, torch.zeros_like(mask))) == 0


@pytest.mark.parametrize("size", [(48, 48), (30, 61), (1, 2)])
def test_the_rectangle_has_two_thirds_of_either_side_wherever_it_lies(size: tuple[int, int]) -> None:
    places = set()
    for seed in range(20):
        inside = rectangle(size, torch.Generator().manual_seed(seed))
        rows, columns = (inside.any(axis).nonzero().ravel() for axis in (1, 0))
        assert (len(rows), len(columns)) == tuple(max(1, round(2 / 3 * length)) for length in size)
        assert int(inside.sum()) == len(rows) * len(columns)
        places.add((int(rows[0]), int(columns[0])))
    assert len(places) > 1


def test_a_pasted_picture_learns_the_truth_in_one_part_and_half_of_the_teacher_s_labels_in_the_other() -> None:
    inside = rectangle((6, 6), torch.Generator().manual_seed(0))
    own, other = torch.zeros(1, 1, 6, 6), torch.ones(1, 1, 6, 6)
    assert torch.equal(pasted(inside, own, other)[0, 0] == 0, inside)
    logits, truth, made = torch.randn(1, 3, 6, 6), torch.randint(3, (1, 6, 6)), torch.randint(3, (1, 6, 6))
    sure = torch.rand(1, 6, 6) > 0.5

    def loss(given: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        return segmentation_loss(given, target, dice=0.0, mask=mask)

    each = (
        torch.nn.functional.cross_entropy(logits, truth, reduction="none"),
        torch.nn.functional.cross_entropy(logits, made, reduction="none"),
    )
    wanted = (each[0] * inside).mean() + 0.5 * (each[1] * (~inside & sure)).mean()
    assert torch.allclose(pasted_loss(loss, logits, truth, made, inside, sure), wanted)


def test_settings_that_contradict_each_other_are_refused() -> None:
    for wrong in ({"target": "probabilities", "mixing": "copy-paste"}, {"mixing": "copy-paste", "feature_stream": True}):
        with pytest.raises((ConfigError, ValueError), match="target: labels"):
            ObjectiveConfig(**wrong)  # type: ignore[arg-type]
    assert {"ua-mt", "bcp", "unimatch-v2"} <= METHODS.keys()
