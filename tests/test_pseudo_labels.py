"""Pseudo-labels made beforehand: which scans get them, what is written, what a run makes of them, and what is refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from torch import Tensor

from tests.tiny import tiny_config, tiny_model
from vqseg.checkpoint import load_model, save_model
from vqseg.cli import main
from vqseg.config import Config, ConfigError, DataConfig, ObjectiveConfig, from_mapping, save_config, to_mapping
from vqseg.data.datasets import DatasetError, find_cases
from vqseg.data.ends import structure_ends
from vqseg.data.phantom import write_phantoms
from vqseg.data.preprocess import normalise
from vqseg.data.scan import read_labels, read_scan, through_plane_axis, write_labels
from vqseg.data.splits import labelled_and_unlabelled, read_splits, unlabelled_of
from vqseg.experiments.make import make_table
from vqseg.experiments.methods import changed, with_method
from vqseg.experiments.runs import cell_key
from vqseg.inference import Segmenter
from vqseg.models.views import label_averaged, label_weighed
from vqseg.training.provenance import earlier_runs, learnt_beyond, patients_digest, seen_patients
from vqseg.training.pseudo_labels import DOUBT, NOTES, PseudoLabelError, with_pseudo_labels, write_pseudo_labels
from vqseg.training.start import TrainingError
from vqseg.training.step import training_step
from vqseg.training.teacher import Teacher
from vqseg.training.trainer import Trainer
from vqseg.types import UNSURE, Batch, Case

# Serving has another memory layout, and with it other roundings: hardly ever does a voxel fall to another class.
SAME = 0.9999


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


def test_they_are_the_averaged_views_of_the_scan(data: Path, tmp_path: Path) -> None:
    source = checkpoint(tmp_path, data)
    write_pseudo_labels(source, data, tmp_path / "labels", confidence=0.0)
    segmenter = Segmenter(load_model(source))
    for name in unlabelled_names(data):
        expected = segmenter.average_views(read_scan(data / "imagesTr" / name.replace(".nii.gz", "_0000.nii.gz")))
        assert (read_labels(tmp_path / "labels" / name) == expected).mean() > SAME


def test_confidence_decides_what_is_unsure(data: Path, tmp_path: Path) -> None:
    source = checkpoint(tmp_path, data)
    everything = write_pseudo_labels(source, data, tmp_path / "all", confidence=0.0)
    nothing = write_pseudo_labels(source, data, tmp_path / "none", confidence=1.0)
    assert everything["unsure"] == 0
    assert nothing["unsure"] == 1
    for name in unlabelled_names(data):
        assert UNSURE not in read_labels(tmp_path / "all" / name)
        assert (read_labels(tmp_path / "none" / name) == UNSURE).all()


def test_the_ends_of_structures_can_be_left_open(data: Path, tmp_path: Path) -> None:
    source = checkpoint(tmp_path, data)
    whole, opened = tmp_path / "whole", tmp_path / "opened"
    write_pseudo_labels(source, data, whole, confidence=0.0)
    assert (
        main(["pseudo-labels", "--checkpoint", source, "--data", str(data), "--output", str(opened), "--confidence", "0", "--open-ends"])
        == 0
    )
    for name in unlabelled_names(data):
        labels, left = read_labels(whole / name), read_labels(opened / name)
        ends = np.moveaxis(structure_ends(np.moveaxis(labels, 2, 0)), 0, 2)
        assert ends.any()
        np.testing.assert_array_equal(left, np.where(ends, UNSURE, labels))
    for folder, ends_open in ((whole, True), (opened, False)):
        with pytest.raises(PseudoLabelError, match="open_ends was"):
            write_pseudo_labels(source, data, folder, confidence=0.0, open_ends=ends_open)


def test_labels_count_as_far_as_the_views_agree(data: Path, tmp_path: Path) -> None:
    source, output = checkpoint(tmp_path, data), tmp_path / "labels"
    assert (
        main(["pseudo-labels", "--checkpoint", source, "--data", str(data), "--output", str(output), "--confidence", "0", "--weigh"]) == 0
    )
    assert {file.name for file in (output / DOUBT).iterdir()} == unlabelled_names(data)
    name = min(unlabelled_names(data))
    model, scan = load_model(source), read_scan(data / "imagesTr" / name.replace(".nii.gz", "_0000.nii.gz"))
    _, _, agreement = label_weighed(model, np.moveaxis(normalise(scan.voxels, model.preprocess), 2, 0))
    doubt = np.moveaxis(read_labels(output / DOUBT / name), 2, 0)
    assert np.abs(doubt / 255 - (1 - agreement)).max() < 0.12 and np.abs(doubt / 255 - (1 - agreement)).mean() < 0.005
    # An untrained network contradicts itself somewhere, and agrees with itself elsewhere.
    assert doubt.min() < 30 and doubt.max() > 100
    with pytest.raises(PseudoLabelError, match="weigh was True and is None"):
        write_pseudo_labels(source, data, output, confidence=0.0)

    trainer = Trainer(config_with(data, output, tmp_path / "run"))
    trainer._load_data()
    weights = trainer.data.sampler.draw(8, 2, 12, torch.Generator().manual_seed(0)).pseudo_weights
    assert weights is not None and weights.shape == (12, 64, 64)
    assert 0 <= float(weights.min()) < 0.9 and float(weights.max()) == pytest.approx(1, abs=0.02)
    before = trainer.data.pseudo_labels
    write_labels(np.zeros_like(read_labels(output / DOUBT / name)), scan, output / DOUBT / name)
    again = Trainer(config_with(data, output, tmp_path / "run"))
    again._load_data()
    assert again.data.pseudo_labels != before


def test_a_weight_is_the_share_of_a_pixel_in_the_loss(data: Path) -> None:
    student = tiny_model().train()
    views = torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(1))
    labels = torch.randint(4, (2, 64, 64), generator=torch.Generator().manual_seed(2))

    def loss(weights: Tensor | None, mixing: str) -> Tensor:
        objective = ObjectiveConfig(strength=0.0, dice=0.0, mixing=mixing)
        batch = Batch(views, labels, views, views, labels, pseudo_weights=weights)
        generators = [torch.Generator().manual_seed(3) for _ in range(2)]
        augmentation = tiny_config(data, Path()).augmentation
        teacher = Teacher(student, 0.9)
        terms = training_step(
            student, teacher, batch, generators[0], objective=objective, augmentation=augmentation, views=generators[1]
        )  # fmt: skip
        return terms.unlabelled_segmentation

    for mixing in ("cutmix", "copy-paste"):
        whole, none, half = (loss(torch.full((2, 64, 64), weight), mixing) for weight in (1.0, 0.0, 0.5))
        torch.testing.assert_close(loss(None, mixing), whole)
        torch.testing.assert_close(half, (whole + none) / 2)
        assert bool(none < whole)


def test_further_data_sets_lend_their_images_and_never_their_labels(data: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(data, other)
    for folder in ("imagesTr", "labelsTr"):
        for file in (other / folder).iterdir():
            file.rename(file.with_name(file.name.replace("phantom", "visitor")))
    (other / "splits.json").write_text((other / "splits.json").read_text().replace("phantom", "visitor"))
    for file in (other / "labelsTr").iterdir():
        # Whoever read them would fail.
        file.write_bytes(b"no label")
    cases, train = find_cases(data), read_splits(other).train
    found = unlabelled_of([other], cases)
    assert {case.patient for case in found} == set(train) and all(case.label is None for case in found)
    with pytest.raises(DatasetError, match="both have a case"):
        unlabelled_of([other, other], cases)

    output = tmp_path / "labels"
    arguments = ["--data", str(data), "--unlabelled-folders", str(other), "--output", str(output), "--confidence", "0.3"]
    assert main(["pseudo-labels", "--checkpoint", checkpoint(tmp_path, data), *arguments]) == 0
    assert {file.name for file in output.glob("*.nii.gz")} == unlabelled_names(data) | {f"{case.name}.nii.gz" for case in found}
    config = config_with(data, output, tmp_path / "run")
    config = replace(config, data=replace(config.data, unlabelled_folders=(str(other),)))
    trainer = Trainer(config)
    trainer._load_data()
    alone = Trainer(config_with(data, output, tmp_path / "alone"))
    alone._load_data()
    pools = trainer.data.sampler.pools, alone.data.sampler.pools
    assert len(pools[0].labelled) == len(pools[1].labelled)
    assert pools[0].unlabelled is not None and pools[1].unlabelled is not None
    assert len(pools[0].unlabelled) > len(pools[1].unlabelled)
    with pytest.raises(PseudoLabelError, match="in the data set"):
        write_pseudo_labels(checkpoint(tmp_path, data), data, other / "new", confidence=0.3, unlabelled_folders=[other])
    with pytest.raises(ConfigError, match="unlabelled_folders"):
        DataConfig(folder=str(data), unlabelled_folders=(str(data),))


def test_labels_can_be_averaged_over_further_checkpoints(data: Path, tmp_path: Path) -> None:
    first, second = checkpoint(tmp_path, data), checkpoint(tmp_path, data, 1)
    write_pseudo_labels(first, data, tmp_path / "labels", confidence=0.0, others=[second])
    one, other = load_model(first), load_model(second)
    name = min(unlabelled_names(data))
    scan = read_scan(data / "imagesTr" / name.replace(".nii.gz", "_0000.nii.gz"))
    slices = np.moveaxis(normalise(scan.voxels, one.preprocess), 2, 0)
    hard, certainty = label_averaged(one, slices, others=[other])
    np.testing.assert_array_equal(np.moveaxis(read_labels(tmp_path / "labels" / name), 2, 0), hard)
    # The average of two equal networks is one of them.
    alone, sure = label_averaged(one, slices)
    same, as_sure = label_averaged(one, slices, others=[one])
    assert (alone == same).mean() > SAME and np.allclose(sure, as_sure, atol=1e-5)
    assert not np.array_equal(certainty, sure)
    with pytest.raises(PseudoLabelError, match="others was"):
        write_pseudo_labels(first, data, tmp_path / "labels", confidence=0.0)


def test_a_further_checkpoint_of_another_share_or_the_same_one_is_refused(data: Path, tmp_path: Path) -> None:
    source = checkpoint(tmp_path, data)
    config = tiny_config(data, tmp_path / "run")
    training = {"config": to_mapping(replace(config, data=replace(config.data, labelled="50%")))}
    save_model(tiny_model(1), tmp_path / "half", training=training)
    with pytest.raises(PseudoLabelError, match="share '50%', the first checkpoint with '10%'"):
        write_pseudo_labels(source, data, tmp_path / "labels", confidence=0.0, others=[str(tmp_path / "half")])
    with pytest.raises(PseudoLabelError, match="has the weights of the first checkpoint"):
        write_pseudo_labels(source, data, tmp_path / "labels", confidence=0.0, others=[source])


def test_an_interrupted_command_goes_on_and_other_weights_are_not_mixed_in(data: Path, tmp_path: Path) -> None:
    source, output = checkpoint(tmp_path, data), tmp_path / "labels"
    whole = write_pseudo_labels(source, data, output, confidence=0.3)
    first, *rest = sorted(output.glob("*.nii.gz"))
    kept, again = rest[0].stat().st_mtime_ns, read_labels(first)
    first.unlink()
    assert write_pseudo_labels(source, data, output, confidence=0.3) == whole
    assert rest[0].stat().st_mtime_ns == kept
    np.testing.assert_array_equal(read_labels(first), again)
    moved = tmp_path / "moved"
    Path(source).rename(moved)
    assert write_pseudo_labels(str(moved), data, output, confidence=0.3) == whole | {"checkpoint": str(moved)}
    for confidence, side, reason in ((0.4, None, "confidence was 0.3 and is 0.4"), (0.3, 64, "'image_side': 64")):
        with pytest.raises(PseudoLabelError, match=reason):
            write_pseudo_labels(str(moved), data, output, confidence=confidence, image_side=side)
    shutil.rmtree(moved)
    Path(checkpoint(tmp_path, data, 1)).rename(moved)
    with pytest.raises(PseudoLabelError, match="weights was"):
        write_pseudo_labels(str(moved), data, output, confidence=0.3)
    assert not [file for file in output.iterdir() if file.name.startswith(".")]


def test_files_that_the_command_did_not_make_are_not_taken_for_its_own(data: Path, tmp_path: Path) -> None:
    source = checkpoint(tmp_path, data)
    strange = tmp_path / "labels"
    strange.mkdir()
    name = min(unlabelled_names(data))
    (strange / name).write_bytes((data / "labelsTr" / name).read_bytes())
    with pytest.raises(PseudoLabelError, match="holds other files"):
        write_pseudo_labels(source, data, strange, confidence=0.3)
    link = tmp_path / "link"
    link.symlink_to(data / "labelsTr")
    for inside in (data, data / "labelsTr", data / "new", link):
        with pytest.raises(PseudoLabelError, match="in the data set"):
            write_pseudo_labels(source, data, inside, confidence=0.3)
    assert not (data / "labelsTr" / NOTES).exists()


@pytest.mark.parametrize(("shape", "ending"), [((40, 48), ".png"), ((40, 48, 3), ".nii.gz"), ((40, 48, 1), ".png")])
def test_arrays_and_pictures_get_labels_of_their_shape(tmp_path: Path, shape: tuple[int, ...], ending: str) -> None:
    data = tmp_path / "data"
    for part in ("images", "labels"):
        (data / part).mkdir(parents=True)
    for patient in ("p1", "p2"):
        np.save(data / "images" / f"{patient}.npy", np.random.default_rng(0).random(shape, np.float32))
    np.save(data / "labels" / "p1.npy", np.zeros(shape, np.uint8))
    (data / "dataset.json").write_text('{"labels": {"background": 0, "RV": 1, "MYO": 2, "LV": 3}}')
    (data / "splits.json").write_text('{"train": ["p1", "p2"], "val": [], "labeled": {"10%": ["p1"]}}')
    write_pseudo_labels(checkpoint(tmp_path, data), data, tmp_path / "made", confidence=0.3)
    labels = read_labels(tmp_path / "made" / f"p2{ending}")
    assert labels.shape == (*shape, 1)[:3]


def test_slices_across_another_axis_keep_their_place(tmp_path: Path) -> None:
    data = tmp_path / "data"
    write_phantoms(data, 4, 0)
    for folder in ("imagesTr", "labelsTr"):
        for file in (data / folder).iterdir():
            image = nib.load(file)
            turned = image.affine[:, [2, 0, 1, 3]]
            nib.save(nib.Nifti1Image(np.moveaxis(np.asarray(image.dataobj), 2, 0), turned), file)
    source = checkpoint(tmp_path, data)
    write_pseudo_labels(source, data, tmp_path / "labels", confidence=0.0)
    name = min(unlabelled_names(data))
    scan = read_scan(data / "imagesTr" / name.replace(".nii.gz", "_0000.nii.gz"))
    assert through_plane_axis(scan) == 0
    assert (read_labels(tmp_path / "labels" / name) == Segmenter(load_model(source)).average_views(scan)).mean() > SAME


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
    write_pseudo_labels(checkpoint(tmp_path, data), data, labels, confidence=0.3)
    for name in unlabelled_names(data):
        (labels / name).write_bytes((data / "labelsTr" / name).read_bytes())
    trainer = Trainer(config_with(data, labels, tmp_path / "run"))
    trainer._load_data()
    batch = trainer.data.sampler.draw(8, 2, 12, torch.Generator().manual_seed(0))
    assert batch.pseudo_labels is not None
    assert batch.weak is not None
    cavity, wall = (batch.weak[:, 0][batch.pseudo_labels == label].mean() for label in (3, 2))
    assert cavity > wall + 0.1


def test_unsure_pixels_count_for_nothing(data: Path) -> None:
    student = tiny_model().train()
    views = torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(1))
    labels = torch.randint(4, (2, 64, 64), generator=torch.Generator().manual_seed(2))

    def loss(pseudo_labels: Tensor, dice: float, cutmix: float) -> Tensor:
        augmentation = replace(tiny_config(data, Path()).augmentation, cutmix=cutmix)
        return training_step(
            student, Teacher(student, 0.9), Batch(views, labels, views, views, pseudo_labels), torch.Generator().manual_seed(3),
            objective=ObjectiveConfig(strength=0.0, dice=dice), augmentation=augmentation,
        ).unlabelled_segmentation  # fmt: skip

    left, right, nothing = labels.clone(), labels.clone(), torch.full_like(labels, UNSURE)
    left[:, :, 32:], right[:, :, :32] = UNSURE, UNSURE
    for cutmix in (0.0, 1.0):
        # The mask travels with the pixels that CutMix pastes: every one of them counts on one side or on the other.
        torch.testing.assert_close(loss(left, 0.0, cutmix) + loss(right, 0.0, cutmix), loss(labels, 0.0, cutmix))
        assert loss(nothing, 0.0, cutmix) == 0
        # The soft Dice of no pixel at all is 1.
        assert loss(nothing, 1.0, cutmix).item() == pytest.approx(0, abs=1e-6)


@pytest.fixture
def cases(data: Path) -> list[Case]:
    return labelled_and_unlabelled(find_cases(data), read_splits(data), "10%")[1]


def attached(data: Path, labels: Path, cases: list[Case], share: str = "10%") -> list[Case]:
    labelled = labelled_and_unlabelled(find_cases(data), read_splits(data), "10%")[0]
    return with_pseudo_labels(labelled, cases, DataConfig(folder=str(data), labelled=share, pseudo_labels=str(labels)))


def test_labels_learnt_from_other_patients_are_refused(data: Path, made: Path, cases: list[Case], tmp_path: Path) -> None:
    assert [case.label for case in attached(data, made, cases)] == [made / f"{case.name}.nii.gz" for case in cases]
    with pytest.raises(PseudoLabelError, match=r"share '10%'.* than those of data.labelled '5%'"):
        attached(data, made, cases, "5%")
    with pytest.raises(PseudoLabelError, match="all: no scan is left"):
        attached(data, made, cases, "all")
    # The same share of another fold.
    other = tmp_path / "labels"
    shutil.copytree(made, other)
    notes = json.loads((other / NOTES).read_text())
    (other / NOTES).write_text(json.dumps(notes | {"patients": patients_digest(cases)}))
    with pytest.raises(PseudoLabelError, match="other patients"):
        attached(data, other, cases)


def test_a_checkpoint_of_another_fold_labels_nothing(data: Path, made: Path, tmp_path: Path) -> None:
    trained = Trainer(config_with(data, made, tmp_path / "run")).run()
    assert write_pseudo_labels(str(trained), data, tmp_path / "labels", confidence=0.3)["labelled"] == "10%"
    fold = tmp_path / "fold"
    shutil.copytree(data, fold)
    splits = json.loads((fold / "splits.json").read_text())
    rest = [patient for patient in splits["train"] if patient not in splits["labeled"]["10%"]]
    (fold / "splits.json").write_text(json.dumps(splits | {"labeled": {"10%": rest[:1]}}))
    with pytest.raises(PseudoLabelError, match="labels of other patients"):
        write_pseudo_labels(str(trained), fold, tmp_path / "more", confidence=0.3)


def test_the_data_sets_own_labels_are_refused(data: Path, made: Path, cases: list[Case], tmp_path: Path) -> None:
    link, again = tmp_path / "link", tmp_path / "data"
    shutil.copytree(data, again)
    shutil.copy(made / NOTES, again / "labelsTr" / NOTES)
    link.symlink_to(again / "labelsTr")
    for folder in (again / "labelsTr", link):
        with pytest.raises(PseudoLabelError, match="in the data set"):
            attached(again, folder, cases)


def test_what_is_missing_is_named(data: Path, made: Path, cases: list[Case], tmp_path: Path) -> None:
    with pytest.raises(PseudoLabelError, match="python -m vqseg pseudo-labels"):
        attached(data, tmp_path / "none", cases)
    stranger = replace(cases[0], name="patient999_frame01")
    with pytest.raises(PseudoLabelError, match=r"1 case.*patient999_frame01"):
        attached(data, made, [*cases, stranger])


def test_a_file_beside_the_corrected_one_is_refused(data: Path, made: Path, cases: list[Case], tmp_path: Path) -> None:
    labels = tmp_path / "labels"
    shutil.copytree(made, labels)
    name = f"{cases[0].name}.nii.gz"
    nib.save(nib.load(labels / name), labels / name.removesuffix(".gz"))
    with pytest.raises(DatasetError, match="claim the same case"):
        attached(data, labels, cases)
    (labels / name).unlink()
    assert attached(data, labels, cases)[0].label == labels / name.removesuffix(".gz")


def test_a_run_goes_on_with_the_labels_it_began_with_wherever_they_lie(data: Path, made: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels"
    shutil.copytree(made, labels)
    config = config_with(data, labels, tmp_path / "run")
    half = replace(config, train=replace(config.train, steps=6))
    Trainer(half).run()
    moved = labels.rename(tmp_path / "moved")
    whole = replace(config, data=replace(config.data, pseudo_labels=str(moved)))
    first = next(moved.glob("*.nii.gz"))
    kept = first.read_bytes()
    write_labels(np.zeros_like(read_labels(first)), read_scan(first), first)
    with pytest.raises(TrainingError, match=r"the pseudo-labels in .* have changed since the run in .* began"):
        Trainer(whole).run(resume=True)
    first.write_bytes(kept)
    Trainer(whole).run(resume=True)


def test_a_checkpoint_that_hides_its_share_is_refused(data: Path, tmp_path: Path) -> None:
    save_model(tiny_model(), tmp_path / "bare")
    with pytest.raises(PseudoLabelError, match="does not say which labels"):
        write_pseudo_labels(str(tmp_path / "bare"), data, tmp_path / "labels", confidence=0.7)


def test_published_results_still_stand_for_runs_without_any() -> None:
    """Their keys were made as before the setting was there."""
    published = json.loads((Path(__file__).parents[1] / "docs/results/seeds.json").read_text())
    base = from_mapping(Config, published["config"])
    keys = [result["key"] for row in published["rows"] for result in row["results"]]
    seeds = range(base.train.seed, base.train.seed + len(keys))
    made = {cell_key(changed(base, row["changes"] | {"train.seed": seed})) for row in published["rows"] for seed in seeds}
    assert len(keys) == 10
    assert set(keys) <= made
    # That of VQ-Seg with seed 0 was published on 2026-11-23 already.
    assert "7c9fcfdbde50" in made


def test_comparisons_do_without_them(data: Path, tmp_path: Path) -> None:
    """They differ in how their own teachers answer."""
    config = config_with(data, tmp_path / "labels", tmp_path / "run")
    with pytest.raises(ConfigError, match=r"data\.pseudo_labels"):
        with_method(config, "mean-teacher")
    with pytest.raises(ConfigError, match=r"data\.pseudo_labels"):
        make_table("methods", config, output=tmp_path / "results", work=tmp_path / "cells")


def test_weights_that_started_from_other_labels_label_nothing(
    data: Path, made: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    everything = replace(tiny_config(data, tmp_path / "all", steps=2), data=DataConfig(folder=str(data), labelled="all"))
    knowing = Trainer(everything).run()
    config = tiny_config(data, tmp_path / "ten", initial=str(knowing), steps=2)
    started = Trainer(config).run()
    assert "was trained with labels of this data set outside the share" in caplog.text
    with pytest.raises(PseudoLabelError, match=r"started from were trained with labels of .* outside the share"):
        write_pseudo_labels(str(started), data, tmp_path / "labels", confidence=0.3)
    # Nor does a further run make it forget.
    further = Trainer(tiny_config(data, tmp_path / "further", initial=str(started), steps=2)).run()
    with pytest.raises(PseudoLabelError, match=r"started from were trained with labels of .* outside the share"):
        write_pseudo_labels(str(further), data, tmp_path / "labels", confidence=0.3)
    caplog.clear()
    # The same labels, none at all, and those of another data set.
    blind = replace(
        everything,
        objective=replace(everything.objective, segmentation=0.0),
        train=replace(everything.train, output=str(tmp_path / "blind")),
    )
    other = tmp_path / "other"
    write_phantoms(other, 5, 9)
    foreign = replace(
        everything, data=replace(everything.data, folder=str(other)), train=replace(everything.train, output=str(tmp_path / "foreign"))
    )
    for run in (tiny_config(data, tmp_path / "same", steps=2), blind, foreign):
        first = Trainer(run).run()
        second = Trainer(tiny_config(data, first.parent / "second", initial=str(first), steps=2)).run()
        assert write_pseudo_labels(str(second), data, first.parent / "labels", confidence=0.3)["labelled"] == "10%"
    assert "was trained with labels of this data set outside the share" not in caplog.text


def test_what_the_weights_before_have_learnt_is_told_by_digests(data: Path, tmp_path: Path) -> None:
    cases, splits = find_cases(data), read_splits(data)
    labelled = labelled_and_unlabelled(cases, splits, "10%")[0]
    everything = labelled_and_unlabelled(cases, splits, "all")[0]
    fold = replace(splits, train=splits.train[1:], labelled={})
    for before, here, beyond in ((labelled, splits, False), (everything, splits, True), (everything, fold, False)):
        assert learnt_beyond([seen_patients(before, here)], cases, splits, "10%") is beyond
    assert learnt_beyond([seen_patients(everything, splits)], cases, splits, "all") is False
    # A checkpoint of an earlier version does not say.
    save_model(tiny_model(), tmp_path / "old", training={"config": to_mapping(Config()), "labelled_patients": patients_digest(everything)})
    assert earlier_runs(str(tmp_path / "old")) == earlier_runs(None) == []


def test_a_methods_own_teacher_makes_its_pseudo_labels_on_the_command_line_too(
    data: Path, made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_config(tiny_config(data, tmp_path / "run"), tmp_path / "tiny.yaml")
    arguments = ["train", "--config", str(tmp_path / "tiny.yaml"), "--method", "mean-teacher", "--data.pseudo-labels", str(made)]
    assert main(arguments) == 2
    assert "with its own teacher" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
