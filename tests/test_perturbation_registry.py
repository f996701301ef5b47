"""The registry of perturbations: what each keeps to, and that one more line in it arrives everywhere."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Generator, Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from tests.tiny import tiny_model
from vqseg.config import Config, ConfigError, from_mapping
from vqseg.experiments.tables import table
from vqseg.inference import SegmentedScan, Segmenter, modes, replacements
from vqseg.quantization.perturbation import (
    COMPLEMENTARY_DROPOUT,
    PERTURBATIONS,
    RESAMPLE,
    SHIFT,
    CodePerturbation,
    FeatureDropout,
    FeaturePerturbation,
    Perturbation,
    PostVQ,
    QuantizedPerturbation,
    Temperature,
    perturbation_named,
    resample,
    training_names,
    training_perturbation,
)
from vqseg.types import Scan, Share

CODES, DIM = 12, 4
EVERY = pytest.mark.parametrize("kind", PERTURBATIONS.values(), ids=lambda kind: kind.name)


def generator(seed: int = 0) -> Generator:
    return torch.Generator().manual_seed(seed)


def tokens(images: int = 3, side: int = 5) -> PostVQ:
    codewords = torch.randn(CODES, DIM, generator=generator())
    indices = torch.randint(CODES, (images, side, side), generator=generator(1))
    return PostVQ(codewords[indices].permute(0, 3, 1, 2), indices, codewords, 1.0)


def disturbed(kind: Perturbation, strength: float, seed: int = 0) -> tuple[Tensor, Tensor]:
    return kind.apply(tokens(), strength, generator(seed))


@EVERY
def test_every_perturbation_is_named_and_titled(kind: Perturbation) -> None:
    assert perturbation_named(kind.name) is kind
    assert kind.title and kind.amount and kind.symbol
    assert isinstance(kind, CodePerturbation) == (kind.name in modes())
    assert (kind.name in modes()) != (kind.name in training_names())


def test_every_mode_says_what_a_token_becomes() -> None:
    assert tuple(replacements()) == modes()
    assert all(replacements().values())


@EVERY
@given(strength=st.floats(0, 1), seed=st.integers(0, 20))
def test_shapes_stay_and_every_code_is_one_of_the_codebook(kind: Perturbation, strength: float, seed: int) -> None:
    before = tokens()
    features, indices = disturbed(kind, strength, seed)
    assert features.shape == before.features.shape
    assert indices.shape == before.indices.shape and indices.dtype == torch.int64
    assert 0 <= int(indices.min()) <= int(indices.max()) < CODES
    assert bool(features.isfinite().all())
    if isinstance(kind, CodePerturbation):
        torch.testing.assert_close(features, before.codewords[indices].permute(0, 3, 1, 2))
    else:
        assert torch.equal(indices, before.indices)


@EVERY
def test_nothing_changes_at_strength_zero_and_nothing_is_written_to(kind: Perturbation) -> None:
    before = tokens()
    copies = before.features.clone(), before.indices.clone()
    features, indices = kind.apply(before, 0.0, generator())
    assert torch.equal(features, before.features) and torch.equal(indices, before.indices)
    kind.apply(before, 0.7, generator())
    assert torch.equal(before.features, copies[0]) and torch.equal(before.indices, copies[1])


@EVERY
def test_the_same_seed_repeats_and_the_global_generator_is_left_alone(kind: Perturbation) -> None:
    state = torch.get_rng_state()
    first, again = disturbed(kind, 0.6, 3), disturbed(kind, 0.6, 3)
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))
    assert torch.equal(torch.get_rng_state(), state)


@EVERY
def test_the_parts_of_a_batch_are_those_of_the_whole(kind: Perturbation) -> None:
    whole, before = disturbed(kind, 0.6), tokens()
    for index in range(3):
        rows = slice(index, index + 1)
        part = replace(before, features=before.features[rows], indices=before.indices[rows])
        features, indices = kind.apply(part, 0.6, generator(), Share(index, 3))
        assert torch.equal(features, whole[0][rows]) and torch.equal(indices, whole[1][rows])


@EVERY
def test_the_first_version_is_what_is_applied_and_rows_stay_together(kind: Perturbation) -> None:
    before = tokens()
    features, indices = kind.versions(before, 0.4, generator())
    first, codes = kind.apply(before, 0.4, generator())
    count = len(features) // 3
    assert features.shape == (3 * count, DIM, 5, 5) and count == (2 if kind.name == "complementary_dropout" else 1)
    assert torch.equal(features[:3], first) and torch.equal(indices, codes.repeat(count, 1, 1))
    part = replace(before, features=before.features[1:2], indices=before.indices[1:2])
    assert torch.equal(kind.versions(part, 0.4, generator(), Share(1, 3))[0], features[1::3])
    whole, _ = kind.versions(before, 0.0, generator())
    assert torch.equal(whole, before.features.repeat(count, 1, 1, 1))
    with pytest.raises(ValueError, match="must lie in"):
        kind.versions(before, 1.1, generator())


@EVERY
@given(low=st.floats(0, 1), high=st.floats(0, 1), seed=st.integers(0, 20))
def test_a_coupled_perturbation_only_adds_as_its_strength_grows(kind: Perturbation, low: float, high: float, seed: int) -> None:
    if not kind.coupled:
        return
    low, high = sorted((low, high))
    before, less, more = tokens(), disturbed(kind, low, seed), disturbed(kind, high, seed)
    replaced = less[1] != before.indices
    assert torch.equal(less[1][replaced], more[1][replaced])
    assert not bool(((less[0] == 0) & (more[0] != 0) & (before.features != 0)).any())


@EVERY
@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_a_strength_outside_its_range_is_refused(kind: Perturbation, strength: float) -> None:
    with pytest.raises(ValueError, match=rf"(strength|rate) must lie in \[0, 1\], got {strength}"):
        kind.apply(tokens(), strength, generator())


@EVERY
def test_what_needs_codes_says_so_where_there_are_none(kind: Perturbation) -> None:
    bare = replace(tokens(), codewords=None, indices=torch.full((3, 5, 5), -1))
    if kind.needs_codes:
        with pytest.raises(ValueError, match="no codebook"):
            kind.apply(bare, 0.5, generator())
    else:
        kind.apply(bare, 0.5, generator())


@EVERY
def test_no_perturbation_waits_for_an_accelerator(kind: Perturbation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resample, "_with_shared_rows", resample._with_own_rows)
    with FakeTensorMode(allow_non_fake_inputs=True):
        post_vq = PostVQ(torch.rand(2, DIM, 5, 5), torch.randint(CODES, (2, 5, 5)), torch.rand(CODES, DIM), "adaptive")
        features, indices = kind.apply(post_vq, 0.5)
        assert features.shape == (2, DIM, 5, 5) and indices.shape == (2, 5, 5)


@pytest.mark.parametrize("kind", [PERTURBATIONS[name] for name in modes()], ids=lambda kind: kind.name)
def test_what_is_coupled_can_be_drawn_ahead_of_its_strength(kind: CodePerturbation) -> None:
    module, before = QuantizedPerturbation(kind.name), tokens()
    if not kind.coupled:
        with pytest.raises(ValueError, match="ahead of the strength"):
            module.draw(before.indices, before.codewords, generator())
        return
    thresholds, replacements = module.draw(before.indices, before.codewords, generator())
    expected = module(before.indices, before.codewords, 0.4, generator())
    assert torch.equal(torch.where(thresholds < 0.4, replacements, before.indices), expected)


# In the continuous space


@given(strength=st.floats(0.01, 1), seed=st.integers(0, 20))
def test_a_shift_is_that_share_of_the_swap_that_the_same_seed_draws(strength: float, seed: int) -> None:
    before = tokens()
    swapped, codes = RESAMPLE.apply(before, 1.0, generator(seed))
    assert not bool((codes == before.indices).any())
    shifted, kept = SHIFT.apply(before, strength, generator(seed))
    torch.testing.assert_close(shifted, torch.lerp(before.features, swapped, strength))
    assert torch.equal(kept, before.indices)


def test_a_shift_goes_as_far_as_its_temperature() -> None:
    before = tokens(side=30)
    near, far = (
        (SHIFT.apply(replace(before, temperature=temperature), 1.0, generator())[0] - before.features).square().sum(1).mean()
        for temperature in (0.01, 100.0)
    )
    assert float(near) < 0.7 * float(far)


def test_a_shift_keeps_the_straight_through_gradient() -> None:
    before = tokens()
    features = before.features.clone().requires_grad_()
    shifted, _ = SHIFT.apply(replace(before, features=features), 0.6, generator())
    direction = torch.randn(shifted.shape, generator=generator(1))
    (gradient,) = torch.autograd.grad((shifted * direction).sum(), features)
    torch.testing.assert_close(gradient, direction)


# Two versions


@given(rate=st.floats(0, 1), seed=st.integers(0, 20))
def test_what_one_version_drops_the_other_keeps(rate: float, seed: int) -> None:
    ones = PostVQ(torch.ones(3, 40, 2, 2), torch.zeros(3, 2, 2, dtype=torch.int64), None, None)
    first, second = COMPLEMENTARY_DROPOUT.versions(ones, rate, generator(seed))[0].split(3)
    if rate <= 0.5:
        assert not bool(((first == 0) & (second == 0)).any())
    else:
        assert not bool(((first > 0) & (second > 0)).any())
    assert torch.equal(first, FeatureDropout(channels=True)(ones.features, rate, generator(seed)))


def test_at_one_half_both_versions_add_up_to_twice_the_features() -> None:
    before = tokens()
    first, second = COMPLEMENTARY_DROPOUT.versions(before, 0.5, generator())[0].split(3)
    assert torch.equal(first + second, 2 * before.features)
    assert bool((first[0, :, 0, 0] == 0).any()) and bool((first[0, :, 0, 0] != 0).any())
    dropped = (first == 0).all((2, 3))
    assert torch.equal(dropped, (first == 0).any((2, 3))) and torch.equal(~dropped, (second == 0).all((2, 3)))


@pytest.mark.parametrize("changes", [{}, {"continuous": True}], ids=["codes", "continuous"])
def test_both_versions_are_decoded_from_one_encoding(changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    model, images = tiny_model(**changes), torch.rand(3, 1, 50, 48)
    clean, encoded = model(images), []
    encode = model.encode
    monkeypatch.setattr(model, "encode", lambda given: encoded.append(len(given)) or encode(given))
    output = model(images, strength=0.5, perturbation="complementary_dropout", generator=generator())
    assert encoded == [3]
    assert output.logits.shape == (6, 4, 50, 48) and output.reconstruction.shape == (6, 1, 50, 48)
    assert output.indices.shape == clean.indices.shape and not bool(output.replaced.any()) and len(output.replaced) == 6
    torch.testing.assert_close(output.quantized[:3] + output.quantized[3:], 2 * clean.quantized)
    torch.testing.assert_close(output.logits, model.decode(output.quantized, images.shape[-2:])[0])
    assert torch.equal(output.post_vq, clean.post_vq) and torch.equal(output.features, clean.features)


# One more of each kind


def next_code(indices: Tensor, codewords: Tensor, uniform: Tensor, strength: float, temperature: Temperature) -> Tensor:
    return torch.where(uniform[0].view_as(indices) < strength, (indices + 1) % len(codewords), indices)


def towards_the_mean(post_vq: PostVQ, strength: float, random: Generator | None, share: Share) -> Tensor:
    assert post_vq.codewords is not None
    return torch.lerp(post_vq.features, post_vq.codewords.mean(0)[None, :, None, None].expand_as(post_vq.features), strength)


STEP = CodePerturbation(name="step", title="one code on", swap=next_code, coupled=True)
BLEND = FeaturePerturbation(
    name="blend", title="blend", change=towards_the_mean, amount="share", symbol="s", coupled=True, needs_codes=True
)


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (STEP, BLEND):
        monkeypatch.setitem(PERTURBATIONS, kind.name, kind)


@pytest.fixture
def opened() -> SegmentedScan:
    voxels = torch.rand(48, 40, 3, generator=generator()).numpy()
    return Segmenter(tiny_model(image_side=48)).open(Scan(voxels, np.eye(4), (1.0, 1.0, 8.0), "noise"))


@pytest.mark.usefixtures("toys")
def test_one_more_is_accepted_by_the_settings() -> None:
    config = from_mapping(Config, {"model": {"mode": "step"}, "objective": {"perturbation": "blend"}})
    assert training_perturbation(config.objective.perturbation, config.model.mode) is BLEND
    assert training_perturbation("qpm", config.model.mode) is STEP
    with pytest.raises(ConfigError, match="no codes for blend"):
        from_mapping(Config, {"model": {"continuous": True}, "objective": {"perturbation": "blend"}})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model": {"mode": "dropout"}}, "mode must be one of resample, shuffle, got 'dropout'"),
        (
            {"objective": {"perturbation": "shuffle"}},
            "perturbation must be one of qpm, shift, dropout, channel_dropout, complementary_dropout, none, got 'shuffle'",
        ),
        ({"objective": {"perturbation": "step"}}, "got 'step'"),
    ],
)
def test_settings_take_no_other_name(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        from_mapping(Config, values)


@pytest.mark.usefixtures("toys")
def test_one_more_is_trained_with() -> None:
    model, images = tiny_model(mode="step"), torch.rand(2, 1, 48, 48)
    clean = model(images)
    swapped = model(images, strength=1.0, generator=generator())
    assert bool(swapped.replaced.all())
    blended = model(images, strength=1.0, perturbation="blend")
    assert not bool(blended.replaced.any())
    torch.testing.assert_close(blended.quantized, model.quantizer.codewords().mean(0)[None, :, None, None].expand_as(clean.quantized))
    # Before the codebook stands there is nothing that it could look at.
    assert torch.equal(model(images, strength=1.0, perturbation="blend", quantize=False).quantized, clean.features)


@pytest.mark.usefixtures("toys")
def test_one_more_is_served(opened: SegmentedScan) -> None:
    assert "step" in modes() and "blend" not in modes()
    swapped = opened.perturb(1, 1.0, "step")
    assert np.array_equal(swapped.indices, (swapped.clean_indices + 1) % opened.codebook_size)
    blended, forced = opened.perturb(1, 0.5, "blend"), opened.perturb(1, 0.5, "blend", forced={(0, 0): 3})
    assert blended.replaced_share == 0 and not np.array_equal(blended.reconstruction, opened.perturb(1, 0.0, "blend").reconstruction)
    assert forced.indices[0, 0] == 3
    for mode in ("step", "blend"):
        volume = opened.perturb_volume(0.5, mode)
        one = opened.perturb(1, 0.5, mode)
        np.testing.assert_allclose(volume.reconstruction.take(1, opened.axis), one.reconstruction, atol=1e-5)
        assert np.array_equal(opened.consistency(1, 0.5, mode).labels, one.labels)


@pytest.mark.usefixtures("toys")
def test_one_more_has_rows_in_the_table_of_strengths() -> None:
    found = table("strength")
    assert [cell.row for cell in found.cells if cell.series == "blend, share"] == [f"blend, share {tenth / 10}" for tenth in range(1, 10)]
    assert found.x_label == "strength epsilon or rate p or share s"


def test_the_published_table_of_strengths_keeps_its_rows() -> None:
    found = table("strength")
    assert {cell.series: cell.changes["objective.perturbation"] for cell in found.cells} == {
        "QPM, strength": "qpm",
        "dropout, rate": "dropout",
    }
    assert len(found.cells) == 18


def test_dropout_is_served_by_its_name_as_by_its_method(opened: SegmentedScan) -> None:
    by_name, by_method = opened.perturb(0, 0.4, "dropout", 3), opened.dropout(0, 0.4, 3)
    assert np.array_equal(by_name.reconstruction, by_method.reconstruction) and np.array_equal(by_name.labels, by_method.labels)
    with pytest.raises(ValueError, match="perturbation must be one of"):
        opened.perturb(0, 0.4, "swap")


def test_a_continuous_network_refuses_what_needs_codes() -> None:
    model, images = tiny_model(continuous=True), torch.rand(1, 1, 48, 48)
    with pytest.raises(ValueError, match="needs codes"):
        model(images, strength=0.5)
    with pytest.raises(ValueError, match="perturbation must be one of"):
        model(images, strength=0.5, perturbation="swap")
