"""benchmarks/gpu.py, tried out on the CPU: everything that it does with a GPU, for a tiny network."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from vqseg.recipe import load_recipe

ROOT = Path(__file__).parents[1]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    spec = importlib.util.spec_from_file_location("gpu_benchmark", ROOT / "benchmarks" / "gpu.py")
    assert spec is not None and spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "gpu_benchmark", found)
    spec.loader.exec_module(found)
    return found


def test_a_stage_made_for_a_processor_gets_the_batches_of_the_largest_one(script: Any) -> None:
    recipe = load_recipe(ROOT / "configs" / "lidc-10.recipe.yaml")
    small, large = recipe.configs()[-1], script.for_a_gpu(recipe)
    assert (small.train.batch_labelled, small.train.learning_rate) == (6, 4e-4)
    assert (large.train.batch_labelled, large.train.batch_unlabelled, large.train.learning_rate) == (24, 24, 1.5e-3)
    assert large.preprocess == recipe.served() and large.augmentation == small.augmentation


@pytest.mark.slow
def test_the_script_for_a_gpu_probes_labels_and_trains_and_does_nothing_twice(
    script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["--device", "cpu", "--budget", "tiny", "--minutes", "3", "--output", str(tmp_path)]
    words += ["--recipes", str(ROOT / "configs" / "acdc-10.recipe.yaml")]
    answer, said = script.main(words), (tmp_path / "acdc-10.txt").read_text()
    assert answer == 0, said
    results = json.loads((tmp_path / "results.json").read_text())["acdc-10"]
    assert results["probe"]["steps_per_second"] > 0 and 0 < results["probe"]["busy_share"] <= 1
    assert results["done"]["steps"] == results["plan"]["steps"] == 4 and results["done"]["validation"]["dice"] >= 0
    assert (tmp_path / results["done"]["checkpoint"] / "model.safetensors").is_file()
    labels = tmp_path / "acdc-10" / "pseudo-labels"
    assert list(labels.glob("*.nii.gz")) and list((labels / "doubt").glob("*.nii.gz"))
    # Another call starts no process, as nothing is left to be done.
    monkeypatch.setattr(script.subprocess, "Popen", lambda *_, **__: pytest.fail("something was done twice"))
    assert script.main(words) == 0
