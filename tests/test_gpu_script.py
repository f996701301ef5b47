"""benchmarks/gpu.py, tried out on the CPU: everything that it does with a GPU, for a tiny network."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_the_script_for_a_gpu_probes_labels_and_trains_and_does_nothing_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    spec = importlib.util.spec_from_file_location("gpu_benchmark", ROOT / "benchmarks" / "gpu.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "gpu_benchmark", script)
    spec.loader.exec_module(script)
    words = ["--device", "cpu", "--budget", "tiny", "--minutes", "3", "--output", str(tmp_path)]
    words += ["--recipes", str(ROOT / "configs" / "acdc-10.recipe.yaml")]
    answer, said = script.main(words), (tmp_path / "acdc-10.txt").read_text()
    assert answer == 0, said
    results = json.loads((tmp_path / "results.json").read_text())["acdc-10"]
    assert results["probe"]["steps_per_second"] > 0 and 0 < results["probe"]["busy_share"] <= 1
    assert results["done"]["steps"] == results["plan"]["steps"] == 4 and results["done"]["validation"]["dice"] >= 0
    assert (tmp_path / results["done"]["checkpoint"] / "model.safetensors").is_file()
    assert list((tmp_path / "acdc-10" / "pseudo-labels").glob("*.nii.gz"))
    # Another call starts no process, as nothing is left to be done.
    monkeypatch.setattr(script.subprocess, "Popen", lambda *_, **__: pytest.fail("something was done twice"))
    assert script.main(words) == 0
