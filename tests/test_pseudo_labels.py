"""Pseudo-labels made beforehand: which scans get them, what is written, what a run makes of them, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from torch import Tensor

from tests.tiny import tiny_config, tiny_model
from vqseg.checkpoint import save_model
from vqseg.cli import main
from vqseg.config import Config, DataConfig, ObjectiveConfig, from_mapping, to_mapping
from vqseg.data.datasets import find_cases
from vqseg.data.phantom import write_phantoms
from vqseg.data.scan import read_labels
from vqseg.data.splits import labelled_and_unlabelled, read_splits
from vqseg.experiments.methods import changed
from vqseg.experiments.runs import cell_key
from vqseg.training.pseudo_labels import NOTES, check_pseudo_labels, with_pseudo_labels, write_pseudo_labels
from vqseg.training.start import TrainingError
from vqseg.training.step import training_step
from vqseg.training.teacher import Teacher
from vqseg.training.trainer import Trainer
from vqseg.types import UNSURE, Batch, Case


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pseudo") / "data"
    write_phantoms(folder, 4, 0)
    return folder


def checkpoint(folder: Path, data: Path, seed: int = 0) -> str:
    training = {"config": to_mapping(tiny_config(data, folder / "run"))}
    save_model(tiny_model(seed), folder / f"checkpoint-{seed}", training=training)
    return str(folder / f"checkpoint-{seed}")


@pytest.fixture(scope="module")
def made(data: Path) -> Path:
    """The folder of one finished command."""
    folder = data.parent
    arguments = ["--checkpoint", checkpoint(folder, data), "--data", str(data), "--output", str(folder / "labels"), "--confidence", "0.3"]
    assert main(["pseudo-labels", *arguments]) == 0
    return folder / "labels"


def unlabelled_names(data: Path) -> set[str]:
    splits = json.loads((data / "splits.json").read_text())
    patients = set(splits["train"]) - set(splits["labeled"]["10%"])
    return {file.name for file in (data / "labelsTr").iterdir() if file.name.split("_")[0] in patients}


def test_the_unlabelled_training_scans_get_labels_on_their_grid_and_no_others(data: Path, made: Path) -> None:
    assert {file.name for file in made.iterdir()} == unlabelled_names(data) | {NOTES}
    for name in unlabelled_names(data):
        labels, truth = nib.load(made / name), nib.load(data / "labelsTr" / name)
        assert labels.shape == truth.shape
        np.testing.assert_array_equal(labels.affine, truth.affine)
        assert set(np.unique(labels.get_fdata())) <= {0, 1, 2, 3, UNSURE}
    notes = json.loads((made / NOTES).read_text())
    assert (notes["labelled"], notes["confidence"], notes["cases"]) == ("10%", 0.3, len(unlabelled_names(data)))


def test_confidence_decides_what_is_unsure(data: Path, tmp_path: Path) -> None:
    source = checkpoint(tmp_path, data)
    everything = write_pseudo_labels(source, data, tmp_path / "all", confidence=0.0)
    nothing = write_pseudo_labels(source, data, tmp_path / "none", confidence=1.0)
    assert everything["unsure"] == 0
    assert nothing["unsure"] == 1
    for name in unlabelled_names(data):
        assert UNSURE not in read_labels(tmp_path / "all" / name)
        assert (read_labels(tmp_path / "none" / name) == UNSURE).all()


def test_an_interrupted_command_goes_on_and_other_weights_are_not_mixed_in(data: Path, tmp_path: Path) -> None:
    source, output = checkpoint(tmp_path, data), tmp_path / "labels"
    whole = write_pseudo_labels(source, data, output, confidence=0.3)
    first, *rest = sorted(output.glob("*.nii.gz"))
    kept, again = rest[0].stat().st_mtime_ns, read_labels(first)
    first.unlink()
    assert write_pseudo_labels(source, data, output, confidence=0.3) == whole
    assert rest[0].stat().st_mtime_ns == kept
    np.testing.assert_array_equal(read_labels(first), again)
    for other, confidence, side in ((checkpoint(tmp_path, data, 1), 0.3, None), (source, 0.4, None), (source, 0.3, 64)):
        with pytest.raises(TrainingError, match="other pseudo-labels"):
            write_pseudo_labels(other, data, output, confidence=confidence, image_side=side)


def config_with(data: Path, labels: Path, output: Path) -> Config:
    config = tiny_config(data, output)
    return replace(config, data=replace(config.data, pseudo_labels=str(labels)))


def test_a_run_trains_on_them_and_asks_its_teacher_nothing(data: Path, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: object, **__: object) -> Tensor:
        raise AssertionError("the teacher was asked")

    trainer = Trainer(config_with(data, made, tmp_path / "run"))
    monkeypatch.setattr(Teacher, "probabilities", asked)
    trainer.run()
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    last = [line for line in lines if "loss" in line][-1]
    assert last["unlabelled_segmentation"] > 0
    assert 0 < last["confident_share"] <= 1


def test_the_sampler_hands_out_the_labels_of_the_view(data: Path, tmp_path: Path) -> None:
    """With the truth as pseudo-labels, a view's labels lie where its structures are."""
    labels = tmp_path / "labels"
    labels.mkdir()
    (labels / NOTES).write_text('{"labelled": "10%"}')
    for name in unlabelled_names(data):
        (labels / name).write_bytes((data / "labelsTr" / name).read_bytes())
    trainer = Trainer(config_with(data, labels, tmp_path / "run"))
    trainer._load_data()
    batch = trainer.sampler.draw(8, 2, 12, torch.Generator().manual_seed(0))
    assert batch.pseudo_labels is not None
    assert batch.weak is not None
    cavity, wall = (batch.weak[:, 0][batch.pseudo_labels == label].mean() for label in (3, 2))
    assert cavity > wall + 0.1


def test_unsure_pixels_count_for_nothing(data: Path) -> None:
    student = tiny_model().train()
    views = torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(1))
    labels = torch.randint(4, (2, 64, 64), generator=torch.Generator().manual_seed(2))
    pseudo = labels.clone()
    pseudo[:, :, 32:] = UNSURE

    def loss(pseudo_labels: Tensor) -> Tensor:
        augmentation = replace(tiny_config(data, Path()).augmentation, cutmix=0.0)
        return training_step(
            student, Teacher(student, 0.9), Batch(views, labels, views, views, pseudo_labels), torch.Generator().manual_seed(3),
            objective=ObjectiveConfig(strength=0.0, dice=0.0), augmentation=augmentation,
        ).unlabelled_segmentation  # fmt: skip

    whole = labels.clone()
    left, right = labels.clone(), labels.clone()
    left[:, :, 32:], right[:, :, :32] = UNSURE, UNSURE
    torch.testing.assert_close(loss(left) + loss(right), loss(whole))
    assert loss(torch.full_like(labels, UNSURE)) == 0


@pytest.fixture
def cases(data: Path) -> list[Case]:
    return labelled_and_unlabelled(find_cases(data), read_splits(data), "10%")[1]


def test_labels_of_another_share_of_the_patients_are_refused(data: Path, made: Path, cases: list[Case]) -> None:
    assert all(case.label is not None for case in with_pseudo_labels(cases, DataConfig(folder=str(data), pseudo_labels=str(made))))
    with pytest.raises(TrainingError, match=r"share '10%', data.labelled is '5%'"):
        with_pseudo_labels(cases, DataConfig(folder=str(data), labelled="5%", pseudo_labels=str(made)))


def test_the_data_sets_own_labels_are_refused(data: Path, cases: list[Case]) -> None:
    with pytest.raises(TrainingError, match="belongs to the data set"):
        with_pseudo_labels(cases, DataConfig(folder=str(data), pseudo_labels=str(data / "labelsTr")))


def test_a_missing_folder_or_case_is_named(data: Path, made: Path, cases: list[Case], tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="python -m vqseg pseudo-labels"):
        with_pseudo_labels(cases, DataConfig(folder=str(data), pseudo_labels=str(tmp_path / "none")))
    stranger = replace(cases[0], name="patient999_frame01")
    with pytest.raises(TrainingError, match=r"1 case.*patient999_frame01"):
        with_pseudo_labels([*cases, stranger], DataConfig(folder=str(data), pseudo_labels=str(made)))


def test_a_value_that_is_no_class_is_named() -> None:
    check_pseudo_labels(torch.tensor([0, 3, UNSURE]), ("background", "RV", "MYO", "LV"))
    with pytest.raises(TrainingError, match="value 4"):
        check_pseudo_labels(torch.tensor([0, 4, UNSURE]), ("background", "RV", "MYO", "LV"))


def test_a_checkpoint_that_hides_its_share_is_refused(data: Path, tmp_path: Path) -> None:
    save_model(tiny_model(), tmp_path / "bare")
    with pytest.raises(TrainingError, match="does not say which labels"):
        write_pseudo_labels(str(tmp_path / "bare"), data, tmp_path / "labels", confidence=0.7)


def test_published_results_still_stand_for_runs_without_any(data: Path) -> None:
    """Their keys were made before the setting was there."""
    published = json.loads((Path(__file__).parents[1] / "docs/results/labels-5/seeds.json").read_text())
    base = from_mapping(Config, published["config"])
    keys = [result["key"] for row in published["rows"] for result in row["results"]]
    seeds = range(base.train.seed, base.train.seed + len(keys))
    made = {cell_key(changed(base, row["changes"] | {"train.seed": seed})) for row in published["rows"] for seed in seeds}
    assert set(keys) <= made
    config = tiny_config(data, Path("run"))
    assert cell_key(config) != cell_key(replace(config, data=replace(config.data, pseudo_labels="labels")))
