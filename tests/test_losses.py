"""Losses against NumPy, pixel by pixel, and the objective against its sum written out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from vqseg.config import ObjectiveConfig
from vqseg.losses.objective import Objective
from vqseg.losses.reconstruction import reconstruction_loss
from vqseg.losses.segmentation import confidence_mask, cross_entropy, mean_structure_dice, segmentation_loss, soft_dice_loss
from vqseg.types import LossTerms

CLASSES = 4


def case(seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """logits (2, 4, 5, 6), target and mask (2, 5, 6)."""
    g = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(2, CLASSES, 5, 6, generator=g)
    return logits, torch.randint(CLASSES, (2, 5, 6), generator=g), torch.rand(2, 5, 6, generator=g) < 0.6


def softmax(logits: Tensor) -> np.ndarray:
    e = np.exp(logits.double().numpy())
    return e / e.sum(1, keepdims=True)


@pytest.mark.parametrize("masked", [False, True])
def test_cross_entropy_is_the_mean_over_all_pixels(masked: bool) -> None:
    logits, target, mask = case()
    probabilities, total = softmax(logits), 0.0
    for b, y, x in np.ndindex(*target.shape):
        if not masked or mask[b, y, x]:
            total -= np.log(probabilities[b, target[b, y, x], y, x])
    assert float(cross_entropy(logits, target, mask if masked else None)) == pytest.approx(total / target.numel(), rel=1e-5)


@pytest.mark.parametrize("masked", [False, True])
def test_soft_dice_is_its_formula_over_the_structures(masked: bool) -> None:
    logits, target, mask = case()
    p, inside, scores = softmax(logits), mask.numpy() if masked else np.ones(mask.shape), []
    for label in range(1, CLASSES):
        truth = (target.numpy() == label) * inside
        chance = p[:, label] * inside
        scores.append((2 * (chance * truth).sum() + 1) / ((chance**2).sum() + (truth**2).sum() + 1))
    assert float(soft_dice_loss(logits, target, mask if masked else None)) == pytest.approx(1 - np.mean(scores), rel=1e-5)


def test_a_perfect_segmentation_costs_nothing_and_an_empty_mask_neither() -> None:
    _, target, mask = case()
    perfect = 50.0 * torch.nn.functional.one_hot(target, CLASSES).movedim(-1, 1)
    for none in (None, torch.zeros_like(mask)):
        assert float(segmentation_loss(perfect, target, dice=1.0, mask=none)) == pytest.approx(0, abs=1e-6)
    wrong = (target + 1) % CLASSES
    assert float(soft_dice_loss(perfect, wrong)) > 0.5
    assert float(segmentation_loss(perfect, wrong, dice=1.0, mask=torch.zeros_like(mask))) == 0.0


def test_pixels_outside_the_mask_have_no_gradient() -> None:
    logits, target, mask = case()
    logits.requires_grad_()
    segmentation_loss(logits, target, dice=1.0, mask=mask).backward()
    gradient = logits.grad.abs().sum(1)
    assert bool((gradient[~mask] == 0).all())
    assert bool((gradient[mask] > 0).all())


@pytest.mark.parametrize("weight", [0.0, 0.5, 2.0])
def test_segmentation_loss_adds_dice_by_its_weight(weight: float) -> None:
    logits, target, mask = case()
    expected = cross_entropy(logits, target, mask) + weight * soft_dice_loss(logits, target, mask)
    torch.testing.assert_close(segmentation_loss(logits, target, dice=weight, mask=mask), expected)


def test_losses_of_half_precision_logits_are_computed_in_float32() -> None:
    logits, target, _ = case()
    for loss in (cross_entropy, soft_dice_loss):
        half = loss(logits.bfloat16(), target)
        assert half.dtype == torch.float32
        torch.testing.assert_close(half, loss(logits.bfloat16().float(), target))


def test_reconstruction_loss_is_the_mean_absolute_difference() -> None:
    logits, *_ = case()
    image = torch.zeros_like(logits) + 0.25
    assert float(reconstruction_loss(logits, image)) == pytest.approx(np.abs(logits.numpy() - 0.25).mean(), rel=1e-6)


def test_confidence_is_the_largest_probability_at_the_threshold_or_above() -> None:
    probabilities = torch.tensor([[0.5, 0.25, 0.125], [0.3, 0.25, 0.75], [0.2, 0.5, 0.125]]).view(1, 3, 1, 3)
    assert confidence_mask(probabilities, threshold=0.5).tolist() == [[[True, True, True]]]
    assert confidence_mask(probabilities, threshold=0.51).tolist() == [[[False, False, True]]]
    assert confidence_mask(probabilities, threshold=0.0).all()


def test_structure_dice_of_the_log_leaves_the_background_out() -> None:
    target = torch.tensor([[[0, 1, 1, 2]]])
    prediction = torch.tensor([[[0, 1, 2, 2]]])
    # (2 x 1 + 1) / (1 + 2 + 1), (2 x 1 + 1) / (2 + 1 + 1), and an absent class counts as one.
    assert float(mean_structure_dice(prediction, target, 4)) == pytest.approx((0.75 + 0.75 + 1) / 3)
    assert float(mean_structure_dice(target, target, 4)) == 1.0


# The objective


def terms_of(values: list[float], **more: Any) -> LossTerms:
    return LossTerms(*(torch.tensor(value) for value in values), **more)


def test_the_objective_is_the_weighted_sum() -> None:
    config = ObjectiveConfig(reconstruction=0.3, quantizer=0.7, unlabelled=2.0, unlabelled_start=10, unlabelled_ramp=4)
    seg, rec, vq, useg, urec = 1.1, 0.6, 0.9, 2.3, 0.4
    for step, weight in ((0, 0.0), (9, 0.0), (10, 0.5), (11, 1.0), (12, 1.5), (13, 2.0), (14, 2.0), (10_000, 2.0)):
        assert Objective(config).unlabelled_weight(step) == pytest.approx(weight)
        expected = seg + 0.3 * rec + weight * (useg + 0.3 * urec) + 0.7 * vq
        assert float(Objective(config)(terms_of([seg, rec, vq, useg, urec]), step)) == pytest.approx(expected, rel=1e-6)


def test_a_weight_without_ramp_is_there_at_once_and_zero_stays_zero() -> None:
    assert Objective(ObjectiveConfig(unlabelled=0.5, unlabelled_start=3, unlabelled_ramp=0)).unlabelled_weight(3) == 0.5
    assert Objective(ObjectiveConfig(unlabelled=0.5, unlabelled_start=3, unlabelled_ramp=0)).unlabelled_weight(2) == 0.0
    assert Objective(ObjectiveConfig(unlabelled=0.0)).unlabelled_weight(10**6) == 0.0


def test_every_term_pulls_by_its_own_weight() -> None:
    values = [torch.tensor(1.0, requires_grad=True) for _ in range(5)]
    config = ObjectiveConfig(reconstruction=0.3, quantizer=0.7, unlabelled=2.0, unlabelled_start=0, unlabelled_ramp=0)
    Objective(config)(LossTerms(*values), 0).backward()
    assert [float(value.grad) for value in values] == pytest.approx([1.0, 0.3, 0.7, 2.0, 0.6])
