"""The field's baselines: UA-MT's certain consistency, BCP's copy-paste and CPS's two networks, each beside what its paper says."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.tiny import tiny_model
from vqseg.config import AugmentationConfig, Config, ConfigError, DataConfig, ModelConfig, ObjectiveConfig, TrainConfig
from vqseg.experiments.methods import METHODS, with_method
from vqseg.losses.segmentation import segmentation_loss
from vqseg.training.pasting import pasted, pasted_loss, rectangle
from vqseg.training.step import training_step
from vqseg.training.teacher import Teacher
from vqseg.training.uncertainty import LIMIT, certain_consistency, uncertain_answers
from vqseg.types import Array, Batch, LossTerms, Share

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

    def loss(given: Tensor, target: Tensor, mask: Tensor, labelled: Tensor | None) -> Tensor:
        return segmentation_loss(given, target, dice=0.0, mask=mask, labelled=labelled)

    each = (
        torch.nn.functional.cross_entropy(logits, truth, reduction="none"),
        torch.nn.functional.cross_entropy(logits, made, reduction="none"),
    )
    wanted = (each[0] * inside).mean() + 0.5 * (each[1] * (~inside & sure)).mean()
    assert torch.allclose(pasted_loss(loss, logits, truth, made, inside, sure), wanted)


def two_networks() -> tuple[torch.nn.Module, torch.nn.Module]:
    return tiny_model(1, continuous=True).train(), tiny_model(2, continuous=True).train()


def crossed(networks: tuple[torch.nn.Module, torch.nn.Module], batch: Batch, **changes: Any) -> LossTerms:
    objective = ObjectiveConfig(**({"target": "partner", "perturbation": "none", "confidence": 0.0} | changes))
    first, second = networks
    generator = torch.Generator().manual_seed(5)
    # Unmixed, so that the oracle knows the pixels.
    still = AugmentationConfig(cutmix=0.0)
    return training_step(
        first, Teacher(first, 0.99), batch, generator, objective=objective, augmentation=still, quantize=False, partner=second
    )


def numpy_cross_entropy(logits: Array, target: Array) -> float:
    """Mean over the pixels, with the softmax written out. logits (B, C, H, W), target (B, H, W)."""
    shifted = logits - logits.max(1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return float(-np.take_along_axis(log_probabilities, target[:, None], 1).mean())


def test_each_of_two_networks_learns_the_truth_and_the_other_s_hard_labels() -> None:
    networks, batch = two_networks(), batch_of()
    terms = crossed(networks, batch, dice=0.0)
    with torch.no_grad():
        on_truth, on_weak, on_strong = (
            [network(images).logits.double().numpy() for network in networks] for images in (batch.images, batch.weak, batch.strong)
        )
    supervised = sum(numpy_cross_entropy(logits, batch.labels.numpy()) for logits in on_truth)
    of_the_other = [logits.argmax(1) for logits in reversed(on_weak)]
    learnt = sum(numpy_cross_entropy(logits, labels) for logits, labels in zip(on_strong, of_the_other, strict=True))
    assert float(terms.segmentation) == pytest.approx(supervised, rel=1e-5)
    assert float(terms.unlabelled_segmentation) == pytest.approx(learnt, rel=1e-5)
    assert not np.array_equal(*of_the_other)


def test_a_network_s_labels_get_no_gradient_and_each_learns_as_it_would_beside_a_still_one() -> None:
    networks, batch = two_networks(), batch_of()
    crossed(networks, batch).unlabelled_segmentation.backward()
    together = [[parameter.grad for parameter in network.parameters()] for network in networks]
    for index in (0, 1):
        fresh = two_networks()
        fresh[1 - index].requires_grad_(False)
        crossed(fresh, batch).unlabelled_segmentation.backward()
        for parameter, gradient in zip(fresh[index].parameters(), together[index], strict=True):
            assert (parameter.grad is None) == (gradient is None)
            assert gradient is None or torch.equal(parameter.grad, gradient)


def test_without_unlabelled_images_two_networks_learn_the_truth_alone() -> None:
    terms = crossed(two_networks(), Batch(batch_of().images, batch_of().labels))
    assert float(terms.segmentation) > 0 == float(terms.unlabelled_segmentation)


@pytest.mark.parametrize(
    ("room", "changed", "said"),
    [
        ("model", ModelConfig(), "a run one codebook"),
        ("train", TrainConfig(initial="checkpoints/acdc-10"), r"leave train\.initial out"),
        ("data", DataConfig(pseudo_labels="labels"), r"leave data\.pseudo_labels out"),
    ],
)
def test_what_two_networks_cannot_share_is_refused(room: str, changed: Any, said: str) -> None:
    fitting = with_method(Config(), "cps")
    with pytest.raises((ConfigError, ValueError), match=said):
        replace(fitting, **{room: changed})


def test_settings_that_contradict_each_other_are_refused() -> None:
    for wrong in ({"target": "probabilities", "mixing": "copy-paste"}, {"mixing": "copy-paste", "feature_stream": True}):
        with pytest.raises((ConfigError, ValueError), match="target: labels"):
            ObjectiveConfig(**wrong)  # type: ignore[arg-type]
    with pytest.raises((ConfigError, ValueError), match="no alignment"):
        ObjectiveConfig(target="partner", alignment=5.0)
    assert {"ua-mt", "bcp", "unimatch-v2", "cps"} <= METHODS.keys()
