"""Whole runs of a tiny network on phantoms: what they write, how they go on, how they stop, and what one step means."""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import Tensor, nn

from tests.tiny import tiny_config, tiny_model
from vqseg.checkpoint import CheckpointError, load_model
from vqseg.cli import main
from vqseg.config import AugmentationConfig, Config, ObjectiveConfig, TrainConfig, load_config, save_config, to_mapping
from vqseg.data.augmentation import draw_mixing, mix
from vqseg.data.regions import largest_regions
from vqseg.losses.objective import Objective
from vqseg.losses.segmentation import segmentation_loss
from vqseg.training import state as state_module
from vqseg.training.schedule import codebook_start, learning_rate_schedule, snapshot_steps, strength_at
from vqseg.training.snapshots import gather_snapshots, take_snapshot
from vqseg.training.state import refuse_changes
from vqseg.training.step import training_step
from vqseg.training.teacher import Teacher
from vqseg.training.trainer import Trainer, TrainingError
from vqseg.types import Batch, LossTerms, Share, VQSegOutput

CLOCK = ("steps_per_second", "images_per_second")


def log_of(config: Config) -> list[dict[str, Any]]:
    """The log without what the clock says."""
    lines = (Path(config.train.output) / "log.jsonl").read_text().splitlines()
    return [{key: value for key, value in json.loads(line).items() if key not in CLOCK} for line in lines]


class InterruptedRunError(Exception):
    pass


def interrupt_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    original = Trainer._optimise

    def stopping(self: Trainer) -> Any:
        if self.step == step:
            raise InterruptedRunError
        return original(self)

    monkeypatch.setattr(Trainer, "_optimise", stopping)


@pytest.fixture(scope="module")
def whole_run(phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Config:
    config = tiny_config(phantoms, tmp_path_factory.mktemp("whole") / "run", log_every=1, evaluate_every=12)
    Trainer(config).run()
    return config


# A run


def test_a_run_writes_log_state_checkpoint_and_snapshots(whole_run: Config) -> None:
    output = Path(whole_run.train.output)
    assert {path.name for path in output.iterdir()} == {"checkpoint", "config.yaml", "log.jsonl", "snapshots", "state"}
    assert {path.name for path in (output / "checkpoint").iterdir()} == {"config.json", "model.safetensors", "snapshots.npz"}
    steps = [line for line in log_of(whole_run) if "loss" in line]
    assert [line["step"] for line in steps] == list(range(1, 13))
    assert all(np.isfinite(line["loss"]) for line in steps)
    # Before the codebook is placed there is no quantizer loss, and before its start no unlabelled loss.
    assert [line["quantizer"] > 0 for line in steps] == [False] * 4 + [True] * 8
    assert [line["unlabelled_segmentation"] > 0 for line in steps] == [False] * 5 + [True] * 7
    assert [line["unlabelled_weight"] for line in steps][4:9] == [0.0, 0.3333, 0.6667, 1.0, 1.0]
    assert all(line["replaced_share"] > 0.5 for line in steps[5:])
    [validation] = [line["validation"] for line in log_of(whole_run) if "validation" in line]
    assert set(validation) == {"dice", "dice_RV", "dice_MYO", "dice_LV"}


def test_the_checkpoint_says_how_it_came_about(whole_run: Config) -> None:
    values = json.loads((Path(whole_run.train.output) / "checkpoint" / "config.json").read_text())
    assert values["training"]["steps"] == 12
    assert values["training"]["config"]["data"]["labelled"] == "10%"
    assert load_model(Path(whole_run.train.output) / "checkpoint").config == whole_run.model


def test_the_checkpoint_is_the_teacher(whole_run: Config) -> None:
    output = Path(whole_run.train.output)
    saved, state = load_file(output / "checkpoint" / "model.safetensors"), load_file(output / "state" / "state.safetensors")
    for name, value in saved.items():
        assert torch.equal(value, state[f"teacher.averaged.module.{name}"]), name
    assert any(not torch.equal(value, state[f"student.{name}"]) for name, value in saved.items())


def test_snapshots_hold_codewords_and_counts_of_each_moment(whole_run: Config) -> None:
    checkpoint = Path(whole_run.train.output) / "checkpoint"
    with np.load(checkpoint / "snapshots.npz", allow_pickle=False) as content:
        assert set(content.files) == {"steps", "codewords", "counts"}
        steps, codewords, counts = (content[name] for name in ("steps", "codewords", "counts"))
    assert steps.dtype == np.int64
    assert steps.tolist() == snapshot_steps(whole_run.train)
    assert codewords.dtype == np.float16
    assert codewords.shape == (3, 64, 16)
    assert counts.dtype == np.int32
    assert counts.shape == (3, 64)
    # Every moment counts the same slices, of 24 x 24 tokens at most; the last one is the checkpoint itself.
    assert len(set(counts.sum(1).tolist())) == 1
    with torch.no_grad():
        np.testing.assert_allclose(codewords[-1], load_model(checkpoint).quantizer.codewords(), atol=2e-3, rtol=1e-3)


def test_a_new_run_over_an_old_one_is_refused(whole_run: Config) -> None:
    before = log_of(whole_run)
    with pytest.raises(TrainingError, match="already holds a run: continue it with --resume"):
        Trainer(whole_run).run()
    assert log_of(whole_run) == before


# Going on


@pytest.mark.parametrize("rank", [0, 1])
def test_no_process_writes_into_the_folder_before_all_have_looked_at_it(
    phantoms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rank: int
) -> None:
    trainer = Trainer(tiny_config(phantoms, tmp_path / "run", steps=1))
    done: list[str] = []
    trainer.group = replace(trainer.group, share=Share(rank, 2), wait=lambda: done.append("wait"))
    trainer.main = trainer.group.main
    for name in ("recover", "refuse_second_run", "begin"):
        monkeypatch.setattr(trainer.folder, name, lambda *_, name=name: done.append(name))

    def stop() -> None:
        raise InterruptedError

    monkeypatch.setattr(trainer, "_load_data", stop)
    with pytest.raises(InterruptedError):
        trainer.run(resume=True)
    own = {"recover", "begin"} if rank else set()
    assert done == [name for name in ("recover", "wait", "refuse_second_run", "wait", "begin") if name not in own]


@pytest.mark.parametrize(
    ("saved", "stopped"),
    [(3, 5), (4, 4), (5, 6), (7, 8), (10, 11)],
    ids=["before the codebook", "at its placing", "at the unlabelled branch", "at a revival", "late"],
)
def test_a_resumed_run_equals_the_uninterrupted_one_bit_for_bit(
    whole_run: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, saved: int, stopped: int
) -> None:
    config = replace(whole_run, train=replace(whole_run.train, output=str(tmp_path / "run"), checkpoint_every=saved))
    with monkeypatch.context() as patch:
        interrupt_at(stopped, patch)
        with pytest.raises(InterruptedRunError):
            Trainer(config).run()
    torch.manual_seed(123)
    torch.randn(7)
    resumed = Trainer(config)
    resumed.run(resume=True)
    assert log_of(config) == log_of(whole_run)
    for name in ("state/state.safetensors", "checkpoint/model.safetensors"):
        ours, theirs = (load_file(Path(one.train.output) / name) for one in (config, whole_run))
        assert ours.keys() == theirs.keys()
        for key, value in theirs.items():
            assert torch.equal(ours[key], value), key
    with (
        np.load(tmp_path / "run/checkpoint/snapshots.npz") as ours,
        np.load(Path(whole_run.train.output) / "checkpoint/snapshots.npz") as theirs,
    ):
        for key in theirs.files:
            np.testing.assert_array_equal(ours[key], theirs[key])


def interrupted(whole: Config, output: Path, monkeypatch: pytest.MonkeyPatch, *, saved: int = 3, stopped: int = 11) -> Config:
    """A run that was cut off with two states on the disk."""
    config = replace(whole, train=replace(whole.train, output=str(output), checkpoint_every=saved))
    with monkeypatch.context() as patch:
        interrupt_at(stopped, patch)
        with pytest.raises(InterruptedRunError):
            Trainer(config).run()
    return config


@pytest.mark.parametrize("damage", ["weights", "notes", "empty notes", "no notes"])
def test_a_damaged_state_falls_back_to_the_one_before_and_says_so(
    whole_run: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    config = interrupted(whole_run, tmp_path / "run", monkeypatch)
    state = tmp_path / "run" / "state"
    assert json.loads((tmp_path / "run" / "state-before" / "state.json").read_text())["step"] == 6
    if damage == "weights":
        content = bytearray((state / "state.safetensors").read_bytes())
        content[len(content) // 2] ^= 255
        (state / "state.safetensors").write_bytes(content)
    elif damage == "no notes":
        (state / "state.json").unlink()
    else:
        (state / "state.json").write_text("{}" if damage == "empty notes" else '{"step": 9')
    # As a state of an earlier version, which had no checksums.
    if damage == "empty notes":
        (state / "state.sha256").unlink()
    Trainer(config).run(resume=True)
    assert "going on from the state before it, of step 6" in caplog.text
    assert log_of(config) == log_of(whole_run)
    ours, theirs = (load_file(Path(one.train.output) / "checkpoint/model.safetensors") for one in (config, whole_run))
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
    assert not (tmp_path / "run" / "state-before").exists()


def test_two_damaged_states_are_one_sentence(
    whole_run: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = interrupted(whole_run, tmp_path / "run", monkeypatch)
    for name in ("state", "state-before"):
        (tmp_path / "run" / name / "state.json").write_text("{}")
    save_config(config, tmp_path / "run.yaml")
    assert main(["train", "--config", str(tmp_path / "run.yaml"), "--resume"]) == 2
    (line,) = [one for one in capsys.readouterr().err.splitlines() if one.startswith("error:")]
    assert "cannot resume from" in line


def test_what_a_killed_process_left_is_cleared_away(whole_run: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = interrupted(whole_run, tmp_path / "run", monkeypatch)
    (tmp_path / "run" / ".state-abc123").mkdir()
    (tmp_path / "run" / ".state-abc123" / "state.safetensors").write_bytes(b"half")
    Trainer(config).run(resume=True)
    assert not list((tmp_path / "run").glob(".state-*"))


def test_a_full_disk_is_one_line_and_keeps_the_state(
    whole_run: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = replace(whole_run, train=replace(whole_run.train, output=str(tmp_path / "run"), checkpoint_every=3))
    save_config(config, tmp_path / "run.yaml")
    original = state_module.save_tensors

    def full(tensors: Any, notes: Any, folder: Path, name: str) -> None:
        original(tensors, notes, folder, name)
        if notes["step"] == 9:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder / name))

    with monkeypatch.context() as patch:
        patch.setattr(state_module, "save_tensors", full)
        assert main(["train", "--config", str(tmp_path / "run.yaml")]) == 2
    assert [one for one in capsys.readouterr().err.splitlines() if "Traceback" in one] == []
    assert json.loads((tmp_path / "run" / "state" / "state.json").read_text())["step"] == 6
    Trainer(config).run(resume=True)
    assert log_of(config) == log_of(whole_run)


def test_a_class_that_no_label_shows_is_named_before_the_first_step(
    phantoms: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = shutil.copytree(phantoms, tmp_path / "data")
    for file in (data / "labelsTr").iterdir():
        image = nib.load(file)
        values = np.asarray(image.dataobj)
        nib.save(nib.Nifti1Image(np.where(values == 2, 0, values).astype(np.uint8), image.affine), file)
    interrupt_at(0, monkeypatch)
    with pytest.raises(InterruptedRunError):
        Trainer(tiny_config(data, tmp_path / "run")).run()
    assert "no labelled slice shows MYO" in caplog.text


def test_runs_of_one_seed_are_equal_and_of_another_are_not(phantoms: Path, tmp_path: Path) -> None:
    weights = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        folder = Trainer(tiny_config(phantoms, tmp_path / name, steps=6, seed=seed)).run()
        weights.append(load_file(folder / "model.safetensors")["encoder.project.weight"])
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_resuming_without_a_run_starts_one(phantoms: Path, tmp_path: Path) -> None:
    assert Trainer(tiny_config(phantoms, tmp_path / "run", steps=1)).run(resume=True).is_dir()


def test_resuming_with_another_architecture_is_refused(whole_run: Config) -> None:
    changed = replace(whole_run, model=replace(whole_run.model, codebook_size=32))
    with pytest.raises(CheckpointError, match="configuration has changed"):
        Trainer(changed).run(resume=True)


@pytest.mark.parametrize(
    ("room", "changes"),
    [
        ("data", {"labelled": "all"}),
        ("train", {"learning_rate": 5e-4}),
        ("train", {"warmup_steps": 0}),
        ("objective", {"strength": 0.1}),
    ],
)
def test_resuming_with_other_settings_is_refused_by_their_names(whole_run: Config, room: str, changes: dict[str, Any]) -> None:
    before = log_of(whole_run)
    changed = replace(whole_run, **{room: replace(getattr(whole_run, room), **changes)})
    with pytest.raises(CheckpointError, match=f"configuration has changed.*{room}.{next(iter(changes))} was"):
        Trainer(changed).run(resume=True)
    assert log_of(whole_run) == before


def test_a_state_from_before_a_setting_stands_for_its_default() -> None:
    now = to_mapping(Config())
    before = to_mapping(Config())
    del before["preprocess"]["largest_of_each"]
    refuse_changes(Path("state"), before, now)
    now["preprocess"] |= {"largest_region": True, "largest_of_each": True}
    with pytest.raises(CheckpointError, match=r"preprocess\.largest_of_each was False and is True"):
        refuse_changes(Path("state"), before, now)


def test_a_run_may_go_on_elsewhere_and_say_so_more_often(whole_run: Config, tmp_path: Path) -> None:
    shutil.copytree(whole_run.train.output, tmp_path / "moved")
    train = replace(whole_run.train, output=str(tmp_path / "moved"), log_every=1, checkpoint_every=2, evaluate_every=6)
    assert Trainer(replace(whole_run, train=train)).run(resume=True).is_dir()


@pytest.mark.parametrize("begun", [2, 4, 6])
def test_a_run_that_goes_on_for_longer_has_the_learning_rates_of_its_new_length(phantoms: Path, tmp_path: Path, begun: int) -> None:
    rates = []
    for name, lengths in (("whole", (9,)), ("parts", (begun, 9))):
        for steps in lengths:
            config = tiny_config(phantoms, tmp_path / name, steps=steps, log_every=1)
            Trainer(config).run(resume=True)
        assert load_config(tmp_path / name / "config.yaml") == config
        rates.append([line["learning_rate"] for line in log_of(config) if "learning_rate" in line][begun:])
    assert len(rates[0]) == 9 - begun
    np.testing.assert_allclose(rates[1], rates[0], rtol=1e-6)


def test_a_run_cannot_go_back(whole_run: Config) -> None:
    with pytest.raises(TrainingError, match=r"is at step 12, but train\.steps is only 6"):
        Trainer(replace(whole_run, train=replace(whole_run.train, steps=6))).run(resume=True)


def test_a_fully_labelled_run_counts_the_images_it_sees(phantoms: Path, tmp_path: Path) -> None:
    config = tiny_config(phantoms, tmp_path / "run")
    config = replace(config, data=replace(config.data, labelled="all"))
    Trainer(config).run()
    lines = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    seen = [(line["images_per_second"], 2 * line["steps_per_second"]) for line in lines if "images_per_second" in line]
    assert len(seen) == 6
    for images, twice in seen:
        assert images == pytest.approx(twice, rel=0.05)


def test_heart_phantoms_are_not_mixed_into_other_structures(phantoms: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(phantoms, data)
    described = json.loads((data / "dataset.json").read_text())
    described["labels"] = {"background": 0, "kidney": 1, "tumour": 2, "cyst": 3}
    (data / "dataset.json").write_text(json.dumps(described))
    config = tiny_config(data, tmp_path / "run")
    config = replace(config, model=replace(config.model, classes=tuple(described["labels"])), data=replace(config.data, phantom_patients=1))
    with pytest.raises(TrainingError, match=r"set data\.phantom_patients to 0"):
        Trainer(config).run()


def test_a_run_shorter_than_the_wait_for_the_codebook_still_places_it(phantoms: Path, tmp_path: Path) -> None:
    config = tiny_config(phantoms, tmp_path / "run", steps=2, codebook_start=200)
    model = load_model(Trainer(config).run())
    # Placed on normalised features, the codewords have their length; random ones would not.
    with torch.no_grad():
        lengths = model.quantizer.codewords().norm(dim=1)
    torch.testing.assert_close(lengths, torch.full((64,), 4.0), atol=0.3, rtol=0)
    assert (tmp_path / "run/checkpoint/snapshots.npz").is_file()


# Stopping


def spoil(monkeypatch: pytest.MonkeyPatch, step: int, how: Any) -> None:
    original = Objective.__call__

    def spoilt(self: Objective, terms: LossTerms, now: int) -> Tensor:
        loss = original(self, terms, now)
        return how(loss, terms) if now == step else loss

    monkeypatch.setattr(Objective, "__call__", spoilt)


@pytest.mark.parametrize(
    ("step", "how"),
    [
        (7, lambda loss, terms: loss * float("nan")),
        (8, lambda loss, terms: loss + float("inf")),
        # A finite loss with a gradient of 0 x infinity, in the last step before a state is saved.
        (11, lambda loss, terms: loss + (terms.segmentation * 0).sqrt()),
    ],
    ids=["NaN", "infinite", "gradient"],
)
def test_a_non_finite_loss_stops_the_run_and_keeps_the_last_good_state(
    phantoms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int, how: Any
) -> None:
    config = tiny_config(phantoms, tmp_path / "run")
    with monkeypatch.context() as patch:
        spoil(patch, step, how)
        with pytest.raises(TrainingError, match=r"NaN or infinite by step \d+; the last good state is in .*state"):
            Trainer(config).run()
    assert json.loads((tmp_path / "run/state/state.json").read_text())["step"] == 6
    assert all(bool(value.isfinite().all()) for value in load_file(tmp_path / "run/state/state.safetensors").values())
    assert not (tmp_path / "run/checkpoint").exists()
    assert Trainer(config).run(resume=True).is_dir()


def test_a_run_that_breaks_before_its_first_state_says_so(phantoms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(monkeypatch, 0, lambda loss, terms: loss * float("nan"))
    with pytest.raises(TrainingError, match="no checkpoint was written yet"):
        Trainer(tiny_config(phantoms, tmp_path / "run")).run()


def test_other_classes_than_the_data_sets_are_refused(phantoms: Path, tmp_path: Path) -> None:
    config = tiny_config(phantoms, tmp_path / "run")
    with pytest.raises(TrainingError, match="has the classes"):
        Trainer(replace(config, model=replace(config.model, classes=("background", "LV", "MYO", "RV")))).run()


# Whose labels are read


def test_labels_of_unlabelled_patients_are_never_read(phantoms: Path, tmp_path: Path) -> None:
    data = shutil.copytree(phantoms, tmp_path / "data")
    labelled = json.loads((data / "splits.json").read_text())["labeled"]["10%"]
    train = json.loads((data / "splits.json").read_text())["train"]
    others = [path for path in (data / "labelsTr").iterdir() if path.name.split("_")[0] in set(train) - set(labelled)]
    assert len(others) == 4
    for path in others:
        path.write_bytes(b"no label file")
    with_garbage = Trainer(tiny_config(data, tmp_path / "garbage", steps=8)).run()
    for path in others:
        path.unlink()
    without = Trainer(tiny_config(data, tmp_path / "without", steps=8)).run()
    whole = Trainer(tiny_config(phantoms, tmp_path / "whole", steps=8)).run()
    contents = {(folder / "model.safetensors").read_bytes() for folder in (with_garbage, without, whole)}
    assert len(contents) == 1


# What a run learns


def test_a_tiny_run_learns_its_labelled_slices(phantoms: Path, tmp_path: Path) -> None:
    config = tiny_config(
        phantoms, tmp_path / "run", steps=150, batch_labelled=4, codebook_start=40, revive_every=20,
        learning_rate=5e-3, log_every=10, checkpoint_every=150, snapshots=1,
    )  # fmt: skip
    still = AugmentationConfig(crop=64, rotation=0, scale=(1, 1), shear=0, elastic=0, flip=False, focus=1, cutmix=0)
    Trainer(replace(config, augmentation=still, objective=ObjectiveConfig(unlabelled=0.0, dice=1.0))).run()
    dice = [line["dice_labelled"] for line in log_of(config) if "dice_labelled" in line]
    assert np.mean(dice[-3:]) > 0.4
    assert np.mean(dice[-3:]) > dice[0] + 0.3


# One step


def batch_of(seed: int = 0, *, unlabelled: bool = True) -> Batch:
    g = torch.Generator().manual_seed(seed)
    images, weak, strong = (torch.rand(3, 1, 48, 48, generator=g) for _ in range(3))
    labels = torch.randint(4, (3, 48, 48), generator=g)
    return Batch(images, labels, weak, strong) if unlabelled else Batch(images, labels)


def one_step(student: nn.Module, teacher: Any, batch: Batch, **changes: Any) -> LossTerms:
    objective = ObjectiveConfig(**({"confidence": 0.3, "strength": 0.7} | changes))
    generator = torch.Generator().manual_seed(5)
    return training_step(student, teacher, batch, generator, objective=objective, augmentation=AugmentationConfig(cutmix=1.0))


def test_every_parameter_of_the_student_has_a_gradient_and_the_teacher_none() -> None:
    student = tiny_model().train()
    teacher = Teacher(student, 0.99)
    terms = one_step(student, teacher, batch_of())
    Objective(ObjectiveConfig(unlabelled_start=0, unlabelled_ramp=0))(terms, 0).backward()
    for name, parameter in student.named_parameters():
        assert parameter.grad is not None, name
        assert float(parameter.grad.abs().sum()) > 0, name
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in teacher.parameters())


@pytest.mark.parametrize("term", ["segmentation", "reconstruction", "quantizer", "unlabelled_segmentation", "unlabelled_reconstruction"])
def test_every_term_reaches_the_encoder(term: str) -> None:
    student = tiny_model().train()
    getattr(one_step(student, Teacher(student, 0.99), batch_of()), term).backward()
    assert float(student.encoder.stem[0][0].weight.grad.abs().sum()) > 0


class Recorder(nn.Module):
    """Notes what a network was given and gives fixed logits that depend on the image."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Tensor, dict[str, Any]]] = []

    def forward(self, images: Tensor, **settings: Any) -> VQSegOutput:
        self.calls.append((images, settings))
        logits = torch.cat([3 * images, torch.sin(9 * images), 1 - images, images**2], 1)
        replaced = torch.zeros(len(images), 4, 4, dtype=torch.bool)
        return VQSegOutput(logits, 0.9 * images, images, replaced.long(), replaced, images.mean() * len(self.calls))


class RecordingTeacher:
    def __init__(self) -> None:
        self.calls: list[Tensor] = []

    def probabilities(self, images: Tensor, *, quantize: bool = True) -> Tensor:
        self.calls.append(images)
        return torch.cat([images, 2 * images, 1 - images, 0.5 * torch.ones_like(images)], 1).softmax(1)


def test_a_step_is_equations_7_to_9() -> None:
    student, teacher, batch = Recorder(), RecordingTeacher(), batch_of()
    terms = one_step(student, teacher, batch, confidence=0.35, dice=0.0)
    mixing = draw_mixing(3, (48, 48), AugmentationConfig(cutmix=1.0), torch.Generator().manual_seed(5))
    strong = mix(batch.strong, mixing)
    (labelled, plain), (unlabelled, perturbed) = student.calls
    # Labelled images and the teacher's weak view are unperturbed; only the strong view passes the QPM.
    assert torch.equal(labelled, batch.images)
    assert plain.get("strength", 0.0) == 0.0
    assert torch.equal(unlabelled, strong)
    assert perturbed["strength"] == 0.7
    assert len(teacher.calls) == 1
    assert torch.equal(teacher.calls[0], batch.weak)
    probabilities = RecordingTeacher().probabilities(batch.weak)
    pseudo, confident = mix(probabilities.argmax(1), mixing), mix(probabilities.amax(1) >= 0.35, mixing)
    assert 0.05 < float(confident.float().mean()) < 0.95
    out = Recorder()
    first, second = out(batch.images), out(strong)
    torch.testing.assert_close(terms.segmentation, F.cross_entropy(first.logits, batch.labels))
    torch.testing.assert_close(terms.reconstruction, (first.reconstruction - batch.images).abs().mean())
    picked = F.cross_entropy(second.logits, pseudo, reduction="none")
    torch.testing.assert_close(terms.unlabelled_segmentation, picked[confident].sum() / picked.numel())
    torch.testing.assert_close(terms.unlabelled_reconstruction, (second.reconstruction - strong).abs().mean())
    torch.testing.assert_close(terms.quantizer, (first.quantizer_loss + second.quantizer_loss) / 2)


@pytest.mark.parametrize("feature_stream", [False, True])
def test_the_labelled_branch_is_perturbed_like_the_other_if_asked_for(feature_stream: bool) -> None:
    student, batch = Recorder(), batch_of()
    terms = one_step(student, RecordingTeacher(), batch, perturb_labelled=True, feature_stream=feature_stream, strength=0.4, dice=0.0)
    images, settings = student.calls[0]
    assert torch.equal(images, batch.images)
    assert (settings["strength"], settings["perturbation"]) == (0.4, "qpm")
    perturbed = [settings["strength"] for _, settings in student.calls if "strength" in settings]
    assert perturbed == [0.4, 0.4]
    # The logits of the recorder do not depend on the perturbation.
    torch.testing.assert_close(terms.segmentation, F.cross_entropy(Recorder()(batch.images).logits, batch.labels))


def test_a_perturbed_labelled_branch_changes_its_loss() -> None:
    student = tiny_model().train()
    clean, perturbed = (
        float(one_step(student, Teacher(student, 0.99), batch_of(), perturb_labelled=on).segmentation) for on in (False, True)
    )
    assert clean != perturbed


def test_with_weak_views_the_student_sees_what_the_teacher_sees() -> None:
    student, teacher, batch = Recorder(), RecordingTeacher(), batch_of()
    terms = one_step(student, teacher, batch, student_view="weak", confidence=0.35, dice=0.0)
    images, settings = student.calls[1]
    assert torch.equal(images, batch.weak) and torch.equal(teacher.calls[0], batch.weak)
    assert settings["strength"] == 0.7
    probabilities = RecordingTeacher().probabilities(batch.weak)
    confident = probabilities.amax(1) >= 0.35
    picked = F.cross_entropy(Recorder()(batch.weak).logits, probabilities.argmax(1), reduction="none")
    torch.testing.assert_close(terms.unlabelled_segmentation, picked[confident].sum() / picked.numel())


def test_mixing_is_drawn_from_the_views_generator() -> None:
    batch = batch_of()
    strong = []
    for seed, views in ((5, None), (5, 9), (6, 9)):
        student = Recorder()
        generators = [torch.Generator().manual_seed(number) if number is not None else None for number in (seed, views)]
        training_step(
            student, RecordingTeacher(), batch, generators[0],
            objective=ObjectiveConfig(), augmentation=AugmentationConfig(cutmix=1.0), views=generators[1],
        )  # fmt: skip
        strong.append(student.calls[1][0])
    mixing = draw_mixing(3, (48, 48), AugmentationConfig(cutmix=1.0), torch.Generator().manual_seed(9))
    assert not torch.equal(strong[0], strong[1])
    assert torch.equal(strong[1], strong[2])
    assert torch.equal(strong[1], mix(batch.strong, mixing))


class ScatteringTeacher(RecordingTeacher):
    """Sure of structures that lie all over the picture."""

    def probabilities(self, images: Tensor, *, quantize: bool = True) -> Tensor:
        return F.one_hot((images[:, 0] > 0.7).long(), 4).movedim(-1, 1).float()


def test_islands_are_dropped_from_the_pseudo_labels_if_asked_for() -> None:
    batch = batch_of()
    hard = (batch.weak[:, 0] > 0.7).long()
    clean = largest_regions(hard)
    assert 0 < int(clean.sum()) < int(hard.sum())
    mixing = draw_mixing(3, (48, 48), AugmentationConfig(cutmix=1.0), torch.Generator().manual_seed(5))
    logits = Recorder()(mix(batch.strong, mixing)).logits
    for wanted, pseudo in ((False, hard), (True, clean)):
        terms = one_step(Recorder(), ScatteringTeacher(), batch, largest_region=wanted, dice=0.0)
        torch.testing.assert_close(terms.unlabelled_segmentation, F.cross_entropy(logits, mix(pseudo, mixing)))


@pytest.mark.parametrize("stream", [False, True])
def test_two_versions_of_an_image_count_half_each(stream: bool) -> None:
    student, batch = tiny_model().train(), batch_of()
    settings = {"perturbation": "complementary_dropout", "strength": 0.5, "feature_stream": stream}
    terms = one_step(student, RecordingTeacher(), batch, **settings)
    generator = torch.Generator().manual_seed(5)
    mixing = draw_mixing(3, (48, 48), AugmentationConfig(cutmix=1.0), generator)
    probabilities = RecordingTeacher().probabilities(batch.weak)
    target, sure = (mix(part, mixing) for part in (probabilities.argmax(1), probabilities.amax(1) >= 0.3))
    strong = mix(batch.strong, mixing)
    read, goal, mask = (batch.weak, probabilities.argmax(1), probabilities.amax(1) >= 0.3) if stream else (strong, target, sure)
    output = student(read, strength=0.5, perturbation="complementary_dropout", generator=generator)
    halves = [segmentation_loss(part, goal, dice=1.0, mask=mask) for part in output.logits.split(3)]
    assert not torch.allclose(halves[0], halves[1])
    expected = sum(halves) / 2
    if stream:
        clean = student(strong)
        expected = (expected + segmentation_loss(clean.logits, target, dice=1.0, mask=sure)) / 2
        torch.testing.assert_close(terms.unlabelled_reconstruction, (clean.reconstruction - strong).abs().mean())
    else:
        pictures = torch.cat([strong, strong])
        torch.testing.assert_close(terms.unlabelled_reconstruction, (output.reconstruction - pictures).abs().mean())
    torch.testing.assert_close(terms.unlabelled_segmentation, expected)


def test_two_versions_of_a_labelled_image_count_half_each() -> None:
    student, batch = tiny_model().train(), batch_of(unlabelled=False)
    settings = {"perturbation": "complementary_dropout", "strength": 0.5, "perturb_labelled": True}
    terms = one_step(student, RecordingTeacher(), batch, **settings)
    output = student(batch.images, strength=0.5, perturbation="complementary_dropout", generator=torch.Generator().manual_seed(5))
    halves = [segmentation_loss(part, batch.labels, dice=1.0) for part in output.logits.split(3)]
    torch.testing.assert_close(terms.segmentation, sum(halves) / 2)
    pictures = torch.cat([batch.images, batch.images])
    torch.testing.assert_close(terms.reconstruction, (output.reconstruction - pictures).abs().mean())
    assert 0 <= float(terms.figures["dice_labelled"]) <= 1


def test_a_step_without_unlabelled_views_asks_no_teacher() -> None:
    student, teacher = Recorder(), RecordingTeacher()
    terms = one_step(student, teacher, batch_of(unlabelled=False))
    assert len(student.calls) == 1
    assert teacher.calls == []
    assert float(terms.unlabelled_segmentation) == float(terms.unlabelled_reconstruction) == 0.0


# The teacher


@pytest.mark.parametrize("alpha", [0.5, 0.99])
def test_the_teacher_is_the_moving_average_by_its_recurrence(alpha: float) -> None:
    student = tiny_model()
    teacher = Teacher(student, alpha)
    expected = None
    for update in range(6):
        with torch.no_grad():
            for parameter in student.parameters():
                parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(update)))
        teacher.update(student)
        value = student.encoder.project.weight.detach().double()
        decay = min(alpha, (1 + update) / (10 + update))
        expected = value if expected is None else decay * expected + (1 - decay) * value
        torch.testing.assert_close(teacher.model.encoder.project.weight.double(), expected, atol=1e-5, rtol=1e-5)


def test_the_teacher_takes_over_a_codebook_as_it_is() -> None:
    student = tiny_model()
    teacher = Teacher(student, 0.99)
    teacher.update(student)
    student.quantizer.initialise(torch.randn(100, 16), torch.Generator().manual_seed(0))
    with torch.no_grad():
        student.quantizer.mapping.weight.mul_(1.5)
    assert not torch.equal(teacher.model.quantizer.codewords(), student.quantizer.codewords())
    teacher.copy_codebook(student)
    assert torch.equal(teacher.model.quantizer.codewords(), student.quantizer.codewords())
    # A copy, not the same memory.
    with torch.no_grad():
        student.quantizer.mapping.weight.mul_(2)
    assert not torch.equal(teacher.model.quantizer.codewords(), student.quantizer.codewords())


def test_codewords_that_are_placed_anew_leave_the_teachers_mapping_an_average(phantoms: Path, tmp_path: Path) -> None:
    trainer = Trainer(tiny_config(phantoms, tmp_path / "run"))
    trainer._start_folder()
    trainer._load_data()
    trainer.teacher.update(trainer.network)
    ours, theirs = trainer.network.quantizer, trainer.teacher.model.quantizer
    with torch.no_grad():
        ours.mapping.weight.mul_(1.1)
    mapping, basis = theirs.mapping.weight.clone(), ours.basis.clone()
    trainer.placing.tend(7, trainer.data.sampler, trainer.generator)
    assert not torch.equal(ours.basis, basis)
    assert torch.equal(theirs.mapping.weight, mapping)
    trainer.teacher.update(trainer.network)
    assert torch.equal(theirs.basis, ours.basis)
    assert not torch.equal(theirs.mapping.weight, ours.mapping.weight)


def test_the_teacher_stays_in_evaluation_mode_and_gives_probabilities_without_a_graph() -> None:
    student = tiny_model().train()
    teacher = Teacher(student, 0.99)
    teacher.update(student)
    probabilities = teacher.probabilities(torch.rand(2, 1, 48, 48))
    assert not teacher.model.training
    assert not probabilities.requires_grad
    torch.testing.assert_close(probabilities.sum(1), torch.ones(2, 48, 48))
    assert int(teacher.model.quantizer.usage.sum()) == 0


# Schedule and snapshots


@pytest.mark.parametrize(("steps", "warmup", "power"), [(50, 10, 0.9), (20, 0, 2.0), (5, 100, 1.0)])
def test_the_learning_rate_rises_linearly_and_decays_polynomially(steps: int, warmup: int, power: float) -> None:
    parameter = nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.AdamW([parameter], lr=0.3)
    schedule = learning_rate_schedule(optimizer, TrainConfig(steps=steps, warmup_steps=warmup, poly_power=power))
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        parameter.grad = torch.ones(1)
        optimizer.step()
        schedule.step()
    rise = min(warmup, steps - 1)
    expected = [
        0.3 * (step + 1) / (rise + 1) if step < rise else 0.3 * (1 - (step - rise) / (steps - rise)) ** power for step in range(steps)
    ]
    np.testing.assert_allclose(rates, expected, rtol=1e-9)
    assert schedule.get_last_lr()[0] == pytest.approx(0, abs=1e-12)


@given(step=st.integers(0, 10_000), start=st.integers(0, 3000), length=st.integers(1, 3000), strength=st.floats(0, 1))
def test_the_strength_stays_below_its_setting_and_does_not_jump(step: int, start: int, length: int, strength: float) -> None:
    for schedule in ("constant", "ramp", "periodic"):
        objective = ObjectiveConfig(strength=strength, strength_schedule=schedule, strength_steps=length, unlabelled_start=start)
        now, later = strength_at(objective, step), strength_at(objective, step + 1)
        assert 0 <= now <= strength
        assert abs(later - now) <= strength * math.pi / length + 1e-12
        if schedule != "periodic":
            assert now <= later
            assert now == strength or step < start + length


def test_the_strength_is_constant_rises_or_swings() -> None:
    def over(schedule: Any, *steps: int) -> list[float]:
        objective = ObjectiveConfig(strength=0.8, strength_schedule=schedule, strength_steps=40, unlabelled_start=100)
        return [strength_at(objective, step) for step in steps]

    assert over("constant", 0, 100, 999) == [0.8, 0.8, 0.8]
    np.testing.assert_allclose(over("ramp", 0, 99, 100, 119, 139, 140, 999), [0.02, 0.02, 0.02, 0.4, 0.8, 0.8, 0.8])
    np.testing.assert_allclose(over("periodic", 0, 100, 110, 120, 130, 140, 160), [0, 0, 0.4, 0.8, 0.4, 0, 0.8], atol=1e-12)


def test_a_run_follows_its_schedule_of_strength(phantoms: Path, tmp_path: Path) -> None:
    config = tiny_config(phantoms, tmp_path / "run", log_every=1)
    objective = replace(config.objective, strength_schedule="periodic", strength_steps=4, strength=1.0)
    Trainer(replace(config, objective=objective)).run()
    lines = {line["step"]: line for line in log_of(config) if "loss" in line}
    # The unlabelled branch begins with the sixth step.
    assert [lines[step]["strength"] for step in range(6, 11)] == [0, 0.5, 1, 0.5, 0]
    replaced = [lines[step]["replaced_share"] for step in range(6, 11)]
    assert replaced[0] == replaced[4] == 0 and replaced[2] == 1
    assert 0.35 < replaced[1] < 0.65 and 0.35 < replaced[3] < 0.65


@given(steps=st.integers(1, 5000), start=st.integers(0, 6000), count=st.integers(0, 20))
def test_snapshots_are_taken_after_the_codebook_stands_and_at_the_end(steps: int, start: int, count: int) -> None:
    config = TrainConfig(steps=steps, codebook_start=start, snapshots=count)
    moments = snapshot_steps(config)
    assert moments == sorted(set(moments))
    assert len(moments) <= count
    if count:
        assert moments[-1] == steps
        assert moments[0] > codebook_start(config)
    # Denser at the beginning, but for rounding.
    gaps = np.diff(moments)
    assert (np.diff(gaps) >= -1).all()


def test_a_snapshot_counts_the_codes_of_its_images(tmp_path: Path) -> None:
    model, images = tiny_model(), torch.rand(11, 1, 48, 64)
    counts = take_snapshot(model, images.half(), 7, tmp_path)
    with torch.no_grad():
        indices = torch.cat([model(image[None]).indices for image in images.half().float()])
    np.testing.assert_array_equal(counts, np.bincount(indices.flatten().numpy(), minlength=64))
    take_snapshot(model, images, 12, tmp_path)
    (tmp_path / "step_0000099.part").write_bytes(b"cut off")
    assert gather_snapshots(tmp_path, tmp_path) == 2
    with np.load(tmp_path / "snapshots.npz") as content:
        assert content["steps"].tolist() == [7, 12]
        np.testing.assert_array_equal(content["counts"][0], counts)


def test_the_moments_of_an_earlier_run_come_first_and_are_thinned(tmp_path: Path) -> None:
    model, images = tiny_model(), torch.rand(2, 1, 48, 64)
    first, second = tmp_path / "first", tmp_path / "second"
    for step in range(1, 9):
        take_snapshot(model, images, step, first)
    for step in range(10, 90, 10):
        take_snapshot(model, images, step, second)
    assert gather_snapshots(first, first) == 8
    assert gather_snapshots(second, second, first / "snapshots.npz") == 8
    with np.load(second / "snapshots.npz") as content:
        steps = content["steps"].tolist()
        assert content["codewords"].shape == (8, 64, 16)
    assert steps == sorted(set(steps))
    assert (steps[0], steps[-1]) == (1, 8 + 80)
    assert set(steps) <= {*range(1, 9), *range(18, 89, 10)}


def test_the_beginning_is_not_forgotten_over_many_runs(tmp_path: Path) -> None:
    model, images, earlier = tiny_model(), torch.rand(1, 1, 48, 64), None
    for run in range(5):
        for step in snapshot_steps(TrainConfig(steps=4000, codebook_start=199)):
            take_snapshot(model, images, step, tmp_path / str(run))
        gather_snapshots(tmp_path / str(run), tmp_path / str(run), earlier)
        earlier = tmp_path / str(run) / "snapshots.npz"
    with np.load(earlier) as content:
        steps = content["steps"]
    assert len(steps) == 8 and (steps[0], steps[-1]) == (200, 20000)
    # In even steps of the root, the second would be at 600 and the third at 1800.
    assert steps[1] < 1000 and steps[2] < 3000


def test_a_run_goes_on_with_the_patients_it_began_with(phantoms: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(phantoms, data)
    Trainer(tiny_config(data, tmp_path / "run", steps=6)).run()
    moved = data.rename(tmp_path / "moved")
    config = tiny_config(moved, tmp_path / "run", steps=8)
    splits = json.loads((moved / "splits.json").read_text())
    rest = [patient for patient in splits["train"] if patient not in splits["labeled"]["10%"]]
    for other in ({"labeled": {"10%": rest[:1]}}, {"train": splits["train"] + splits["val"], "val": []}):
        (moved / "splits.json").write_text(json.dumps(splits | other))
        with pytest.raises(TrainingError, match=r"the training patients of .*, or those with labels, have changed since the run"):
            Trainer(config).run(resume=True)
    (moved / "splits.json").write_text(json.dumps(splits))
    # A scan that no list names is none of the run's.
    first = next((moved / "imagesTr").iterdir())
    shutil.copy(first, first.with_name("patient999_frame01_0000.nii.gz"))
    assert Trainer(config).run(resume=True).is_dir()


def test_validation_patients_without_labels_are_left_out(phantoms: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(phantoms, data)
    (patient,) = json.loads((data / "splits.json").read_text())["val"]
    first, *others = sorted((data / "labelsTr").glob(f"{patient}_*"))
    assert others
    first.unlink()
    trainer = Trainer(tiny_config(data, tmp_path / "run", steps=2, evaluate_every=1))
    trainer.run()
    assert len(trainer.data.validation) == len(others)
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert sum("validation" in line for line in lines) == 2


def test_a_term_that_begins_within_a_line_of_the_log_is_the_mean_of_its_own_steps(phantoms: Path, tmp_path: Path) -> None:
    """The unlabelled branch begins at step 5, the codebook at step 4: two and three of the seven steps of one long line have them."""
    lines = {}
    for every in (1, 7):
        Trainer(tiny_config(phantoms, tmp_path / str(every), steps=7, log_every=every)).run()
        log = [json.loads(line) for line in (tmp_path / str(every) / "log.jsonl").read_text().splitlines()]
        lines[every] = [line for line in log if "loss" in line]
    assert len(lines[7]) == 1
    steps = {
        "replaced_share": 2,
        "confident_share": 2,
        "unlabelled_segmentation": 2,
        "unlabelled_reconstruction": 2,
        "quantizer": 3,
        "loss": 7,
    }
    for name, count in steps.items():
        own = [line[name] for line in lines[1] if line.get(name, 0) > 0]
        assert len(own) == count
        assert lines[7][0][name] == pytest.approx(sum(own) / len(own), abs=1e-5)
