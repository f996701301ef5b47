"""All kinds of perturbation side by side: what is told of each is what the perturbation itself says."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from vqseg.codebook import kind_curves, kind_effects, kinds, radii
from vqseg.quantization.perturbation import PERTURBATIONS

STRENGTHS = (0.0, 0.25, 0.7, 1.0)
TEMPERATURE = 1.5


@pytest.fixture(scope="module")
def codewords() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)


@pytest.fixture(scope="module")
def usage() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 50, 40)


def test_the_kinds_are_those_of_the_registry_but_nothing() -> None:
    assert [kind.name for kind in kinds()] == [name for name, one in PERTURBATIONS.items() if one.compared]
    assert "none" not in {kind.name for kind in kinds()}
    assert {kind.name for kind in kinds() if kind.reaches} == {"resample"}


def test_each_effect_is_what_the_perturbation_itself_says(codewords: np.ndarray, usage: np.ndarray) -> None:
    table, counts = torch.from_numpy(codewords), torch.from_numpy(usage)
    for curve in kind_curves(codewords, usage, TEMPERATURE, STRENGTHS):
        one = PERTURBATIONS[curve.kind.name]
        expected = [one.effect(table, counts, strength, TEMPERATURE) for strength in STRENGTHS]
        np.testing.assert_allclose(curve.effect, expected, rtol=1e-9)
        np.testing.assert_array_equal(curve.effect, kind_effects(one.name, codewords, usage, TEMPERATURE, STRENGTHS))
        assert curve.effect[0] == 0 < curve.effect[1]


def test_radii_are_eq_6_for_the_qpm_eq_1_for_dropout_and_nothing_for_shuffling(codewords: np.ndarray, usage: np.ndarray) -> None:
    found = {curve.kind.name: curve.radius for curve in kind_curves(codewords, usage, TEMPERATURE, STRENGTHS)}
    expected = radii(codewords, TEMPERATURE, STRENGTHS)
    np.testing.assert_allclose(found["resample"], expected.perturbation)
    for name in ("dropout", "channel_dropout"):
        np.testing.assert_allclose(found[name], expected.dropout)
        assert found[name][-1] == math.inf
    np.testing.assert_array_equal(found["shuffle"], 0)


def test_where_swaps_go_anywhere_the_radius_is_nothing_and_the_effect_is_large(codewords: np.ndarray) -> None:
    even = np.ones(40)
    near, far = (kind_curves(codewords, even, temperature, [1.0])[0] for temperature in (0.05, 1e6))
    assert far.radius[0] < 1e-6 < near.radius[0]
    # Two variances, but for the codeword itself, which no swap takes.
    assert far.effect[0] == pytest.approx(2 * 40 / 39, rel=1e-4)
    assert near.effect[0] < far.effect[0]


def test_one_codeword_in_use_moves_infinitely_far_and_no_strength_moves_it_nowhere(codewords: np.ndarray) -> None:
    alone = np.eye(40)[3]
    np.testing.assert_array_equal(kind_effects("resample", codewords, alone, TEMPERATURE, [0.0, 0.5]), [0, math.inf])


def test_an_unknown_kind_is_refused_by_the_names_there_are(codewords: np.ndarray, usage: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"the kinds that are compared are resample, .*, got 'none'"):
        kind_effects("none", codewords, usage, TEMPERATURE, STRENGTHS)
