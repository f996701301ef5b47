"""A codebook that grows and shrinks: its rules, that codewords keep their places, and whole runs with it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tiny import tiny_config
from vqseg.checkpoint import load_model
from vqseg.codebook import share_in_use
from vqseg.config import Config
from vqseg.evaluation import evaluate_split
from vqseg.experiments.evolution import draw_evolution
from vqseg.quantization.quantizer import VectorQuantizer
from vqseg.training.adaptation import adapt_codebook
from vqseg.training.snapshots import gather_snapshots
from vqseg.training.trainer import Trainer


def codebook(size: int, used: int, dim: int = 4) -> VectorQuantizer:
    torch.manual_seed(0)
    quantizer = VectorQuantizer(size, dim)
    quantizer.usage[:used] = torch.arange(used, 0, -1)
    return quantizer


def adapt(quantizer: VectorQuantizer, smallest: int = 8, largest: int = 128) -> int:
    features = torch.randn(200, quantizer.codebook_dim, generator=torch.Generator().manual_seed(1))
    return adapt_codebook(quantizer, features, torch.Generator().manual_seed(2), smallest=smallest, largest=largest)


@given(size=st.integers(2, 100), share=st.floats(0, 1), smallest=st.integers(2, 40), largest=st.integers(40, 120))
@settings(max_examples=40, deadline=None)
def test_the_size_stays_within_its_bounds_and_the_parts_agree(size: int, share: float, smallest: int, largest: int) -> None:
    quantizer = codebook(size, round(share * size))
    new = adapt(quantizer, smallest, largest)
    assert min(size, smallest) <= new <= max(size, largest)
    assert quantizer.basis.shape == (new, 4)
    assert quantizer.usage.shape == (new,)
    assert int(quantizer.usage.sum()) == 0


def test_a_full_codebook_grows_and_its_codewords_stay_where_they_were() -> None:
    quantizer = codebook(20, 20)
    before = quantizer.codewords().detach()
    assert adapt(quantizer) == 30
    torch.testing.assert_close(quantizer.codewords()[:20], before)


def test_grown_codewords_land_on_the_features_and_are_chosen() -> None:
    quantizer = codebook(10, 10)
    features = torch.randn(500, 4, generator=torch.Generator().manual_seed(3)) + 5
    adapt_codebook(quantizer, features, torch.Generator().manual_seed(4), smallest=2, largest=64)
    quantizer.train()(features.T[None, :, :, None])
    assert int((quantizer.usage[10:] > 0).sum()) >= 4


def test_an_idle_codebook_loses_only_what_nobody_chose() -> None:
    quantizer = codebook(64, 20)
    used = quantizer.codewords()[:20].detach()
    assert adapt(quantizer) == 20
    assert torch.equal(quantizer.codewords(), used)


def test_between_the_thresholds_the_size_stays() -> None:
    assert adapt(codebook(100, 80)) == 100


def adapting(phantoms: Path, output: Path, **train: Any) -> Config:
    config = tiny_config(phantoms, output, adapt_codebook=True, codebook_smallest=8, codebook_largest=4096, **train)
    return replace(config, model=replace(config.model, codebook_size=16))


def test_a_run_grows_its_codebook_and_its_checkpoint_is_read_as_any_other(phantoms: Path, tmp_path: Path) -> None:
    folder = Trainer(adapting(phantoms, tmp_path)).run()
    model = load_model(folder)
    assert model.config.codebook_size == model.quantizer.codebook_size > 16
    sizes = [line["codebook_size"] for line in map(json.loads, (tmp_path / "log.jsonl").read_text().splitlines()) if "loss" in line]
    assert sizes[0] == 16
    assert sizes[-1] == model.config.codebook_size
    assert evaluate_split(model, phantoms, "val")["codebook"]["size"] == model.config.codebook_size
    with np.load(folder / "snapshots.npz") as snapshots:
        assert snapshots["counts"].shape[1] == snapshots["codewords"].shape[1] == max(sizes)
        # A moment has no more codewords than the codebook had then.
        assert (snapshots["counts"][0] >= 0).sum() == 16
        assert (snapshots["counts"][-1] >= 0).sum() == model.config.codebook_size
    moments = draw_evolution(folder / "snapshots.npz", tmp_path / "evolution.png")
    assert [moment["size"] for moment in (moments[0], moments[-1])] == [16, model.config.codebook_size]
    assert share_in_use(np.array([[3, 0, -1, -1], [1, 2, 0, 5]])).tolist() == [0.5, 0.75]


def test_the_moments_of_a_smaller_codebook_keep_their_size_in_a_further_run(tmp_path: Path) -> None:
    for run, size in (("first", 3), ("second", 5)):
        (tmp_path / run).mkdir()
        for step in (1, 2):
            # The first run's codebook has grown from 2 to 3.
            now = size - (run == "first" and step == 1)
            np.savez(tmp_path / run / f"step_{step:07d}.npz", step=step, codewords=np.ones((now, 4)), counts=np.ones(now, np.int32))
    gather_snapshots(tmp_path / "first", tmp_path / "first")
    gather_snapshots(tmp_path / "second", tmp_path / "second", tmp_path / "first" / "snapshots.npz")
    with np.load(tmp_path / "second" / "snapshots.npz") as content:
        assert (content["counts"] >= 0).sum(1).tolist() == [2, 3, 5, 5]


def test_an_adapting_run_resumes_bit_for_bit(phantoms: Path, tmp_path: Path) -> None:
    whole = load_model(Trainer(adapting(phantoms, tmp_path / "whole")).run())
    trainer = Trainer(adapting(phantoms, tmp_path / "parts", checkpoint_every=9))
    save = trainer._save

    def stop() -> None:
        save()
        raise KeyboardInterrupt

    trainer._save = stop  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        trainer.run()
    assert trainer.network.quantizer.codebook_size > 16
    parts = load_model(Trainer(adapting(phantoms, tmp_path / "parts", checkpoint_every=9)).run(resume=True))
    assert all(torch.equal(value, parts.state_dict()[name]) for name, value in whole.state_dict().items())


@pytest.mark.parametrize("size", [64, 65536])
def test_the_smallest_and_the_largest_codebook_are_placed_and_used(size: int) -> None:
    quantizer = VectorQuantizer(size, 8)
    features = torch.randn(1000, 8, generator=torch.Generator().manual_seed(0))
    quantizer.initialise(features, torch.Generator().manual_seed(1))
    quantizer.train()(features.T[None, :, :, None])
    assert int((quantizer.usage > 0).sum()) >= min(size, 900)
