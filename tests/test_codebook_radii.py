"""The curves of the two radii against the paper's sums written out in NumPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vqseg.codebook import radii
from vqseg.quantization.perturbation import adaptive_temperature, distance_range, perturbation_radii, perturbation_radius

STRENGTHS = (0.0, 0.1, 0.5, 0.7, 0.9, 1.0)


def by_hand(codewords: np.ndarray, temperature: float, strength: float) -> float:
    """Eq. 4-6 as they stand: a K x K matrix of pi, its column sums under the uniform prior, and KL(P || Q)."""
    codewords = codewords.astype(np.float64)
    size = len(codewords)
    distance = ((codewords[:, None] - codewords[None]) ** 2).sum(-1) / temperature
    weights = np.exp(-distance)
    np.fill_diagonal(weights, 0)
    pi = strength * weights / weights.sum(1, keepdims=True)
    np.fill_diagonal(pi, 1 - strength)
    q = pi.sum(0) / size
    return float(np.sum(1 / size * (math.log(1 / size) - np.log(q))))


@pytest.fixture(scope="module")
def codewords() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)


@pytest.mark.parametrize("temperature", [1.0, 3.5, "adaptive"])
def test_both_curves_are_the_papers_sums(codewords: np.ndarray, temperature: float) -> None:
    found = radii(codewords, temperature, STRENGTHS)
    scale = adaptive_temperature(torch.from_numpy(codewords)) if temperature == "adaptive" else temperature
    assert found.temperature == pytest.approx(scale)
    np.testing.assert_allclose(found.perturbation, [by_hand(codewords, scale, one) for one in STRENGTHS], rtol=1e-5, atol=1e-9)
    expected = [0.5 * (p / (1 - p) + math.log(1 - p)) for p in STRENGTHS[:-1]]
    np.testing.assert_allclose(found.dropout[:-1], expected, rtol=1e-12)
    assert found.dropout[-1] == math.inf


def test_the_range_of_distances_is_that_of_all_pairs(codewords: np.ndarray) -> None:
    distance = ((codewords[:, None].astype(float) - codewords[None]) ** 2).sum(-1)
    off = distance[~np.eye(40, dtype=bool)]
    low, high = distance_range(torch.from_numpy(codewords), 2.0)
    assert low == pytest.approx(off.min() / 2, rel=1e-6)
    assert high == pytest.approx(off.max() / 2, rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), size=st.integers(2, 12), scale=st.floats(0.01, 3), temperature=st.floats(0.2, 5))
def test_the_radius_lies_within_the_bounds_of_appendix_b(seed: int, size: int, scale: float, temperature: float) -> None:
    codewords = (scale * np.random.default_rng(seed).normal(size=(size, 3))).astype(np.float32)
    found = radii(codewords, temperature, STRENGTHS)
    assert (found.lower <= found.perturbation + 1e-9).all()
    assert (found.perturbation <= found.upper + 1e-9).all()
    assert np.isfinite(found.upper).all()
    # The bound at full strength is the width of the distances, and at none both are nothing.
    assert found.upper[-1] == pytest.approx(found.farthest - found.nearest)
    assert found.upper[0] == found.perturbation[0] == 0


def test_equally_far_codewords_are_bounded_to_the_point() -> None:
    # Unit vectors: every distance is 2, so that Q is P and both bounds meet at 0.
    found = radii(np.eye(7, dtype=np.float32), 1.0, STRENGTHS)
    np.testing.assert_allclose(found.upper, 0, atol=1e-6)
    np.testing.assert_allclose(found.perturbation, 0, atol=1e-6)


def test_many_strengths_at_once_are_those_one_by_one(codewords: np.ndarray) -> None:
    table = torch.from_numpy(codewords)
    assert perturbation_radii(table, STRENGTHS, 1.5) == [perturbation_radius(table, one, 1.5) for one in STRENGTHS]


def test_a_strength_outside_its_range_is_refused(codewords: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"strength must lie in \[0, 1\], got 1.1"):
        radii(codewords, 1.0, [0.5, 1.1])
