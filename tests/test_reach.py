"""Reach and effect, against NumPy written from their definitions."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tiny import tiny_model
from vqseg.cli.parsing import config_parser, read_config
from vqseg.config import Config, ConfigError, from_mapping, to_mapping
from vqseg.inference import Segmenter
from vqseg.inference.reaches import Reaches
from vqseg.quantization.perturbation import (
    PERTURBATIONS,
    RESAMPLE,
    HeldTemperature,
    Neighbourhood,
    ReachScale,
    adaptive_temperature,
    effective_candidates,
    perturbation_effect,
    reach_of_temperature,
    temperature_for_reach,
    transition_probabilities,
)


def codebook(size: int, dim: int = 4, seed: int = 0, scale: float = 1.0) -> torch.Tensor:
    return scale * torch.randn(size, dim, generator=torch.Generator().manual_seed(seed))


def reach_by_hand(codewords: np.ndarray, temperature: float, usage: np.ndarray | None = None) -> float:
    weights = np.ones(len(codewords)) if usage is None else usage
    found = []
    for i, own in enumerate(codewords):
        logits = -((codewords - own) ** 2).sum(1) / temperature
        logits[i] = -np.inf
        likely = np.exp(logits - logits.max())
        likely /= likely.sum()
        likely = likely[likely > 0]
        found.append(np.exp(-(likely * np.log(likely)).sum()))
    return float((weights * found).sum() / weights.sum())


def effect_by_hand(codewords: np.ndarray, usage: np.ndarray, strength: float, temperature: float) -> float:
    usage = usage / usage.sum()
    distances = ((codewords[:, None] - codewords[None]) ** 2).sum(-1)
    likely = np.exp(-(distances - np.where(np.eye(len(codewords)), np.inf, distances).min(1)[:, None]) / temperature)
    np.fill_diagonal(likely, 0)
    likely /= likely.sum(1, keepdims=True)
    spread = (usage * ((codewords - usage @ codewords) ** 2).sum(1)).sum()
    return float(strength * (usage * (likely * distances).sum(1)).sum() / spread)


USAGES: list[Callable[[int], np.ndarray | None]] = [lambda size: None, lambda size: np.arange(size) ** 2.0]


@pytest.mark.parametrize("usage", USAGES, ids=["uniform", "used"])
@pytest.mark.parametrize("reach", [1.5, 3.0, 20.0, 100.0])
def test_the_temperature_gives_the_reach(reach: float, usage: Callable[[int], np.ndarray | None]) -> None:
    codewords, counts = codebook(150), usage(150)
    temperature = temperature_for_reach(codewords, reach, None if counts is None else torch.from_numpy(counts))
    assert reach_by_hand(codewords.double().numpy(), temperature, counts) == pytest.approx(reach, rel=1e-4)


@given(
    seed=st.integers(0, 1000),
    size=st.integers(3, 40),
    scale=st.floats(1e-3, 1e3),
    shares=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
@settings(deadline=None)
def test_a_larger_reach_takes_a_higher_temperature(seed: int, size: int, scale: float, shares: tuple[float, float]) -> None:
    codewords = codebook(size, seed=seed, scale=scale)
    low, high = (1 + share * (size - 2) for share in sorted(shares))
    cool, warm = temperature_for_reach(codewords, low), temperature_for_reach(codewords, high)
    assert 0 < cool <= warm < np.inf
    assert temperature_for_reach(codewords, high) == warm
    for temperature in (cool, warm):
        assert 1 <= reach_of_temperature(codewords, temperature) <= (size - 1) * (1 + 1e-6)


@given(seed=st.integers(0, 1000), temperatures=st.tuples(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6)))
@settings(deadline=None)
def test_reach_rises_with_the_temperature(seed: int, temperatures: tuple[float, float]) -> None:
    codewords = codebook(30, seed=seed)
    low, high = (reach_of_temperature(codewords, temperature) for temperature in sorted(temperatures))
    assert low <= high * (1 + 1e-6)


def test_the_ends_are_the_nearest_alone_and_any() -> None:
    codewords = codebook(50)
    nearest = transition_probabilities(codewords, 1.0, temperature=temperature_for_reach(codewords, 1.0))
    assert torch.equal(nearest.argmax(1), torch.cdist(codewords, codewords).fill_diagonal_(torch.inf).argmin(1))
    assert float(nearest.amax(1).min()) > 0.999
    anyone = transition_probabilities(codewords, 1.0, temperature=temperature_for_reach(codewords, 49.0))
    assert float(anyone.amax()) == pytest.approx(1 / 49, rel=1e-2)


def test_equal_distances_leave_no_choice() -> None:
    corners = torch.eye(6)
    for reach in (1.0, 3.0, 5.0):
        temperature = temperature_for_reach(corners, reach)
        assert temperature > 0 and reach_of_temperature(corners, temperature) == pytest.approx(5)


def test_two_codewords_and_equal_ones() -> None:
    assert reach_of_temperature(torch.tensor([[0.0], [3.0]]), temperature_for_reach(torch.tensor([[0.0], [3.0]]), 1.0)) == 1
    alike = torch.ones(5, 3)
    assert reach_of_temperature(alike, temperature_for_reach(alike, 2.0)) == pytest.approx(4)


@pytest.mark.parametrize("reach", [0.99, 5.01, float("nan")])
def test_a_reach_outside_is_refused(reach: float) -> None:
    with pytest.raises(ValueError, match=r"reach must lie in \[1, 5\]"):
        temperature_for_reach(codebook(6), reach)


def test_usage_decides_whose_neighbours_count() -> None:
    # Ten codewords close together and ten far apart: for the same reach those that are close need a lower temperature.
    codewords = torch.cat([codebook(10), 100 + 50 * codebook(10, seed=1)])
    close, far = torch.zeros(20), torch.zeros(20)
    close[:10], far[10:] = 1, 1
    assert temperature_for_reach(codewords, 4.0, close) < temperature_for_reach(codewords, 4.0, far)
    assert temperature_for_reach(codewords, 4.0, torch.zeros(20)) == pytest.approx(temperature_for_reach(codewords, 4.0))
    with pytest.raises(ValueError, match="usage must be"):
        temperature_for_reach(codewords, 4.0, torch.ones(3))


@pytest.mark.parametrize("usage", [False, True])
def test_512_codewords_stand_for_a_large_codebook(usage: bool) -> None:
    codewords = codebook(3000, 6)
    counts = torch.arange(3000.0) if usage else None
    temperature = temperature_for_reach(codewords, 40.0, counts)
    expected = reach_by_hand(codewords.double().numpy(), temperature, None if counts is None else counts.numpy())
    assert expected == pytest.approx(40, rel=0.05)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the largest size of a process is read from Linux's /proc")
def test_the_largest_codebook_fits_into_two_gib() -> None:
    code = (
        "import torch; from vqseg.quantization.perturbation import temperature_for_reach; "
        "assert temperature_for_reach(torch.randn(65536, 64), 512.0, torch.rand(65536)) > 0; "
        # Not getrusage: what it gives starts at the size of the process that this one was forked from.
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    kilobytes = int(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=180).stdout)
    assert kilobytes * 1024 < 2 << 30


# What is held by a network


def test_the_settings_take_exactly_one() -> None:
    assert from_mapping(Config, {}).model.temperature == "adaptive"
    config = from_mapping(Config, {"model": {"reach": 64}})
    assert config.model.reach == 64 and config.model.temperature is None
    assert from_mapping(Config, to_mapping(config)) == config
    with pytest.raises(ConfigError, match="leave one out"):
        from_mapping(Config, {"model": {"reach": 64, "temperature": 1.0}})
    for reach in (0.5, 4096):
        with pytest.raises(ConfigError, match=r"reach must lie in \[1, 4095\]"):
            from_mapping(Config, {"model": {"reach": reach}})
    with pytest.raises(ValueError, match="exactly one"):
        HeldTemperature(1.0, 2.0)
    with pytest.raises(ValueError, match="exactly one"):
        HeldTemperature(None, None)


def test_naming_one_on_the_command_line_replaces_the_other(tmp_path: Path) -> None:
    file = tmp_path / "some.yaml"
    for content, words, expected in (
        ("", ["--model.reach", "8"], (None, 8)),
        ("model: {temperature: 2.0}", ["--model.reach=8"], (None, 8)),
        ("model: {reach: 64}", ["--model.temperature", "adaptive"], ("adaptive", None)),
        ("model: {reach: 64}", ["--train.steps", "3"], (None, 64)),
    ):
        file.write_text(content)
        words = ["--config", str(file), *words]
        _, config = read_config(config_parser("train", words), words)
        assert (config.model.temperature, config.model.reach) == expected
    words = ["--config", str(file), "--model.reach", "8", "--model.temperature", "1.0"]
    with pytest.raises(SystemExit):
        read_config(config_parser("train", words), words)


def test_a_codebook_that_shrinks_must_keep_the_reach() -> None:
    adapting = {"adapt_codebook": True, "codebook_smallest": 64}
    assert from_mapping(Config, {"model": {"reach": 63}, "train": adapting}).model.reach == 63
    with pytest.raises(ConfigError, match=r"model\.reach must lie below, got 64"):
        from_mapping(Config, {"model": {"reach": 64}, "train": adapting})


def test_a_network_solves_its_reach_and_follows_its_weights() -> None:
    model = tiny_model(reach=3.0, temperature=None).eval()
    held = model.swap_temperature
    codewords = model.quantizer.codewords().detach()
    first = float(held(codewords, model.quantizer.stamp))
    assert first == pytest.approx(temperature_for_reach(codewords, 3.0), rel=1e-5)
    with torch.no_grad():
        model.quantizer.basis.mul_(3)
    changed = model.quantizer.codewords().detach()
    assert float(held(changed, model.quantizer.stamp)) == pytest.approx(9 * first, rel=1e-4)


def test_in_training_the_number_is_held_until_it_is_solved() -> None:
    model = tiny_model().train()
    held, codewords = model.swap_temperature, model.quantizer.codewords().detach()
    first = float(held(codewords, model.quantizer.stamp))
    assert first == pytest.approx(adaptive_temperature(codewords))
    with torch.no_grad():
        model.quantizer.basis.mul_(2)
    assert float(held(2 * codewords, model.quantizer.stamp)) == first
    held.solve(2 * codewords)
    assert float(held(2 * codewords, model.quantizer.stamp)) == pytest.approx(4 * first, rel=1e-4)
    assert "value" not in " ".join(model.state_dict())


def test_an_old_checkpoint_says_what_its_temperature_amounts_to() -> None:
    segmenter = Segmenter(tiny_model(temperature=2.5))
    codewords = torch.from_numpy(segmenter.codewords)
    assert segmenter.temperature == 2.5 == segmenter.temperature_at(None)
    assert segmenter.reach == pytest.approx(reach_by_hand(codewords.double().numpy(), 2.5), rel=1e-4)
    assert segmenter.temperature_at(segmenter.reach) == pytest.approx(2.5, rel=1e-3)


# Drawn outwards


def test_outward_draws_follow_the_probabilities() -> None:
    codewords = codebook(9, 3)
    codes = torch.arange(9).repeat_interleave(20_000)
    drawn = Neighbourhood(codewords).draw(codes, torch.rand(len(codes), generator=torch.Generator().manual_seed(3)), 1.7)
    counts = torch.zeros(9, 9).index_put_((codes, drawn), torch.ones(len(codes)), accumulate=True)
    np.testing.assert_allclose(counts / 20_000, transition_probabilities(codewords, 1.0, temperature=1.7), atol=0.015)


@given(seed=st.integers(0, 1000), size=st.integers(2, 60), reaches=st.lists(st.floats(0, 1), min_size=2, max_size=4))
@settings(deadline=None)
def test_a_larger_reach_moves_a_token_outwards_or_not_at_all(seed: int, size: int, reaches: list[float]) -> None:
    codewords = codebook(size, 3, seed)
    table, random = Reaches(codewords, 1.0), torch.Generator().manual_seed(seed)
    codes, uniform = torch.randint(0, size, (200,), generator=random), torch.rand(200, generator=random)
    before = torch.zeros(200)
    for share in sorted(reaches):
        drawn = table.neighbourhood.draw(codes, uniform, table.temperature(1 + share * (size - 2)))
        away = (codewords[drawn] - codewords[codes]).square().sum(1)
        assert bool((drawn != codes).all()) and bool((away >= before * (1 - 1e-5)).all())
        before = away


def test_strength_and_reach_are_coupled_under_one_seed() -> None:
    codewords, indices = codebook(40), torch.randint(0, 40, (1, 8, 9), generator=torch.Generator().manual_seed(1))
    table = Neighbourhood(codewords)
    near = RESAMPLE.drawn_outwards(indices, table, 0.1, torch.Generator().manual_seed(5))
    far = RESAMPLE.drawn_outwards(indices, table, 30.0, torch.Generator().manual_seed(5))
    assert torch.equal(near[0], far[0]) and not torch.equal(near[1], far[1])
    # The strength at which a token moves is that of the swaps in training.
    plain, _ = RESAMPLE.drawn(indices, codewords, 0.1, torch.Generator().manual_seed(5))
    assert torch.equal(near[0], plain)
    with pytest.raises(ValueError, match="shuffle"):
        PERTURBATIONS["shuffle"].drawn_outwards(indices, table, 1.0)  # type: ignore[attr-defined]


def test_a_codebook_too_large_to_be_held_draws_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    from vqseg.quantization.perturbation import outwards

    codewords, random = codebook(30), torch.Generator().manual_seed(2)
    codes, uniform = torch.randint(0, 30, (300,), generator=random), torch.rand(300, generator=random)
    held = Neighbourhood(codewords).draw(codes, uniform, 1.0)
    monkeypatch.setattr(outwards, "_HELD_BYTES", 0)
    monkeypatch.setattr(outwards, "_BLOCK", 90)
    assert torch.equal(Neighbourhood(codewords).draw(codes, uniform, 1.0), held)


def test_the_order_around_a_codeword_does_not_depend_on_what_else_is_asked_for() -> None:
    codewords, codes = codebook(1500, 64, scale=3.0), torch.arange(64)
    together, alone = Neighbourhood(codewords), Neighbourhood(codewords)
    order, distances = together.around(codes)
    for code in codes:
        one, away = alone.around(code[None])
        assert torch.equal(one[0], order[code]) and torch.equal(away[0], distances[code])


# Effect


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("temperature", [0.2, 1.0, 50.0])
def test_the_effect_is_the_mean_swap_over_the_variance(strength: float, temperature: float) -> None:
    codewords, usage = codebook(60), torch.arange(60.0)
    expected = effect_by_hand(codewords.double().numpy(), usage.double().numpy(), strength, temperature)
    assert perturbation_effect(codewords, usage, strength, temperature) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("strength", [0.0, 0.1, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("kind", PERTURBATIONS.values(), ids=lambda kind: kind.name)
def test_the_closed_form_is_what_sampling_gives(kind, strength: float) -> None:  # type: ignore[no-untyped-def]
    codewords = codebook(32, 24) + 0.5
    usage = torch.rand(32, generator=torch.Generator().manual_seed(4))
    assert kind.closed_form is not None
    sampled = [kind.sampled_effect(codewords, usage, strength, 3.0, side) for side in (64, 256)]
    # Whole channels are dropped for all tokens together, so that a single picture of 24 channels says little.
    tolerance = 0.6 if kind.name in ("channel_dropout", "complementary_dropout") else 0.04
    assert kind.effect(codewords, usage, strength, 3.0) == pytest.approx(sampled[-1], rel=tolerance, abs=1e-9)


def test_a_kind_without_a_formula_is_measured() -> None:
    from dataclasses import replace

    codewords, usage = codebook(32), torch.ones(32)
    measured = replace(RESAMPLE, closed_form=None).effect(codewords, usage, 0.7, 2.0)
    assert measured == pytest.approx(RESAMPLE.effect(codewords, usage, 0.7, 2.0), rel=0.05)


def test_the_effect_of_codewords_on_one_spot() -> None:
    assert perturbation_effect(torch.ones(4, 2), torch.ones(4), 0.5, 1.0) == 0
    alone = torch.tensor([1.0, 0.0, 0.0])
    assert perturbation_effect(codebook(3), alone, 0.5, 1.0) == np.inf
    for usage in (torch.zeros(3), torch.tensor([1.0, -1.0, 1.0]), torch.ones(2)):
        with pytest.raises(ValueError, match="usage"):
            perturbation_effect(codebook(3), usage, 0.5, 1.0)


@given(
    seed=st.integers(0, 1000), size=st.integers(2, 80), shares=st.lists(st.floats(0, 1), min_size=1, max_size=6), own=st.floats(0.01, 100)
)
@settings(deadline=None, max_examples=50)
def test_served_temperatures_give_their_reach_whatever_was_asked_for_before(seed: int, size: int, shares: list[float], own: float) -> None:
    codewords = torch.randn(size, 3, generator=torch.Generator().manual_seed(seed))
    table, scale = Reaches(codewords, own), ReachScale(codewords)
    for share in shares:
        reach = 1 + share * (size - 2)
        found = table.temperature(reach)
        # Where all codewords lie equally far, no temperature gives a reach below their number.
        assert scale.reach(found) == pytest.approx(scale.reach(temperature_for_reach(codewords, reach)), rel=1e-5)
        assert Reaches(codewords, own).temperature(reach) == found


def test_a_known_reach_is_answered_while_another_one_is_solved(monkeypatch: pytest.MonkeyPatch) -> None:
    table, solving, go_on = Reaches(codebook(30), 1.0), Event(), Event()
    known, found = table.temperature(4.0), Reaches._found

    def slowly(self: Reaches, reach: float) -> float:
        solving.set()
        assert go_on.wait(60)
        return found(self, reach)

    monkeypatch.setattr(Reaches, "_found", slowly)
    with ThreadPoolExecutor(2) as threads:
        other = threads.submit(table.temperature, 9.0)
        try:
            assert solving.wait(60)
            assert threads.submit(table.temperature, 4.0).result(30) == known
        finally:
            go_on.set()
        assert other.result(60) == found(table, 9.0)


@pytest.mark.parametrize("temperature", [0.01, 0.5, 20.0])
def test_candidates_of_a_code_are_the_perplexity_of_its_row_without_itself(temperature: float) -> None:
    words, codes = codebook(40), torch.tensor([7, 0, 39, 7])
    pi = transition_probabilities(words.double(), 1.0, codes, temperature).numpy()
    pi[np.arange(len(codes)), codes] = 0
    pi /= pi.sum(1, keepdims=True)
    expected = np.exp(-np.sum(pi * np.log(np.where(pi > 0, pi, 1)), 1))
    np.testing.assert_allclose(effective_candidates(words, codes, temperature), expected, rtol=1e-4)


def test_the_reach_is_the_mean_of_the_candidates_over_the_codebook() -> None:
    words = codebook(300)
    temperature = temperature_for_reach(words, 25.0)
    assert float(effective_candidates(words, torch.arange(300), temperature).mean()) == pytest.approx(25.0, rel=1e-4)
