"""A checkpoint in several stages from one file: what runs, what is not run again, and what comes out."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from safetensors.torch import load_file
from scipy import ndimage

from tests.tiny import tiny_config, tiny_model
from vqseg.checkpoint import load_model, save_model, weights_digest
from vqseg.cli import main
from vqseg.config import ConfigError, to_mapping
from vqseg.data.datasets import find_cases
from vqseg.data.scan import read_labels
from vqseg.data.splits import labelled_and_unlabelled, read_splits, select
from vqseg.evaluation import evaluate_split
from vqseg.recipe import PseudoLabelling, RecipeError, load_recipe, run_recipe
from vqseg.training.trainer import Trainer

ROOT = Path(__file__).parents[1]
LIDC = ROOT.parent / "shared" / "data" / "LIDC"
COMMAND = [sys.executable, "-m", "vqseg", "recipe"]
# In processes of their own with as many threads: another number adds up in another order.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def tiny_recipe(data: Path, output: Path, **changes: Any) -> dict[str, Any]:
    """Three short stages: one with the method's own pseudo-labels, two with some that are made before."""
    values = {room: dict(settings) for room, settings in to_mapping(tiny_config(data, output)).items()}
    for room, name in (("train", "initial"), ("train", "output"), ("data", "pseudo_labels")):
        del values[room][name]
    ends = {"pseudo_labels": {"open_ends": True, "confidence": 0.0}}
    return {
        "name": "tiny",
        "output": str(output),
        "settings": values,
        "stages": [
            {"name": "start", "why": "Learns the labels."},
            {"name": "second", "settings": {"train": {"steps": 6, "codebook_start": 0}, "objective": {"unlabelled_start": 0}}} | ends,
            {"name": "third", "settings": {"train": {"learning_rate": 5e-4}}, "pseudo_labels": {"others": ["start"], "confidence": 0.0}},
        ],
        "card": {"licence": "cc0-1.0", "summary": "It segments phantoms.", "data": ["Phantoms, ours."], "limits": ["It is tiny."]},
    } | changes


def written(values: dict[str, Any], file: Path) -> Path:
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def finished(phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a recipe that has run."""
    folder = tmp_path_factory.mktemp("recipe")
    file = written(tiny_recipe(phantoms, folder / "runs"), folder / "tiny.recipe.yaml")
    assert subprocess.run([*COMMAND, str(file)], env=ENVIRONMENT, cwd=ROOT, capture_output=True, timeout=200).returncode == 0
    return file


# What a recipe says


def test_a_stage_keeps_the_settings_of_the_one_before_and_follows_from_it(phantoms: Path, tmp_path: Path) -> None:
    recipe = load_recipe(written(tiny_recipe(phantoms, tmp_path / "runs"), tmp_path / "a.yaml"))
    first, second, third = recipe.configs()
    assert (first.train.initial, first.data.pseudo_labels) == (None, None)
    assert second.train.initial == str(tmp_path / "runs" / "1-start" / "checkpoint")
    assert third.train.initial == str(tmp_path / "runs" / "2-second" / "checkpoint")
    assert third.data.pseudo_labels == str(tmp_path / "runs" / "3-third" / "pseudo-labels")
    assert (first.train.steps, second.train.steps, third.train.steps) == (12, 6, 6)
    assert (second.train.learning_rate, third.train.learning_rate) == (first.train.learning_rate, 5e-4)
    assert recipe.labellers(recipe.stages[2]) == ["second", "start"]
    assert [config.train.steps for config in recipe.configs(0.5)] == [6, 3, 3]


def test_a_recipe_can_start_from_a_checkpoint_which_also_makes_the_first_pseudo_labels(phantoms: Path, tmp_path: Path) -> None:
    training = {"config": to_mapping(tiny_config(phantoms, tmp_path / "before"))}
    save_model(tiny_model(3), tmp_path / "before", training=training)
    stage = {"name": "only", "settings": {"train": {"steps": 4, "codebook_start": 0}, "objective": {"unlabelled_start": 0}}}
    stages = [stage | {"pseudo_labels": {"confidence": 0.0, "weigh": True}}]
    values = tiny_recipe(phantoms, tmp_path / "runs", stages=stages, initial=str(tmp_path / "before"))
    recipe = load_recipe(written(values, tmp_path / "a.yaml"))
    assert recipe.configs()[0].train.initial == str(tmp_path / "before")
    assert recipe.labelling_checkpoints(recipe.stages[0]) == [str(tmp_path / "before")]
    made = run_recipe(recipe)
    assert made is not None
    notes = json.loads((tmp_path / "runs" / "1-only" / "pseudo-labels" / "pseudo-labels.json").read_text())
    assert (notes["weights"], notes["weigh"]) == (weights_digest(tmp_path / "before"), True)
    assert f"from the weights of `{tmp_path / 'before'}`" in (made / "README.md").read_text()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"stages": []}, "no stage"),
        ({"stages": [{"name": "initial"}]}, "as are the weights"),
        ({"stages": [{"name": "a"}, {"name": "a"}]}, "the same name"),
        ({"stages": [{"name": "../a"}]}, "is no name"),
        ({"stages": [{"name": "a", "pseudo_labels": {}}]}, "no stage before it"),
        ({"stages": [{"name": "a"}, {"name": "b", "pseudo_labels": {"stage": "c"}}]}, "'c'; before it come a"),
        ({"stages": [{"name": "a", "settings": {"train": {"initial": "x"}}}]}, "train.initial, which follows"),
        ({"stages": [{"name": "a", "settings": {"train": {"step": 3}}}]}, "stage a: train.step: unknown key"),
        ({"stages": [{"name": "a", "colour": 3}]}, "unknown key"),
        ({"name": "no name"}, "is no name"),
    ],
)
def test_a_recipe_that_cannot_be_run_is_refused_before_anything_runs(
    phantoms: Path, tmp_path: Path, change: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ConfigError, match=complaint):
        load_recipe(written(tiny_recipe(phantoms, tmp_path / "runs", **change), tmp_path / "a.yaml"))


@pytest.mark.parametrize("file", sorted((ROOT / "configs").glob("*.recipe.yaml")), ids=lambda path: path.name)
def test_the_recipes_of_the_project_can_be_read(file: Path) -> None:
    recipe = load_recipe(file)
    assert file.name == f"{recipe.name}.recipe.yaml"
    assert recipe.card.licence != "unknown" and recipe.card.limits
    assert all(stage.why for stage in recipe.stages)


@pytest.mark.parametrize("name", ["acdc-10", "acdc-05", "lidc-10"])
def test_a_shipped_checkpoint_was_trained_with_the_last_stage_of_its_recipe(name: str) -> None:
    settings = to_mapping(load_recipe(ROOT / "configs" / f"{name}.recipe.yaml").configs()[-1])
    shipped = json.loads((ROOT / "checkpoints" / name / "config.json").read_text())["training"]["config"]
    for room, values in shipped.items():
        for key, value in values.items():
            if (room, key) not in {("train", "initial"), ("train", "output"), ("data", "pseudo_labels")}:
                assert settings[room][key] == value, (room, key)


@pytest.mark.skipif(not LIDC.is_dir(), reason="needs ../shared/data/LIDC")
def test_the_usual_size_of_a_nodule_is_that_of_nine_of_ten_labelled_pieces() -> None:
    splits = read_splits(LIDC)
    labelled, _ = labelled_and_unlabelled(select(find_cases(LIDC), splits.train), splits, "10%")
    shares: list[float] = []
    for case in labelled:
        assert case.label is not None
        labels = read_labels(case.label)
        pieces, count = ndimage.label(labels > 0)
        shares += (np.bincount(pieces.ravel())[1:] / labels.size).tolist() if count else []
    served = load_model(ROOT / "checkpoints" / "lidc-10").preprocess
    assert served == load_recipe(ROOT / "configs" / "lidc-10.recipe.yaml").served()
    assert served.usual_size == tuple(float(f"{share:.1g}") for share in np.quantile(shares, (0.05, 0.95)))


# What it does


def test_a_recipe_ends_with_a_checkpoint_its_log_scores_and_card(finished: Path) -> None:
    recipe = load_recipe(finished)
    folder = Path(recipe.output) / "checkpoint"
    last = recipe.checkpoint("third")
    assert (folder / "model.safetensors").read_bytes() == (last / "model.safetensors").read_bytes()
    scores = json.loads((folder / "scores-val.json").read_text())
    assert scores == json.loads(json.dumps(evaluate_split(load_model(folder), recipe.configs()[-1].data.folder, "val")))
    lines = [json.loads(line) for line in gzip.decompress((folder / "log.jsonl.gz").read_bytes()).splitlines()]
    assert list(dict.fromkeys(line["stage"] for line in lines)) == ["start", "second", "third"]
    assert [line["step"] for line in lines if line["stage"] == "start" and "loss" in line][-1] == 12
    card = (folder / "README.md").read_text()
    assert card.startswith("---\nlicense: cc0-1.0\n")
    for said in (
        "Learns the labels.",
        "Pseudo-labels by second and start",
        "train.learning_rate 0.0005",
        "It is tiny.",
        "not for clinical use",
    ):
        assert said in card
    assert f"{scores['mean']['dice']:.4f}" in card
    assert not list(Path(recipe.output).glob("*/state"))


def test_pseudo_labels_come_from_the_stages_that_are_named(finished: Path) -> None:
    recipe = load_recipe(finished)
    notes = [json.loads((recipe.folder(name) / "pseudo-labels" / "pseudo-labels.json").read_text()) for name in ("second", "third")]
    assert notes[0]["open_ends"] is True and "others" not in notes[0]
    assert "open_ends" not in notes[1] and len(notes[1]["others"]) == 1
    assert notes[1]["checkpoint"] == str(recipe.checkpoint("second"))


def test_what_is_finished_is_not_run_again(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {file: file.read_bytes() for file in (Path(load_recipe(finished).output) / "checkpoint").iterdir()}
    monkeypatch.setattr(Trainer, "run", lambda *_, **__: pytest.fail("a finished stage was run again"))
    monkeypatch.setattr("vqseg.recipe.run.evaluate_split", lambda *_, **__: pytest.fail("a measured checkpoint was measured again"))
    assert main(["recipe", str(finished)]) == 0
    assert {file: file.read_bytes() for file in before} == before


def test_a_finished_stage_of_other_settings_is_refused(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = load_recipe(finished)
    changed = replace(recipe, stages=(recipe.stages[0], replace(recipe.stages[1], pseudo_labels=PseudoLabelling(confidence=0.0))))
    with pytest.raises(RecipeError, match=r"2-second was run with other settings"):
        run_recipe(changed)
    assert main(["recipe", str(finished), "--until", "fourth"]) == 2
    assert "there is no stage 'fourth'" in capsys.readouterr().err


def test_a_recipe_can_be_run_up_to_a_stage_and_rounds_its_weights_if_asked(phantoms: Path, tmp_path: Path) -> None:
    values = tiny_recipe(phantoms, tmp_path / "runs", half_precision=True)
    values["stages"] = [*values["stages"][:1], {"name": "next", "settings": {"train": {"steps": 4, "codebook_start": 0}}}]
    recipe = load_recipe(written(values, tmp_path / "a.yaml"))
    assert run_recipe(recipe, until="start") is None
    assert not (tmp_path / "runs" / "checkpoint").exists()
    folder = run_recipe(recipe)
    assert folder is not None
    whole, rounded = (load_file(one / "model.safetensors") for one in (recipe.checkpoint("next"), folder))
    assert {str(value.dtype) for value in rounded.values()} == {"torch.float16"}
    for name, value in whole.items():
        assert bool(rounded[name].isfinite().all())
        assert (rounded[name].float() - value).abs().max() <= 1e-3 * max(1.0, float(value.abs().max()))
    scores = json.loads((folder / "scores-val.json").read_text())
    assert scores == json.loads(json.dumps(evaluate_split(load_model(folder), phantoms, "val")))


def test_a_recipe_that_is_killed_goes_on_to_the_same_checkpoint(phantoms: Path, finished: Path, tmp_path: Path) -> None:
    """Killed several times, at moments that differ from machine to machine: the bytes must not."""
    file = written(tiny_recipe(phantoms, tmp_path / "runs"), tmp_path / "tiny.recipe.yaml")
    command = [*COMMAND, str(file)]
    seen: set[str] = set()
    for wanted in ("1-start/state", "2-second/pseudo-labels/pseudo-labels.json", "3-third/log.jsonl"):
        process = subprocess.Popen(command, env=ENVIRONMENT, cwd=ROOT, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 100
        while process.poll() is None and not (tmp_path / "runs" / wanted).exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            seen.add(wanted)
        process.wait(30)
    assert len(seen) == 3
    assert subprocess.run(command, env=ENVIRONMENT, cwd=ROOT, capture_output=True, timeout=150).returncode == 0
    ours, theirs = (load_file(Path(load_recipe(one).output) / "checkpoint" / "model.safetensors") for one in (file, finished))
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        assert value.equal(theirs[name]), name
