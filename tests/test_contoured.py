"""Data in which a slice without a label was not contoured: whose labels are taught, and whose are measured."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch

from tests.tiny import tiny_config
from vqseg.checkpoint import load_model
from vqseg.config import AugmentationConfig, DataConfig, PreprocessConfig
from vqseg.data.datasets import DatasetError, find_cases
from vqseg.data.loaders import SlicePool, TrainingPools, load_pools, phantom_case
from vqseg.data.phantom import CLASSES
from vqseg.data.sampler import ViewSampler, view_generator
from vqseg.data.splits import labelled_and_unlabelled, read_splits
from vqseg.evaluation import evaluate_split
from vqseg.training.trainer import Trainer
from vqseg.types import UNSURE

PREPROCESS = PreprocessConfig(intensity="window", window=(0, 255), image_side=None)
# Of the six slices of a volume. Each slice has one grey value, by which it is known again.
CONTOURED = (1, 3, 4)
GREY = {"a": 10, "b": 100, "c": 190}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three patients of 40 x 40 x 6; a is labelled, c is measured."""
    root = tmp_path_factory.mktemp("contoured")
    for part in ("imagesTr", "labelsTr"):
        (root / part).mkdir()
    for patient, grey in GREY.items():
        image = np.broadcast_to(np.arange(6, dtype=np.float32) * 10 + grey, (40, 40, 6))
        labels = np.zeros((40, 40, 6), np.uint8)
        labels[10:30, 10:30, CONTOURED] = 1
        nib.save(nib.Nifti1Image(image, np.eye(4)), root / "imagesTr" / f"{patient}_0000.nii.gz")
        nib.save(nib.Nifti1Image(labels, np.eye(4)), root / "labelsTr" / f"{patient}.nii.gz")
    (root / "splits.json").write_text(json.dumps({"train": ["a", "b"], "val": ["c"], "labeled": {"50%": ["a"]}}))
    (root / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "LV": 1}}))
    return root


def pools_of(folder: Path, data: DataConfig) -> TrainingPools:
    labelled, unlabelled = labelled_and_unlabelled(find_cases(folder), read_splits(folder), "50%")
    return load_pools(labelled, unlabelled, data, PREPROCESS, classes=("background", "LV"))


def greys(views: torch.Tensor) -> set[int]:
    """The grey values at the middle of views that are not recoloured."""
    return {round(float(view[0, 16, 16]) * 255) for view in views}


@pytest.mark.parametrize("contoured_only", [False, True])
def test_slices_without_a_contour_are_taught_as_unlabelled(folder: Path, contoured_only: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    data = DataConfig(folder=str(folder), labelled="50%", contoured_only=contoured_only)
    still = AugmentationConfig(crop=32, rotation=0, scale=(1, 1), shear=0, flip=False, elastic=0, focus=1)
    sampler = ViewSampler(pools_of(folder, data), still, data, torch.device("cpu"))
    monkeypatch.setattr("vqseg.data.sampler.recolour", lambda images, change: images)
    seen: tuple[set[int], set[int]] = (set(), set())
    for step in range(20):
        batch = sampler.draw(step, 6, 6, view_generator(0, step))
        assert batch.weak is not None
        seen[0].update(greys(batch.images))
        seen[1].update(greys(batch.weak))
    own = {GREY["a"] + 10 * index for index in range(6)}
    contoured = {GREY["a"] + 10 * index for index in CONTOURED}
    other = {GREY["b"] + 10 * index for index in range(6)}
    assert seen == ((contoured, other | (own - contoured)) if contoured_only else (own, other))


def test_slices_of_which_no_voxel_has_a_label_are_taught_as_unlabelled_and_empty_ones_as_background(folder: Path, tmp_path: Path) -> None:
    sparse = shutil.copytree(folder, tmp_path / "sparse")
    (sparse / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "LV": 1, "ignore": 255}}))
    labels = np.full((40, 40, 6), 255, np.uint8)
    # Slice 1 was contoured, slice 2 is known to be empty, slice 5 was contoured in part.
    labels[..., 1], labels[..., 2], labels[:20, :, 5] = 0, 0, 0
    labels[10:30, 10:30, 1] = 1
    nib.save(nib.Nifti1Image(labels, np.eye(4)), sparse / "labelsTr" / "a.nii.gz")
    pools = pools_of(sparse, DataConfig(folder=str(sparse), labelled="50%"))
    assert pools.unlabelled is not None and pools.labelled.labels is not None
    assert drawn_slices(pools.labelled) == [1, 2, 5]
    # Six slices of patient b, then what is left of a.
    assert drawn_slices(pools.unlabelled) == [*range(6), 6, 9, 10]
    assert pools.labelled.labels[2].unique().tolist() == [0]
    assert pools.labelled.labels[5].unique().tolist() == [0, UNSURE]


def drawn_slices(pool: SlicePool) -> list[int]:
    return list(range(len(pool))) if pool.drawn is None else pool.drawn.tolist()


def test_a_patient_all_of_whose_slices_are_contoured_leaves_none_unlabelled(folder: Path, tmp_path: Path) -> None:
    whole = shutil.copytree(folder, tmp_path / "whole")
    nib.save(nib.Nifti1Image(np.ones((40, 40, 6), np.uint8), np.eye(4)), whole / "labelsTr" / "a.nii.gz")
    (whole / "splits.json").write_text(json.dumps({"train": ["a"], "val": ["c"]}))
    labelled, _ = labelled_and_unlabelled(find_cases(whole), read_splits(whole), "all")
    data = DataConfig(folder=str(whole), labelled="all", contoured_only=True)
    pools = load_pools(labelled, [], data, PREPROCESS, classes=("background", "LV"))
    assert drawn_slices(pools.labelled) == list(range(6))
    assert pools.unlabelled is None


def test_labelled_patients_without_any_contour_are_an_error(folder: Path, tmp_path: Path) -> None:
    for name in ("imagesTr", "labelsTr"):
        (tmp_path / name).mkdir()
        for file in (folder / name).iterdir():
            image = nib.load(file)
            values = np.asarray(image.dataobj) * (name == "imagesTr")
            nib.save(nib.Nifti1Image(values.astype(np.float32), image.affine), tmp_path / name / file.name)
    (tmp_path / "splits.json").write_text((folder / "splits.json").read_text())
    with pytest.raises(DatasetError, match="no labelled patient has a slice with a label"):
        pools_of(tmp_path, DataConfig(folder=str(tmp_path), labelled="50%", contoured_only=True))


def test_phantoms_teach_the_structures_that_the_network_has() -> None:
    whole, part = phantom_case(3, PREPROCESS), phantom_case(3, PREPROCESS, ("background", "LV", "RV"))
    for one, other in zip(whole, part, strict=True):
        assert one.labels is not None and other.labels is not None
        assert torch.equal(one.images, other.images)
        for value, name in enumerate(("LV", "RV"), 1):
            assert torch.equal(other.labels == value, one.labels == CLASSES.index(name))
        assert int(other.labels.max()) == 2


def test_a_run_measures_what_evaluation_measures(folder: Path, tmp_path: Path) -> None:
    """Training, with phantoms and validation, on data of a part of the phantoms' classes."""
    config = tiny_config(folder, tmp_path / "run", steps=4)
    config = replace(
        config,
        model=replace(config.model, classes=("background", "LV")),
        data=replace(config.data, labelled="50%", contoured_only=True, phantom_patients=1, phantom_share=0.5),
        train=replace(config.train, evaluate_every=4),
    )
    model = load_model(Trainer(config).run())
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    logged = [line["validation"]["dice_LV"] for line in lines if "validation" in line]
    measured, whole = (evaluate_split(model, folder, "val", contoured_only=only)["per_class"]["LV"]["dice"] for only in (True, False))
    # The run measures on the network's own grid.
    assert logged[-1] == pytest.approx(measured, abs=0.04)
    assert abs(logged[-1] - whole) > 0.04
