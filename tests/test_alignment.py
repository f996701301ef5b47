"""PFA, patch-wise InfoNCE and the usage loss: against NumPy, their bounds, and where their gradients go."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from vqseg.losses.alignment import patch_infonce
from vqseg.losses.usage import usage_loss
from vqseg.models.adapter import PostVQAdapter


def infonce_oracle(adapted: np.ndarray, target: np.ndarray, tau: float) -> float:
    """Eq. 11 read literally: loops over images and patches."""
    images = []
    for ours, theirs in zip(adapted, target, strict=True):
        a, b = ours.reshape(len(ours), -1).T, theirs.reshape(len(theirs), -1).T
        terms = []
        for i in range(len(a)):
            similar = [a[i] @ b[j] / (np.linalg.norm(a[i]) * np.linalg.norm(b[j])) / tau for j in range(len(b))]
            terms.append(np.log(np.exp(similar[i]) / np.sum(np.exp(similar))))
        images.append(-np.mean(terms))
    return float(np.mean(images))


@pytest.mark.parametrize("tau", [0.07, 0.5, 2.0])
def test_infonce_is_equation_11(tau: float) -> None:
    rng = np.random.default_rng(0)
    adapted, target = rng.normal(size=(2, 3, 5, 4, 3))
    ours = patch_infonce(torch.tensor(adapted), torch.tensor(target), temperature=tau)
    assert float(ours) == pytest.approx(infonce_oracle(adapted, target, tau), rel=1e-5)


def test_infonce_falls_when_every_patch_meets_its_own_feature() -> None:
    target = torch.randn(2, 32, 4, 4, generator=torch.Generator().manual_seed(0))
    assert patch_infonce(3 * target, target, temperature=0.07) < 0.01
    assert patch_infonce(target.roll(1, -1), target, temperature=0.07) > math.log(16)


def test_centred_targets_lose_what_all_patches_of_an_image_share() -> None:
    rng = np.random.default_rng(2)
    adapted, target = rng.normal(size=(2, 3, 5, 4, 3))
    shared = rng.normal(size=(3, 5, 1, 1))
    ours = [
        float(patch_infonce(torch.tensor(adapted), torch.tensor(target + shift), temperature=0.5, centred=True))
        for shift in (0, 9 * shared)
    ]
    assert ours[0] == pytest.approx(ours[1], rel=1e-5)
    assert ours[0] == pytest.approx(infonce_oracle(adapted, target - target.mean((2, 3), keepdims=True), 0.5), rel=1e-5)
    # A large common part hides which patch is which.
    assert float(patch_infonce(torch.tensor(target), torch.tensor(target + 9 * shared), temperature=0.07)) > 1
    assert float(patch_infonce(torch.tensor(target), torch.tensor(target + 9 * shared), temperature=0.07, centred=True)) < 1


def test_infonce_refuses_features_on_two_grids() -> None:
    with pytest.raises(ValueError, match="one shape"):
        patch_infonce(torch.zeros(1, 4, 2, 2), torch.zeros(1, 4, 3, 2), temperature=1.0)


def test_adapter_brings_features_onto_the_foundation_models_grid() -> None:
    features = torch.randn(2, 8, 16, 16, requires_grad=True)
    adapted = PostVQAdapter(8, 12)(features, (7, 7))
    assert adapted.shape == (2, 12, 7, 7)
    adapted.square().sum().backward()
    assert features.grad is not None
    assert bool((features.grad != 0).any(1).all())


def usage_oracle(z: np.ndarray, codewords: np.ndarray) -> float:
    distances = ((z[:, None] - codewords[None]) ** 2).sum(-1)
    q = np.exp(-distances) / np.exp(-distances).sum(1, keepdims=True)
    mean = q.mean(0)
    return float(-(q * np.log(q)).sum(1).mean() + (mean * np.log(mean)).sum())


def test_usage_loss_is_mean_entropy_minus_entropy_of_the_mean() -> None:
    rng = np.random.default_rng(1)
    z, codewords = rng.normal(size=(2, 4, 3, 5)), rng.normal(size=(7, 4))
    ours = usage_loss(torch.tensor(z), torch.tensor(codewords), generator=torch.Generator().manual_seed(0))
    assert float(ours) == pytest.approx(usage_oracle(z.transpose(0, 2, 3, 1).reshape(-1, 4), codewords), abs=1e-5)


def test_usage_loss_is_minus_log_k_when_sure_and_even_and_zero_when_all_tokens_agree() -> None:
    codewords = 20 * torch.eye(6)
    even = codewords.T[None, :, :, None]
    generator = torch.Generator().manual_seed(0)
    assert float(usage_loss(even, codewords, generator=generator)) == pytest.approx(-math.log(6), abs=1e-5)
    assert float(usage_loss(even[:, :, :1], codewords, generator=generator)) == pytest.approx(0, abs=1e-5)


def test_usage_loss_reads_no_more_tokens_than_asked_for() -> None:
    z, codewords = torch.randn(1, 4, 8, 8, requires_grad=True), torch.randn(5, 4)
    usage_loss(z, codewords, generator=torch.Generator().manual_seed(0), tokens=10).backward()
    assert z.grad is not None
    assert int((z.grad != 0).any(1).sum()) == 10
