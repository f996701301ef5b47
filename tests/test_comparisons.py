"""What is compared with VQ-Seg in the same frame: dropout, a continuous network, streams, and the terms of the full objective."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from tests.tiny import tiny_config, tiny_model
from vqseg.checkpoint import load_model, read_config
from vqseg.config import Config, ConfigError, ModelConfig, ObjectiveConfig
from vqseg.evaluation import evaluate_split
from vqseg.losses.objective import Objective
from vqseg.models.slicewise import NoIndicesError, encode_slices
from vqseg.quantization.perturbation.dropout import FeatureDropout
from vqseg.training.trainer import Trainer
from vqseg.types import LossTerms


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(low=st.floats(0, 1), high=st.floats(0, 1), seed=st.integers(0, 50), channels=st.booleans())
@settings(max_examples=30, deadline=None)
def test_a_larger_dropout_rate_only_drops_more(low: float, high: float, seed: int, channels: bool) -> None:
    low, high = sorted((low, high))
    features = torch.ones(2, 6, 3, 4)
    dropout = FeatureDropout(channels=channels)
    few, many = (dropout(features, rate, generator(seed)) == 0 for rate in (low, high))
    assert not bool((few & ~many).any())


def test_dropout_keeps_the_mean_and_drops_whole_channels_where_asked() -> None:
    features = torch.ones(64, 32, 4, 4)
    dropped = FeatureDropout()(features, 0.7, generator())
    assert float(dropped.mean()) == pytest.approx(1, abs=0.05)
    assert float((dropped == 0).float().mean()) == pytest.approx(0.7, abs=0.02)
    zero = FeatureDropout(channels=True)(features, 0.5, generator()) == 0
    assert torch.equal(zero.all((2, 3)), zero.any((2, 3)))


def test_dropout_at_rate_zero_changes_nothing_and_at_one_leaves_nothing() -> None:
    features = torch.randn(1, 3, 2, 2)
    assert torch.equal(FeatureDropout()(features, 0.0, generator()), features)
    assert not bool(FeatureDropout()(features, 1.0, generator()).any())


def test_the_model_hands_out_features_before_the_codebook_and_before_perturbation() -> None:
    model, images = tiny_model(), torch.rand(1, 1, 64, 64)
    clean, swapped = model(images), model(images, strength=0.9, generator=generator())
    assert torch.equal(clean.features, model.encode(images))
    assert torch.equal(swapped.post_vq, clean.quantized)
    assert not torch.equal(swapped.quantized, clean.quantized)
    dropped = model(images, strength=0.5, perturbation="dropout", generator=generator())
    assert not bool(dropped.replaced.any())
    assert bool((dropped.quantized == 0).any())
    assert torch.equal(model(images, strength=0.9, perturbation="none").logits, clean.logits)


def test_a_continuous_model_decodes_its_features_and_refuses_to_be_served() -> None:
    model, images = tiny_model(continuous=True), torch.rand(1, 1, 64, 64)
    output = model(images)
    assert torch.equal(output.quantized, model.encode(images))
    assert float(output.quantizer_loss) == 0
    with pytest.raises(NoIndicesError, match="no indices"):
        encode_slices(model, images[0].numpy())


def test_a_continuous_model_with_the_qpm_is_refused() -> None:
    with pytest.raises(ConfigError, match="no codes"):
        Config(model=ModelConfig(continuous=True))
    Config(model=ModelConfig(continuous=True), objective=ObjectiveConfig(perturbation="dropout"))


def test_the_objective_adds_the_alignment_with_its_ramp_and_the_usage_loss() -> None:
    zero, one = torch.zeros(()), torch.ones(())
    objective = Objective(ObjectiveConfig(alignment=5, alignment_ramp=10, usage=0.1))
    terms = LossTerms(zero, zero, zero, zero, zero, alignment=2 * one, usage=-one)
    assert float(objective(terms, 4)) == pytest.approx(5 * 0.5 * 2 - 0.1)
    assert float(objective(terms, 100)) == pytest.approx(10 - 0.1)
    assert float(Objective(ObjectiveConfig())(LossTerms(one, zero, zero, zero, zero), 0)) == 1


METHODS: dict[str, dict[str, Any]] = {
    "continuous-dropout": {"model": {"continuous": True}, "objective": {"perturbation": "dropout"}},
    "stream": {"objective": {"perturbation": "channel_dropout", "feature_stream": True}},
    "unperturbed": {"objective": {"perturbation": "none", "reconstruction": 0.0}},
    "shift": {"objective": {"perturbation": "shift", "strength_schedule": "ramp", "strength_steps": 5}},
    "complementary": {"objective": {"perturbation": "complementary_dropout", "strength": 0.5}},
    "aligned": {"objective": {"alignment": 5.0, "usage": 0.1}, "train": {"foundation": "random"}},
    "crossed": {"model": {"continuous": True}, "objective": {"perturbation": "none", "target": "partner", "confidence": 0.0}},
}


def by(method: dict[str, Any], config: Config) -> Config:
    return replace(config, **{room: replace(getattr(config, room), **changes) for room, changes in method.items()})


def run(config: Config, method: dict[str, Any]) -> Path:
    return Trainer(by(method, config)).run()


@pytest.mark.parametrize("name", METHODS)
def test_every_method_trains_and_is_measured(name: str, phantoms: Path, tmp_path: Path) -> None:
    folder = run(tiny_config(phantoms, tmp_path / "run"), METHODS[name])
    lines = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    last = [line for line in lines if "loss" in line][-1]
    assert last["unlabelled_segmentation"] > 0
    assert ("alignment" in last) == (name == "aligned") == ("usage" in last)
    assert (last.get("replaced_share", 0) > 0) == (name == "aligned")
    result = evaluate_split(load_model(folder), phantoms, "val")
    assert (result["codebook"]["used"] == 0) == (name in ("continuous-dropout", "crossed"))
    assert 0 <= result["mean"]["dice"] <= 1


@pytest.mark.parametrize("name", ["aligned", "crossed"])
def test_a_run_with_further_networks_resumes_bit_for_bit_and_its_checkpoint_holds_none_of_them(
    name: str, phantoms: Path, tmp_path: Path
) -> None:
    whole = run(tiny_config(phantoms, tmp_path / "whole"), METHODS[name])
    config = by(METHODS[name], tiny_config(phantoms, tmp_path / "parts"))
    trainer = Trainer(config)
    stop, trainer._save = trainer._save, lambda: stop_after(trainer, stop)  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        trainer.run()
    parts = Trainer(config).run(resume=True)
    for file in ("checkpoint/model.safetensors", "state/state.safetensors"):
        one, other = (load_file(folder.parent / file) for folder in (whole, parts))
        # A network without a codebook holds no temperature, but NaN.
        torch.testing.assert_close(one, other, rtol=0, atol=0, equal_nan=True)
    assert set(load_file(parts / "model.safetensors")) == set(tiny_model().state_dict())
    assert "foundation" not in read_config(parts)["model"]


def test_the_first_of_two_networks_starts_as_the_only_one_of_other_methods_and_the_second_elsewhere(phantoms: Path, tmp_path: Path) -> None:
    config = tiny_config(phantoms, tmp_path / "run")
    alone, pair = (Trainer(by(METHODS[name], config)).trained for name in ("continuous-dropout", "crossed"))
    assert set(alone) == {"student"} and set(pair) == {"student", "partner"}
    weights = [dict(network.named_parameters())["encoder.project.weight"] for network in (*alone.values(), *pair.values())]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[1], weights[2])


def test_both_networks_are_trained_and_the_first_is_kept(phantoms: Path, tmp_path: Path) -> None:
    trainer = Trainer(by(METHODS["crossed"], tiny_config(phantoms, tmp_path / "run", steps=6, ema_decay=0.0)))
    before = {name: network.encoder.project.weight.clone() for name, network in trainer.trained.items()}  # type: ignore[union-attr]
    kept = load_model(trainer.run()).encoder.project.weight
    after = {name: network.encoder.project.weight for name, network in trainer.trained.items()}  # type: ignore[union-attr]
    assert all(not torch.equal(before[name], weight) for name, weight in after.items())
    assert torch.equal(kept, after["student"]) and not torch.equal(kept, after["partner"])


def stop_after(trainer: Trainer, save: Any) -> None:
    save()
    if trainer.step == 6:
        raise KeyboardInterrupt


def test_serving_never_imports_the_foundation_model() -> None:
    code = "import sys, vqseg.inference, vqseg.evaluation, vqseg.codebook; print(sorted(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=180).stdout
    assert "vqseg.models.slicewise" in modules
    assert "vqseg.models.foundation" not in modules
    assert "'transformers'" not in modules


def test_without_the_segmentation_loss_only_the_reconstruction_is_learnt(phantoms: Path, tmp_path: Path) -> None:
    zero, one = torch.zeros(()), torch.ones(())
    objective = Objective(ObjectiveConfig(segmentation=0, unlabelled_start=0, unlabelled_ramp=0))
    assert float(objective(LossTerms(one, zero, zero, one, zero), 5)) == 0
    assert float(objective(LossTerms(one, one, zero, one, one), 5)) == 2
    config = tiny_config(phantoms, tmp_path / "run", steps=6)
    trainer = Trainer(
        replace(
            config, objective=replace(config.objective, segmentation=0, unlabelled_start=0), train=replace(config.train, weight_decay=0)
        )
    )
    before = {name: value.clone() for name, value in trainer.network.state_dict().items()}
    trainer.run()
    moved = {name for name, value in trainer.network.state_dict().items() if not torch.equal(value, before[name])}
    assert not any(name.startswith("segmentation_decoder") for name in moved)
    assert any(name.startswith("encoder") for name in moved)
