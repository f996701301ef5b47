"""Against a double loop over Eq. 4 to 6, chi-square tests of what is drawn, and the bounds of the paper's appendix."""

from __future__ import annotations

import itertools
import math
import os
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats
from torch import Tensor

from vqseg.quantization.perturbation import (
    QuantizedPerturbation,
    adaptive_temperature,
    coarse,
    dropout_radius,
    perturbation_radius,
    perturbed_marginal,
    squared_distances,
    transition_probabilities,
)
from vqseg.quantization.perturbation import radius as radius_module
from vqseg.quantization.perturbation import resample as resample_module
from vqseg.quantization.perturbation.coarse import RowDraws
from vqseg.quantization.perturbation.search import cut
from vqseg.quantization.perturbation.transitions import CodewordDistances

GRID = (3, 16, 16)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=generator(seed))


def grid_of(codes: int, shape: tuple[int, ...] = GRID, seed: int = 0) -> Tensor:
    return torch.randint(codes, shape, generator=generator(seed))


def transitions_by_loop(codewords: np.ndarray, strength: float, temperature: float = 1.0) -> np.ndarray:
    """Eq. 4 as it stands in the paper."""
    size = len(codewords)
    pi = np.zeros((size, size))
    for i in range(size):
        distance = [float(((codewords[i] - codewords[k]) ** 2).sum()) / temperature for k in range(size)]
        z = sum(math.exp(-distance[k]) for k in range(size) if k != i)
        for j in range(size):
            pi[i, j] = 1 - strength if j == i else strength * math.exp(-distance[j]) / z
    return pi


# Transition probabilities


@pytest.mark.parametrize("strength", [0.0, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("temperature", [1.0, 0.3, 5.0])
def test_transitions_equal_the_papers_formula(strength: float, temperature: float) -> None:
    codewords = normal(12, 3)
    expected = transitions_by_loop(codewords.double().numpy(), strength, temperature)
    np.testing.assert_allclose(transition_probabilities(codewords, strength, temperature=temperature), expected, atol=1e-6)
    rows = torch.tensor([7, 0, 7])
    np.testing.assert_allclose(transition_probabilities(codewords, strength, rows, temperature), expected[rows], atol=1e-6)


@settings(max_examples=50, deadline=None)
@given(
    size=st.integers(2, 40),
    dim=st.integers(1, 8),
    scale=st.sampled_from([1e-6, 1.0, 1e3]),
    strength=st.floats(0, 1),
    seed=st.integers(0, 99),
)
def test_rows_are_distributions(size: int, dim: int, scale: float, strength: float, seed: int) -> None:
    pi = transition_probabilities(scale * normal(size, dim, seed=seed), strength)
    assert bool((pi >= 0).all())
    torch.testing.assert_close(pi.sum(1), torch.ones(size), atol=1e-5, rtol=0)
    torch.testing.assert_close(pi.diagonal(), torch.full((size,), 1 - strength), atol=1e-6, rtol=0)


def test_worked_example_of_figure_3() -> None:
    # Codewords on three axes around c_1, at squared distances whose exponentials are as 0.49 : 0.14 : 0.07.
    weights = np.array([0.49, 0.14, 0.07]) / 0.7
    codewords = torch.zeros(4, 3, dtype=torch.float64)
    for axis, weight in enumerate(weights):
        codewords[axis + 1, axis] = math.sqrt(-math.log(weight))
    row = transition_probabilities(codewords, 0.7, torch.tensor([0]))[0]
    np.testing.assert_allclose(row, [0.30, 0.49, 0.14, 0.07], atol=1e-12)
    assert int(row[1:].argmax()) == int((codewords[1:] - codewords[0]).square().sum(1).argmin())


def test_a_nearer_codeword_is_likelier() -> None:
    codewords = normal(30, 4)
    pi = transition_probabilities(codewords, 1.0, torch.tensor([5]))[0]
    distances = torch.cdist(codewords[5:6], codewords)[0]
    others = torch.arange(30) != 5
    assert torch.equal(pi[others].argsort(descending=True), distances[others].argsort())


def test_a_common_offset_changes_nothing() -> None:
    codewords = normal(20, 4)
    torch.testing.assert_close(transition_probabilities(codewords + 500, 0.7), transition_probabilities(codewords, 0.7), atol=2e-3, rtol=0)


# Sampling


@pytest.mark.parametrize("mode", ["resample", "shuffle"])
def test_zero_strength_leaves_indices_unchanged(mode: str) -> None:
    indices = grid_of(50)
    result = QuantizedPerturbation(mode)(indices, normal(50, 8), 0.0, generator())
    assert torch.equal(result, indices)
    assert result.data_ptr() != indices.data_ptr()


@pytest.mark.parametrize("scale", [1e-3, 1.0, 100.0])
def test_full_strength_leaves_no_token_in_place(scale: float) -> None:
    for seed in range(5):
        indices = grid_of(50, seed=seed)
        result = QuantizedPerturbation()(indices, scale * normal(50, 8, seed=seed), 1.0, generator(seed))
        assert not bool((result == indices).any())
        assert int(result.min()) >= 0
        assert int(result.max()) < 50


def test_two_codewords_swap_at_full_strength() -> None:
    indices = grid_of(2)
    assert torch.equal(QuantizedPerturbation()(indices, normal(2, 3), 1.0, generator()), 1 - indices)


@pytest.mark.parametrize("strength", [0.2, 0.7, 1.0])
def test_shuffle_keeps_the_histogram_of_each_image(strength: float) -> None:
    indices = grid_of(20) + torch.tensor([0, 20, 40])[:, None, None]
    result = QuantizedPerturbation("shuffle")(indices, normal(60, 4), strength, generator())
    assert not torch.equal(result, indices)
    assert torch.equal(result.flatten(1).sort(1).values, indices.flatten(1).sort(1).values)


def test_shuffle_moves_the_share_that_was_asked_for() -> None:
    # All codes differ, so a moved token shows.
    indices = torch.arange(64 * 64).view(1, 64, 64)
    for strength in (0.1, 0.5, 1.0):
        moved = QuantizedPerturbation("shuffle")(indices, normal(64 * 64, 2), strength, generator()) != indices
        assert float(moved.float().mean()) == pytest.approx(strength, abs=0.03)


def test_replacements_only_add_up_as_strength_grows() -> None:
    perturb, indices, codewords = QuantizedPerturbation(), grid_of(50), normal(50, 8)
    replaced, results = [], []
    for strength in (0.0, 0.05, 0.3, 0.31, 0.7, 1.0):
        results.append(perturb(indices, codewords, strength, generator(3)))
        replaced.append(results[-1] != indices)
    for smaller, larger, before, after in zip(replaced, replaced[1:], results, results[1:], strict=False):
        assert bool((larger | ~smaller).all())
        assert torch.equal(before[smaller], after[smaller])
    assert [int(one.sum()) for one in replaced] == sorted({int(one.sum()) for one in replaced})


def test_a_draw_ahead_holds_every_strength() -> None:
    perturb, indices, codewords = QuantizedPerturbation(), grid_of(50), normal(50, 8)
    thresholds, replacements = perturb.draw(indices, codewords, generator(3))
    assert thresholds.shape == replacements.shape == GRID
    for strength in (0.0, 0.2, 0.7, 1.0):
        expected = perturb(indices, codewords, strength, generator(3))
        assert torch.equal(torch.where(thresholds < strength, replacements, indices), expected)
    with pytest.raises(ValueError, match='mode "shuffle" cannot be drawn ahead of the strength'):
        QuantizedPerturbation("shuffle").draw(indices, codewords, generator())


@pytest.mark.parametrize("temperature", [1.0, "adaptive"])
@pytest.mark.parametrize("strength", [0.05, 0.7, 1.0])
def test_an_accelerator_draws_what_the_cpu_draws(strength: float, temperature: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    perturb, indices, codewords = QuantizedPerturbation("resample", temperature), grid_of(50), normal(50, 8)
    shared = perturb(indices, codewords, strength, generator(3))
    assert not torch.equal(shared, indices)
    # In several blocks of rows, the last one not full.
    monkeypatch.setattr(resample_module, "_BLOCK", 50 * 100)
    monkeypatch.setattr(resample_module, "_with_shared_rows", resample_module._with_own_rows)
    assert torch.equal(perturb(indices, codewords, strength, generator(3)), shared)


@pytest.mark.parametrize("strength", [0.004, 0.3, 1.0])
def test_each_shuffled_place_takes_the_index_of_the_one_before_it_in_a_random_order(strength: float) -> None:
    indices = torch.arange(2 * 12 * 10).view(2, 12, 10)
    uniform = torch.rand(2, indices.numel(), generator=generator(3))
    expected = indices.flatten(1).clone()
    for image, (chance, order) in enumerate(zip(uniform[0].view(2, -1), uniform[1].view(2, -1).argsort(1), strict=True)):
        places = [int(place) for place in order if chance[place] < strength]
        for place, before in zip(places, places[-1:] + places[:-1], strict=True):
            expected[image, place] = indices.flatten(1)[image, before]
    result = QuantizedPerturbation("shuffle")(indices, normal(240, 2), strength, generator(3))
    assert torch.equal(result, expected.view_as(indices))


def test_shuffled_positions_only_add_up_as_strength_grows() -> None:
    perturb, indices = QuantizedPerturbation("shuffle"), torch.arange(400).view(1, 20, 20)
    moved = [perturb(indices, normal(400, 2), strength, generator(3)) != indices for strength in (0.1, 0.4, 0.9, 1.0)]
    for smaller, larger in itertools.pairwise(moved):
        assert bool((larger | ~smaller).all())


@pytest.mark.parametrize("strength", [0.35, 1.0])
@pytest.mark.parametrize("temperature", [1.0, "adaptive"])
def test_drawn_transitions_follow_the_probabilities(strength: float, temperature: float | str) -> None:
    codewords, size, tokens = 0.5 * normal(8, 3, seed=2), 8, 20_000
    indices = torch.arange(size).repeat_interleave(tokens)[None]
    result = QuantizedPerturbation(temperature=temperature)(indices, codewords, strength, generator(11))
    pi = transition_probabilities(codewords, strength, temperature=temperature).double().numpy()
    for code in range(size):
        seen = np.bincount(result[indices == code].numpy(), minlength=size)
        assert seen[pi[code] == 0].sum() == 0
        expected = pi[code] / pi[code].sum() * tokens
        # The test needs five expected draws a bin: rarer codes count with the rarest of the others.
        rare, rarest = expected < 5, np.where(expected >= 5, expected, np.inf).argmin()
        for counts in (seen, expected):
            counts[rarest] += counts[rare].sum()
        # The seed is fixed: this either holds or does not. 32 rows are tested, hence the small level.
        assert stats.chisquare(seen[~rare], expected[~rare]).pvalue > 1e-3


def test_drawn_transitions_are_right_in_blocks_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    indices, codewords = grid_of(50), normal(50, 8)
    whole = QuantizedPerturbation()(indices, codewords, 0.8, generator(5))
    monkeypatch.setattr(resample_module, "_FEWEST_ROWS", 1)
    for elements in (50 * 7, 1):
        monkeypatch.setattr(resample_module, "_BLOCK_ON_CPU", elements)
        assert torch.equal(QuantizedPerturbation()(indices, codewords, 0.8, generator(5)), whole)


def running_sums(codewords: Tensor, rows: Tensor, scale: float) -> Tensor:
    """Running sums of exp(-d / scale) along whole rows: what a draw inverts."""
    distances = squared_distances(rows, codewords)
    exponents = distances.sub(distances.amin(1, keepdim=True)).div(torch.tensor(-scale)).clamp(min=-80)
    return exponents.exp().scatter(1, rows[:, None], 0).cumsum(1)


@given(size=st.integers(2, 300), dim=st.integers(1, 9), scale=st.sampled_from([1e-4, 0.01, 0.3, 2.0, 100.0, 1e6]), seed=st.integers(0, 99))
@example(size=256, dim=4, scale=0.3, seed=0)
@example(size=65, dim=4, scale=1e6, seed=0)
@settings(max_examples=60, deadline=None)
def test_draws_from_blocks_are_those_of_the_running_sum(size: int, dim: int, scale: float, seed: int) -> None:
    random = generator(seed)
    codewords = torch.randn(size, dim, generator=random)
    # Some codewords on one spot, whose distance is rounding alone.
    codewords[: size // 4] = codewords[0].clone()
    rows = torch.randint(size, (40,), generator=random).unique()
    owner = torch.arange(len(rows)).repeat_interleave(9)
    sums = running_sums(codewords, rows, scale)
    # Most of the numbers lie on a boundary or beside it, where rounding decides.
    place = torch.randint(size, (len(owner),), generator=random)
    uniform = (sums[owner, place] / sums[owner, -1]).clamp(max=1 - 2**-24)
    uniform[::3] = torch.nextafter(uniform[::3], torch.tensor(0.0)).clamp(min=0)
    uniform[1::9], uniform[2::9], uniform[5::9] = 0.0, 1 - 2**-24, torch.rand(len(rows), generator=random)
    expected = torch.searchsorted(sums[owner], cut(uniform, sums[owner, -1])[:, None], right=True).squeeze(1)
    drawn = RowDraws(CodewordDistances(codewords), torch.tensor(scale), len(rows)).draw(rows, owner, uniform)
    assert torch.equal(drawn, expected)
    assert bool((drawn != rows[owner]).all())


def test_a_number_beside_a_boundary_is_drawn_from_the_whole_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the margin the draw above would go wrong: its numbers are hard enough."""
    codewords, rows = normal(1000, 4), torch.arange(100)
    sums, owner = running_sums(codewords, rows, 1.0), torch.arange(100).repeat_interleave(50)
    place = torch.randint(1000, (len(owner),), generator=generator())
    uniform = (sums[owner, place] / sums[owner, -1]).clamp(max=1 - 2**-24)
    expected = torch.searchsorted(sums[owner], cut(uniform, sums[owner, -1])[:, None], right=True).squeeze(1)
    draws = RowDraws(CodewordDistances(codewords), torch.tensor(1.0), 100)
    assert torch.equal(draws.draw(rows, owner, uniform), expected)
    monkeypatch.setattr(coarse, "_MARGIN", -1.0)
    assert not torch.equal(draws.draw(rows, owner, uniform), expected)


def test_draws_do_not_depend_on_whose_exponential_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    indices, codewords = torch.randint(300, (2, 30, 30), generator=generator()), normal(300, 8)
    one = QuantizedPerturbation()(indices, codewords, 0.8, generator(5))
    monkeypatch.setattr(coarse, "_THREADS_FOR_NUMPY", 0)
    assert torch.equal(QuantizedPerturbation()(indices, codewords, 0.8, generator(5)), one)


def test_the_ends_of_the_random_numbers_never_draw_the_code_itself() -> None:
    # They come up once in sixteen million tokens: too rarely for a test that draws.
    codewords, rows = normal(50, 8), torch.arange(50)
    for end in (0.0, 1 - 2**-24):
        drawn = RowDraws(CodewordDistances(codewords), torch.tensor(1.0), 50).draw(rows, rows, torch.full((50,), end))
        assert not bool((drawn == rows).any())
        assert 0 <= int(drawn.min()) <= int(drawn.max()) < 50


def test_a_strength_that_reaches_no_token_is_no_error() -> None:
    indices = grid_of(5, (1, 2, 2))
    assert torch.equal(QuantizedPerturbation()(indices, normal(5, 3), 1e-7, generator()), indices)


def test_no_tokens_is_no_error() -> None:
    empty = torch.empty(0, 4, 4, dtype=torch.int64)
    for mode in ("resample", "shuffle"):
        assert QuantizedPerturbation(mode)(empty, normal(5, 3), 0.7, generator()).shape == (0, 4, 4)


@pytest.mark.parametrize("mode", ["resample", "shuffle"])
def test_the_same_generator_repeats_and_another_differs(mode: str) -> None:
    perturb, indices, codewords = QuantizedPerturbation(mode), grid_of(50), normal(50, 8)
    first, again, other = (perturb(indices, codewords, 0.7, generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    torch.manual_seed(4)
    state = torch.get_rng_state()
    perturb(indices, codewords, 0.7, generator(1))
    assert torch.equal(torch.get_rng_state(), state)


def test_without_a_generator_the_global_one_is_used() -> None:
    indices, codewords, results = grid_of(50), normal(50, 8), []
    for _ in range(2):
        torch.manual_seed(4)
        results.append(QuantizedPerturbation()(indices, codewords, 0.7))
    assert torch.equal(*results)


def test_the_first_axis_is_the_image() -> None:
    perturb, indices = QuantizedPerturbation("shuffle"), torch.arange(36).view(4, 3, 3)
    result = perturb(indices, normal(36, 2), 1.0, generator())
    assert bool((result // 9 == indices // 9).all())
    # A single axis is one image.
    assert perturb(indices.flatten(), normal(36, 2), 1.0, generator()).shape == (36,)


def test_the_shape_does_not_matter_to_resampling() -> None:
    indices, codewords = grid_of(50), normal(50, 8)
    results = [QuantizedPerturbation()(indices.view(shape), codewords, 0.7, generator()) for shape in (GRID, (48, 16), (768,))]
    assert all(torch.equal(result.flatten(), results[0].flatten()) for result in results)


def test_the_input_is_not_written_to() -> None:
    indices, codewords = grid_of(50), normal(50, 8)
    copies = indices.clone(), codewords.clone()
    for mode in ("resample", "shuffle"):
        QuantizedPerturbation(mode)(indices, codewords, 1.0, generator())
    transition_probabilities(codewords, 0.5)
    perturbed_marginal(codewords, 0.5)
    assert torch.equal(indices, copies[0])
    assert torch.equal(codewords, copies[1])


def test_no_gradient_reaches_the_codewords() -> None:
    codewords = normal(50, 8).requires_grad_()
    assert not QuantizedPerturbation()(grid_of(50), codewords, 0.7, generator()).requires_grad


# The marginal and its radius


@pytest.mark.parametrize("strength", [0.0, 0.4, 1.0])
def test_marginal_and_radius_equal_those_of_the_whole_matrix(strength: float, monkeypatch: pytest.MonkeyPatch) -> None:
    codewords = normal(23, 3)
    q = transitions_by_loop(codewords.double().numpy(), strength).mean(0)
    for block in (1 << 24, 23 * 4):
        monkeypatch.setattr(radius_module, "_BLOCK", block)
        marginal = perturbed_marginal(codewords, strength)
        np.testing.assert_allclose(marginal, q, rtol=1e-6)
        assert float(marginal.sum()) == pytest.approx(1, abs=1e-9)
        expected = float(np.mean(np.log(1 / 23 / q)))
        assert perturbation_radius(codewords, strength) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("scale", [0.0, 1e-12, 1e-4, 1.0, 30.0, 1e4, 1e8])
def test_radius_is_finite_and_not_negative_at_any_scale(scale: float) -> None:
    codewords = scale * normal(30, 4)
    assert perturbation_radius(codewords, 0.0) == 0.0
    for strength in (1e-6, 0.5, 0.999, 1.0):
        for temperature in (1.0, "adaptive"):
            radius = perturbation_radius(codewords, strength, temperature)
            assert math.isfinite(radius)
            assert radius >= 0
            assert float(perturbed_marginal(codewords, strength, temperature).sum()) == pytest.approx(1, abs=1e-9)


def test_radius_grows_with_strength() -> None:
    radii = [perturbation_radius(2 * normal(30, 4), strength) for strength in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert radii == sorted(radii)
    assert radii[0] < radii[1] < radii[-1]


def test_equidistant_codewords_are_not_moved_by_the_marginal() -> None:
    # A simplex: Q is uniform whatever the strength, so the radius is zero.
    assert perturbation_radius(torch.eye(6), 0.8) == pytest.approx(0, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(size=st.integers(3, 30), seed=st.integers(0, 999), scale=st.floats(0.1, 2.0))
def test_off_diagonal_terms_keep_the_bounds_of_appendix_b(size: int, seed: int, scale: float) -> None:
    codewords = scale * normal(size, 3, seed=seed).double()
    distances = torch.cdist(codewords, codewords).square()
    apart = ~torch.eye(size, dtype=torch.bool)
    low, high = float(distances[apart].min()), float(distances[apart].max())
    terms = transition_probabilities(codewords, 1.0)[apart]
    assert float(terms.min()) >= math.exp(-high) / ((size - 1) * math.exp(-low)) * (1 - 1e-9)
    assert float(terms.max()) <= math.exp(-low) / ((size - 1) * math.exp(-high)) * (1 + 1e-9)


def test_dropout_radius_is_its_formula_and_diverges() -> None:
    assert dropout_radius(0.0) == 0.0
    # KL(N(0, s^2) || N(0, (1 - p) s^2)) by numerical integration.
    x = np.linspace(-12, 12, 200_001)
    for rate in (0.1, 0.5, 0.7, 0.9):
        p, q = stats.norm.pdf(x), stats.norm.logpdf(x, scale=math.sqrt(1 - rate))
        assert dropout_radius(rate) == pytest.approx(float(np.trapezoid(p * (stats.norm.logpdf(x) - q), x)), rel=1e-6)
    assert dropout_radius(1 - 1e-9) > 1e8
    assert dropout_radius(1.0) == math.inf


# Temperature


@pytest.mark.parametrize("scale", [1e-3, 0.1, 40.0])
def test_adaptive_temperature_makes_the_codebooks_scale_irrelevant(scale: float) -> None:
    codewords = normal(40, 6)
    torch.testing.assert_close(
        transition_probabilities(scale * codewords, 0.7, temperature="adaptive"),
        transition_probabilities(codewords, 0.7, temperature="adaptive"),
        atol=1e-4,
        rtol=0,
    )
    assert perturbation_radius(scale * codewords, 0.7, "adaptive") == pytest.approx(
        perturbation_radius(codewords, 0.7, "adaptive"), rel=1e-3
    )
    assert perturbation_radius(scale * codewords, 0.7) != pytest.approx(perturbation_radius(codewords, 0.7), rel=1e-3)


def test_adaptive_temperature_is_the_median_squared_distance_to_the_nearest() -> None:
    codewords = normal(41, 6)
    distances = torch.cdist(codewords.double(), codewords.double()).square().fill_diagonal_(math.inf)
    assert adaptive_temperature(codewords) == pytest.approx(float(distances.amin(1).median()), rel=1e-4)
    assert adaptive_temperature(torch.ones(5, 3)) > 0


# Errors


@pytest.mark.parametrize("strength", [-0.1, 1.1, math.nan])
def test_a_strength_outside_its_range_is_refused(strength: float) -> None:
    codewords = normal(5, 3)
    calls = [
        lambda: QuantizedPerturbation()(grid_of(5), codewords, strength),
        lambda: transition_probabilities(codewords, strength),
        lambda: perturbed_marginal(codewords, strength),
        lambda: perturbation_radius(codewords, strength),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=rf"strength must lie in \[0, 1\], got {strength}"):
            call()
    with pytest.raises(ValueError, match=rf"rate must lie in \[0, 1\], got {strength}"):
        dropout_radius(strength)


@pytest.mark.parametrize("shape", [(1, 3), (5,), (2, 2, 2)])
def test_what_is_no_codebook_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=rf"got \({', '.join(map(str, shape))},?\)"):
        transition_probabilities(torch.zeros(shape), 0.5)


def test_unknown_mode_and_temperature_are_refused() -> None:
    with pytest.raises(ValueError, match="got 'swap'"):
        QuantizedPerturbation("swap")  # type: ignore[arg-type]
    for temperature in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match=f"got {temperature}"):
            QuantizedPerturbation(temperature=temperature)
        with pytest.raises(ValueError, match=f"got {temperature}"):
            transition_probabilities(normal(3, 2), 0.5, temperature=temperature)


# Size and speed

_LARGE = """
import torch
from vqseg.quantization.perturbation import QuantizedPerturbation, transition_probabilities
from vqseg.quantization.quantizer import VectorQuantizer
torch.set_num_threads(1)
quantizer = VectorQuantizer(65536, 16).eval()
with torch.no_grad():
    indices = quantizer(torch.randn(1, 16, 16, 16)).indices
    codewords = quantizer.codewords()
    moved = QuantizedPerturbation(temperature="adaptive")(indices, codewords, 1.0, torch.Generator().manual_seed(0))
    rows = transition_probabilities(codewords, 0.7, indices.flatten())
assert not (moved == indices).any() and rows.shape == (256, 65536)
# Not getrusage: what it gives starts at the size of the process that this one was forked from.
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="the largest size of a process is read from Linux's /proc")
def test_65536_codewords_fit_into_two_gibibytes() -> None:
    # One K x K matrix alone would be 16 GiB.
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", _LARGE], env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) * 1024 < 2 * 2**30


def test_a_large_codebook_is_perturbed_in_well_under_a_second() -> None:
    # The aim is 0.6 s on two free cores (a loop over the distinct codes takes 66 s). The test machine may be busy with other work,
    # so that the clock on the wall tells little: 1.2 s of processor time are counted, the best of three.
    indices, codewords = grid_of(16384, (8, 16, 16)), normal(16384, 384)
    seconds = []
    for _ in range(3):
        start = time.process_time()
        QuantizedPerturbation()(indices, codewords, 0.7, generator())
        seconds.append(time.process_time() - start)
    assert min(seconds) < 1.2
