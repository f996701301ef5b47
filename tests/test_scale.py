"""Two processes do together what one does alone with the whole batch, and agree on teacher and codebook to the last bit."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file
from torch import Tensor

from tests.tiny import tiny_config
from vqseg.config import AugmentationConfig, DataConfig, PreprocessConfig, save_config
from vqseg.data.datasets import find_cases
from vqseg.data.loaders import load_pools
from vqseg.data.sampler import ViewSampler
from vqseg.data.splits import labelled_and_unlabelled, read_splits
from vqseg.experiments.methods import with_method
from vqseg.quantization.perturbation import QuantizedPerturbation
from vqseg.quantization.perturbation.dropout import FeatureDropout
from vqseg.types import Batch, Share

ROOT = Path(__file__).parents[1]


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def launch(config: Path, folder: Path, processes: int) -> list[dict[str, Tensor]]:
    folder.mkdir()
    together([sys.executable, str(ROOT / "tests" / "scale_worker.py"), str(config), str(folder)], processes)
    return [load_file(folder / f"rank{rank}.safetensors") for rank in range(processes)]


def together(command: list[str], processes: int) -> list[str]:
    """Run a command as so many processes of one group. -> what each has printed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    base = {name: value for name, value in os.environ.items() if not name.startswith(("ACCELERATE", "RANK", "WORLD"))}
    base |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    runs = []
    for rank in range(processes):
        ranks = {
            "RANK": rank,
            "LOCAL_RANK": rank,
            "WORLD_SIZE": processes,
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": port,
            "ACCELERATE_USE_CPU": "true",
        }
        environment = base | ({name: str(value) for name, value in ranks.items()} if processes > 1 else {})
        runs.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
    outputs = []
    try:
        for run in runs:
            output, _ = run.communicate(timeout=200)
            outputs.append(output)
            if run.returncode:
                break
    finally:
        # Where one of them has failed, the others wait for it, or end since it is gone: what each of them said is told.
        for run in runs:
            run.kill()
            run.wait(30)
    outputs += [run.communicate()[0] for run in runs[len(outputs) :]]
    failed = [f"rank {rank} ended with {run.returncode}: {outputs[rank][-3000:]}" for rank, run in enumerate(runs) if run.returncode]
    assert not failed, "\n".join(failed)
    return outputs


@pytest.fixture(scope="module")
def runs(phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, Any]]:
    """Eight steps with the whole batch in one process, and the same with halves in two: placing, revival, pseudo-labels, QPM."""
    folder, results = tmp_path_factory.mktemp("scale"), {}
    for processes in (1, 2):
        output = folder / f"run{processes}"
        train = {"batch_labelled": 4 // processes, "batch_unlabelled": 4 // processes, "learning_rate": 2e-4, "log_every": 1}
        config = tiny_config(phantoms, output, steps=8, codebook_start=2, revive_every=3, **train)
        config = replace(
            config,
            data=replace(config.data, phantom_patients=1, phantom_share=0.4),
            objective=replace(config.objective, unlabelled_start=4, alignment=1.0),
            train=replace(config.train, foundation="random"),
        )
        save_config(config, folder / f"{processes}.yaml")
        ranks = launch(folder / f"{processes}.yaml", folder / f"ranks{processes}", processes)
        lines = [json.loads(line) for line in (output / "log.jsonl").read_text().splitlines()]
        results[processes] = {"ranks": ranks, "log": [line for line in lines if "loss" in line]}
    return results


@pytest.fixture(scope="module")
def crossed(phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, Any]]:
    """The same for two networks that learn from each other."""
    folder, results = tmp_path_factory.mktemp("crossed"), {}
    for processes in (1, 2):
        output = folder / f"run{processes}"
        train = {"batch_labelled": 4 // processes, "batch_unlabelled": 4 // processes, "learning_rate": 2e-4, "log_every": 1}
        config = tiny_config(phantoms, output, steps=5, **train)
        config = with_method(replace(config, objective=replace(config.objective, unlabelled_start=2)), "cps")
        save_config(config, folder / f"{processes}.yaml")
        ranks = launch(folder / f"{processes}.yaml", folder / f"ranks{processes}", processes)
        lines = [json.loads(line) for line in (output / "log.jsonl").read_text().splitlines()]
        results[processes] = {"ranks": ranks, "log": [line for line in lines if "loss" in line]}
    return results


def test_two_networks_learn_from_each_other_in_two_processes_as_in_one(crossed: dict[int, dict[str, Any]]) -> None:
    for one, two in zip(crossed[1]["log"], crossed[2]["log"], strict=True):
        for term in ("segmentation", "unlabelled_segmentation", "loss"):
            assert two[term] == pytest.approx(one[term], rel=2e-3, abs=2e-5), (one["step"], term)
    assert crossed[1]["log"][-1]["unlabelled_segmentation"] > 0
    first, second = crossed[2]["ranks"]
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_two_processes_have_the_losses_of_one_with_the_whole_batch(runs: dict[int, dict[str, Any]]) -> None:
    alone, together = runs[1]["log"], runs[2]["log"]
    assert len(alone) == len(together) == 8
    terms = ("segmentation", "reconstruction", "quantizer", "unlabelled_segmentation", "unlabelled_reconstruction", "alignment", "loss")
    for step, (one, two) in enumerate(zip(alone, together, strict=True)):
        for term in terms:
            assert two[term] == pytest.approx(one[term], rel=2e-3, abs=2e-5), (step, term)
        assert two["replaced_share" if step >= 4 else "loss"] == pytest.approx(one["replaced_share" if step >= 4 else "loss"], rel=2e-3)
    assert alone[-1]["unlabelled_segmentation"] > 0


def test_two_processes_take_the_steps_of_one_with_the_whole_batch(runs: dict[int, dict[str, Any]]) -> None:
    one, two = runs[1]["ranks"][0], runs[2]["ranks"][0]
    names = [name for name in one if name.startswith("student.") and "basis" not in name]
    moved = torch.cat([(one[name] - one[name.replace("student", "before")]).flatten() for name in names])
    apart = torch.cat([(one[name] - two[name]).flatten() for name in names])
    assert float(moved.norm()) > 0
    assert float(apart.norm() / moved.norm()) < 0.05


def test_teacher_codebook_and_student_are_the_same_on_both_processes(runs: dict[int, dict[str, Any]]) -> None:
    first, second = runs[2]["ranks"]
    for name in first:
        if name != "usage":
            assert torch.equal(first[name], second[name]), name
    assert "teacher.quantizer.basis" in first


def test_the_usage_counts_of_both_processes_add_up_to_those_of_one(runs: dict[int, dict[str, Any]]) -> None:
    alone, together = runs[1]["ranks"][0]["usage"], sum(rank["usage"] for rank in runs[2]["ranks"])
    assert int(alone.sum()) == int(together.sum()) > 0
    # A token between two codewords may fall to either side by the last digit of a sum.
    assert int((alone - together).abs().sum()) < 0.02 * int(alone.sum())


@pytest.mark.parametrize("count", [2, 4])
def test_the_parts_of_a_batch_are_those_of_the_whole(count: int, phantoms: Path) -> None:
    labelled, unlabelled = labelled_and_unlabelled(find_cases(phantoms), read_splits(phantoms), "10%")
    data = DataConfig(folder=str(phantoms), phantom_patients=1, phantom_share=0.5)
    pools = load_pools(labelled, unlabelled, data, PreprocessConfig(image_side=64))
    sampler = ViewSampler(pools, AugmentationConfig(crop=32, ramp_steps=0), data, torch.device("cpu"))

    def draw(share: Share, size: int) -> Batch:
        return sampler.draw(5, size, size, generator(), share)

    whole, parts = draw(Share(), 8), [draw(Share(index, count), 8 // count) for index in range(count)]
    joined = {name: torch.cat([getattr(part, name) for part in parts]) for name in ("images", "labels", "weak", "strong")}
    assert torch.equal(joined.pop("labels"), whole.labels)
    for name, values in joined.items():
        # The last elements of an array may be computed by another instruction, which rounds otherwise; the batch decides which those are.
        torch.testing.assert_close(values, getattr(whole, name), atol=1e-5, rtol=0, msg=name)


@pytest.mark.parametrize("mode", ["resample", "shuffle"])
def test_the_parts_of_a_perturbation_are_those_of_the_whole(mode: Any) -> None:
    perturbation, codewords = QuantizedPerturbation(mode), torch.randn(20, 4, generator=generator())
    indices = torch.randint(20, (6, 5, 5), generator=generator())
    whole = perturbation(indices, codewords, 0.6, generator())
    parts = [perturbation(part, codewords, 0.6, generator(), Share(index, 3)) for index, part in enumerate(indices.split(2))]
    assert torch.equal(torch.cat(parts), whole)
    features = torch.ones(6, 4, 5, 5)
    for dropout in (FeatureDropout(), FeatureDropout(channels=True)):
        parts = [dropout(part, 0.6, generator(), Share(index, 3)) for index, part in enumerate(features.split(2))]
        assert torch.equal(torch.cat(parts), dropout(features, 0.6, generator()))


def test_the_accelerate_configurations_name_how_many_processes_there_are() -> None:
    files = {file.stem: yaml.safe_load(file.read_text()) for file in (ROOT / "configs" / "accelerate").glob("*.yaml")}
    assert {name: (one["num_machines"], one["num_processes"]) for name, one in files.items()} == {
        "one-gpu": (1, 1),
        "four-gpus": (1, 4),
        "two-machines": (2, 8),
        "two-cpu-processes": (1, 2),
    }


def test_the_configuration_of_two_processes_starts_two_on_the_cpu(tmp_path: Path) -> None:
    script = tmp_path / "count.py"
    config = "from vqseg.config import TrainConfig\nfrom vqseg.training.trainer import _accelerator\n"
    # Each process writes a file of its own: lines of two that print at once may run into each other.
    report = 'from pathlib import Path\nPath(f"process-{here.process_index}").write_text(f"{here.num_processes} {here.device.type}")\n'
    script.write_text(f"{config}here = _accelerator(TrainConfig())\n{report}")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    file = ROOT / "configs" / "accelerate" / "two-cpu-processes.yaml"
    command = ["-m", "accelerate.commands.launch", "--config_file", str(file), "--main_process_port", str(port), str(script)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    started = subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=200, cwd=tmp_path, env=environment)
    told = {file.name: file.read_text() for file in tmp_path.glob("process-*")}
    assert told == {"process-0": "2 cpu", "process-1": "2 cpu"}, started.stderr[-2000:]


def test_two_processes_make_one_table(phantoms: Path, tmp_path: Path) -> None:
    save_config(tiny_config(phantoms, tmp_path / "unused", steps=6, codebook_start=2), tmp_path / "tiny.yaml")
    results = tmp_path / "results"
    command = ["table", "evolution", "--config", tmp_path / "tiny.yaml", "--output", results, "--work", tmp_path / "cells"]
    for _ in range(2):
        outputs = together([sys.executable, "-m", "vqseg", *map(str, command)], 2)
        assert [str(results / "evolution.md") in output for output in outputs] == [True, False]
        (result,) = json.loads((results / "evolution.json").read_text())["rows"][0]["results"]
        assert result["processes"] == 2
        moments = json.loads((results / "evolution-moments.json").read_text())
        lines = (results / "evolution.md").read_text().splitlines()
        assert [line.split(" | ")[0] for line in lines if line.startswith("| ") and " of 64 (" in line] == [
            f"| {one['step']}" for one in moments
        ]
