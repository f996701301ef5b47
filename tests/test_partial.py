"""Labels that leave something open, voxels without one and structures that nobody drew: from the file to the loss and the score."""

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
from vqseg.checkpoint import load_model
from vqseg.config import AugmentationConfig, DataConfig, ObjectiveConfig, PreprocessConfig
from vqseg.data.case_files import read_case_files
from vqseg.data.checking import check_folder
from vqseg.data.datasets import DatasetError, class_names, find_cases, read_labelling
from vqseg.data.loaders import load_pools, read_case
from vqseg.data.sampler import ViewSampler
from vqseg.data.splits import labelled_and_unlabelled, read_splits
from vqseg.evaluation import evaluate_split
from vqseg.experiments.runs import data_fingerprint
from vqseg.inference import Segmenter
from vqseg.losses.partial import marginal_cross_entropy, possible_classes
from vqseg.losses.segmentation import cross_entropy, mean_structure_dice, segmentation_loss, soft_dice_loss
from vqseg.metrics import dice
from vqseg.models.vqseg import VQSeg
from vqseg.training.step import training_step
from vqseg.training.teacher import Teacher
from vqseg.training.trainer import Trainer
from vqseg.training.validation import validation_dice
from vqseg.types import UNSURE, Array, Batch

CLASSES, LV = 4, 3
# An image of which everything was labelled, and one with the left ventricle alone.
LABELLED = torch.tensor([[True, True, True, True], [True, False, False, True]])


def case(seed: int = 0) -> tuple[Tensor, Tensor]:
    """logits (2, 4, 6, 7) and a target (2, 6, 7) that fits LABELLED, with some pixels without a label."""
    g = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(2, CLASSES, 6, 7, generator=g)
    target = torch.randint(CLASSES, (2, 6, 7), generator=g)
    target[1] = torch.where(target[1] == LV, LV, 0)
    target[torch.rand(2, 6, 7, generator=g) < 0.2] = UNSURE
    return logits, target


def softmax(logits: Tensor) -> Array:
    e = np.exp(logits.detach().double().numpy())
    return np.asarray(e / e.sum(1, keepdims=True))


# The losses


def test_a_pixel_costs_the_probability_of_all_that_it_may_be() -> None:
    logits, target = case()
    p, losses = softmax(logits), []
    for b, y, x in np.ndindex(*target.shape):
        label = int(target[b, y, x])
        if label == UNSURE:
            continue
        may_be = [label, 1, 2] if b == 1 and label == 0 else [label]
        losses.append(-np.log(p[b, may_be, y, x].sum()))
    found = marginal_cross_entropy(logits, possible_classes(target, LABELLED))
    assert float(found) == pytest.approx(np.mean(losses), rel=1e-5)


def test_soft_dice_counts_the_pixels_that_surely_are_a_structure_or_surely_are_not() -> None:
    logits, target = case()
    p, scores = softmax(logits), []
    for label in range(1, CLASSES):
        known = (target != UNSURE).numpy()
        if label in (1, 2):
            known[1] &= (target[1] == LV).numpy()
        truth, chance = (target.numpy() == label) & known, p[:, label] * known
        scores.append((2 * (chance * truth).sum() + 1) / ((chance**2).sum() + truth.sum() + 1))
    found = soft_dice_loss(logits, target, possible=possible_classes(target, LABELLED))
    assert float(found) == pytest.approx(1 - np.mean(scores), rel=1e-5)


def test_labels_that_leave_nothing_open_cost_what_they_always_cost() -> None:
    logits, target = case()
    target, everything = target.where(target != UNSURE, 2), torch.ones(2, CLASSES, dtype=torch.bool)
    assert torch.allclose(segmentation_loss(logits, target, dice=1.0, labelled=everything), segmentation_loss(logits, target, dice=1.0))
    mask = torch.rand(target.shape) < 0.5
    masked = marginal_cross_entropy(logits, possible_classes(target, everything), mask)
    assert torch.allclose(masked, cross_entropy(logits, target, mask))


def test_no_gradient_pushes_a_structure_down_that_was_not_labelled() -> None:
    logits, target = case()
    logits.requires_grad_()
    segmentation_loss(logits, target, dice=1.0, labelled=LABELLED).backward()
    assert logits.grad is not None
    open_background = target[1] == 0
    # A step goes against the gradient: at what is called background, no step lowers the right ventricle or the wall.
    assert bool((logits.grad[1, 1:3][:, open_background] <= 1e-9).all())
    assert bool((logits.grad[1, LV][open_background] > 0).all())
    # Where the left ventricle was drawn there is nothing else.
    assert bool((logits.grad[1, 1:3][:, target[1] == LV] > 0).all())
    # Without the sets the same labels do push them down.
    logits.grad = None
    segmentation_loss(logits, target.where(target != UNSURE, 0), dice=1.0).backward()
    assert bool((logits.grad[1, 1:3][:, open_background] > 0).all())


def test_pixels_without_a_label_have_no_gradient_and_their_predictions_do_not_matter() -> None:
    logits, target = case()
    logits.requires_grad_()
    loss = segmentation_loss(logits, target, dice=1.0, labelled=LABELLED)
    loss.backward()
    unlabelled = (target == UNSURE)[:, None].expand_as(logits)
    assert logits.grad is not None
    assert bool((logits.grad[unlabelled] == 0).all()) and bool((logits.grad[~unlabelled] != 0).any())
    other = torch.where(unlabelled, torch.randn_like(logits), logits.detach())
    assert torch.allclose(segmentation_loss(other, target, dice=1.0, labelled=LABELLED), loss)
    scores = [mean_structure_dice(one.argmax(1), target, CLASSES, LABELLED) for one in (logits, other)]
    assert torch.equal(*scores)


def test_an_image_without_any_label_teaches_nothing_and_breaks_nothing() -> None:
    logits, target = case()
    logits.requires_grad_()
    loss = segmentation_loss(logits, torch.full_like(target, UNSURE), dice=1.0, labelled=LABELLED)
    loss.backward()
    assert float(loss) == 0 and logits.grad is not None and not bool(logits.grad.any())


def test_two_halves_of_a_batch_cost_together_what_it_costs_whole() -> None:
    logits, target = case()
    whole = segmentation_loss(logits, target, dice=1.0, labelled=LABELLED)
    rows = [slice(0, 1), slice(1, 2)]
    parts: list[list[Tensor]] = []
    # The first round notes what every rank would hand to the others.
    for row in rows:
        noted: list[Tensor] = []
        segmentation_loss(
            logits[row], target[row], dice=1.0, labelled=LABELLED[row], total=lambda own, noted=noted: noted.append(own) or own
        )  # type: ignore[misc]
        parts.append(noted)
    sums = [torch.stack(both).sum(0) for both in zip(*parts, strict=True)]
    losses = []
    for row in rows:
        answers = iter(sums)
        losses.append(segmentation_loss(logits[row], target[row], dice=1.0, labelled=LABELLED[row], total=lambda _: next(answers)))  # noqa: B023
    assert torch.allclose(torch.stack(losses).mean(), whole)


@pytest.mark.parametrize("changes", [{}, {"mixing": "copy-paste", "perturbation": "none"}, {"perturb_labelled": True}])
def test_a_step_learns_from_such_labels_with_every_mixing(changes: dict[str, object]) -> None:
    torch.manual_seed(0)
    student, labels = tiny_model().train(), torch.zeros(2, 48, 48, dtype=torch.int64)
    labels[:, 10:20, 10:20], labels[0, 30:] = LV, UNSURE
    batch = Batch(torch.rand(2, 1, 48, 48), labels, torch.rand(2, 1, 48, 48), torch.rand(2, 1, 48, 48), labelled=LABELLED)
    objective, generator = ObjectiveConfig(confidence=0.0, **changes), torch.Generator().manual_seed(0)  # type: ignore[arg-type]
    terms = training_step(student, Teacher(student, 0.9), batch, generator, objective=objective, augmentation=AugmentationConfig())
    (terms.segmentation + terms.unlabelled_segmentation).backward()
    assert all(bool(parameter.grad.isfinite().all()) for parameter in student.parameters() if parameter.grad is not None)


# The files


def described(folder: Path, **changes: object) -> None:
    file = folder / "dataset.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def drawn(folder: Path, name: str, change: object) -> None:
    """Change a label file by a function of its numbers."""
    file = folder / "labelsTr" / f"{name}.nii.gz"
    image = nib.load(file)
    nib.save(nib.Nifti1Image(change(np.asarray(image.dataobj)).astype(np.uint8), image.affine), file)  # type: ignore[operator]


@pytest.fixture
def data(phantoms: Path, tmp_path: Path) -> Path:
    """Phantoms of which the rows below 20 have no label, by nnU-Net's name for it."""
    folder = shutil.copytree(phantoms, tmp_path / "data")
    names = class_names(folder)
    described(folder, labels={name: value for value, name in enumerate(names)} | {"ignore": 4})
    for found in find_cases(folder):
        drawn(folder, found.name, lambda values: np.where(np.arange(len(values))[:, None, None] < 20, 4, values))
    return folder


@pytest.mark.parametrize("spelling", ["nnU-Net", "MSD"])
def test_the_ignored_number_is_no_class_and_is_read_as_no_label(data: Path, phantoms: Path, spelling: str) -> None:
    if spelling == "MSD":
        described(data, labels={str(value): name for name, value in json.loads((data / "dataset.json").read_text())["labels"].items()})
    assert class_names(data) == class_names(phantoms)
    for one, whole in zip(find_cases(data), find_cases(phantoms), strict=True):
        labels, truth = (read_case_files(found, class_names(data))[1] for found in (one, whole))
        assert labels is not None and truth is not None
        assert (labels[:20] == UNSURE).all()
        np.testing.assert_array_equal(labels[20:], truth[20:])


def test_an_ignored_number_among_the_classes_is_refused(data: Path) -> None:
    described(data, labels={"background": 0, "RV": 1, "MYO": 3, "LV": 4, "ignore": 2})
    with pytest.raises(DatasetError, match="must be 0 to 3, each once"):
        class_names(data)
    described(data, labels={"background": 0, "RV": 1, "MYO": 2, "LV": 3, "ignore": 300})
    with pytest.raises(DatasetError, match=r'"ignore" must lie in \[4, 255\], got 300'):
        class_names(data)


def test_what_was_labelled_is_said_for_all_or_by_patient_or_by_case(data: Path) -> None:
    described(data, labelled_classes=["LV", "MYO"])
    assert {one.labelled for one in find_cases(data)} == {("MYO", "LV")}
    first, second = find_cases(data)[0], find_cases(data)[-1]
    described(data, labelled_classes={first.patient: ["LV"], second.name: ["RV"]})
    told = {one.name: one.labelled for one in find_cases(data)}
    assert [name for name, labelled in told.items() if labelled == ("LV",)] == [
        one.name for one in find_cases(data) if one.patient == first.patient
    ]
    assert told[second.name] == ("RV",) and list(told.values()).count(("RV",)) == 1
    described(data, labelled_classes={"nobody": ["LV"]})
    with pytest.raises(DatasetError, match="of no case and no patient, the first is 'nobody'"):
        find_cases(data)
    for wrong in (["spleen"], [], "LV", {first.patient: ["background"]}):
        described(data, labelled_classes=wrong)
        with pytest.raises(DatasetError, match="expected some of RV, MYO, LV"):
            read_labelling(data)


def test_check_says_how_much_is_left_open(data: Path) -> None:
    name = find_cases(data)[0].name
    described(data, labelled_classes={name: ["LV"]})
    report = check_folder(data)
    said = [f"{one.where}: {one.what}" for one in report.findings]
    assert f"{name}: of the structures only LV was labelled" in said and not report.problems
    assert sum("of the voxels have no label" in one for one in said) == report.cases
    assert set(report.voxels) == set(class_names(data))


def test_results_on_other_labels_are_other_results(data: Path, phantoms: Path) -> None:
    before = data_fingerprint(data)
    described(data, labelled_classes=["LV"])
    assert len({before, data_fingerprint(data), data_fingerprint(phantoms)}) == 3


# The views


def test_what_has_no_label_stays_so_in_every_crop(data: Path) -> None:
    labelled, unlabelled = labelled_and_unlabelled(find_cases(data), read_splits(data), "10%")
    described(data, labelled_classes={labelled[0].patient: ["LV"]})
    labelled, unlabelled = labelled_and_unlabelled(find_cases(data), read_splits(data), "10%")
    config = DataConfig(folder=str(data), phantom_patients=1, phantom_share=0.5)
    pools = load_pools(labelled, unlabelled, config, PreprocessConfig(image_side=64))
    batch = ViewSampler(pools, AugmentationConfig(crop=64, ramp_steps=0), config, torch.device("cpu")).draw(
        0, 8, 2, torch.Generator().manual_seed(0)
    )
    assert set(batch.labels.unique().tolist()) <= {*range(CLASSES), UNSURE} and bool((batch.labels == UNSURE).any())
    assert batch.labelled is not None and batch.labelled.shape == (8, CLASSES)
    # The phantoms are known whole, the patient is not.
    assert {tuple(row) for row in batch.labelled.tolist()} == {(True,) * 4, (True, False, False, True)}
    assert not bool(((batch.labels == UNSURE).flatten(1).any(1) & batch.labelled.all(1)).any())


def test_labels_without_anything_open_are_drawn_as_before(phantoms: Path) -> None:
    labelled, unlabelled = labelled_and_unlabelled(find_cases(phantoms), read_splits(phantoms), "10%")
    pools = load_pools(labelled, unlabelled, DataConfig(folder=str(phantoms)), PreprocessConfig(image_side=64))
    assert pools.labelled.labelled is None
    assert read_case(labelled[0], PreprocessConfig(image_side=64), class_names(phantoms)).labelled is None


# Measuring


def test_voxels_without_a_label_count_in_no_score_and_are_told(data: Path, checkpoint: Path) -> None:
    model = load_model(checkpoint)
    result = evaluate_split(model, data, "val")
    assert result["ignored"].keys() == result["per_case"].keys()
    for one in (found for found in find_cases(data) if found.name in result["per_case"]):
        scan, truth = read_case_files(one, class_names(data))
        assert truth is not None and result["ignored"][one.name] == 20 * scan.shape[1] * scan.shape[2]
        answer, told = Segmenter(model).labels(scan), truth != UNSURE
        for label, name in enumerate(class_names(data)[1:], 1):
            wanted = dice((answer == label)[told], (truth == label)[told])
            assert result["per_case"][one.name][name]["dice"] == pytest.approx(wanted)


def test_only_labelled_structures_are_scored_over_the_cases_that_show_them(data: Path, phantoms: Path, checkpoint: Path) -> None:
    names = sorted(evaluate_split(load_model(checkpoint), phantoms, "val")["per_case"])
    whole = shutil.copytree(phantoms, data.parent / "whole")
    described(whole, labelled_classes={names[0]: ["LV"]})
    every, some = (evaluate_split(load_model(checkpoint), folder, "val") for folder in (phantoms, whole))
    assert set(some["per_case"][names[0]]) == {"LV"} and set(some["per_case"][names[1]]) == {"RV", "MYO", "LV"}
    assert some["per_class"]["LV"] == every["per_class"]["LV"]
    assert some["per_class"]["RV"] == every["per_case"][names[1]]["RV"]
    assert "ignored" not in some and "left_out" not in some
    described(whole, labelled_classes={read_splits(whole).val[0]: ["LV"]})
    assert set(evaluate_split(load_model(checkpoint), whole, "val")["per_class"]) == {"LV"}


def test_validation_during_training_leaves_out_what_is_open(data: Path) -> None:
    described(data, labelled_classes=["LV", "RV"])
    model = tiny_model()
    volume = read_case(find_cases(data)[0], model.preprocess, class_names(data))
    assert volume.labels is not None
    scores = validation_dice(model, [volume])
    assert set(scores) == {"dice", "dice_RV", "dice_LV"}
    with torch.no_grad():
        found = model.segment(volume.images).argmax(1)
    told = volume.labels != UNSURE
    assert scores["dice_LV"] == pytest.approx(dice((found == LV)[told].numpy(), (volume.labels == LV)[told].numpy()))


# A run


def test_a_run_does_not_unlearn_the_structures_that_a_patient_s_labels_leave_out(phantoms: Path, tmp_path: Path) -> None:
    """Of the labelled patients one shows the left ventricle alone. A run that takes these labels for whole calls the rest background."""
    first, structure = read_splits(phantoms).train[0], {}
    for name, told in (("told", {"labelled_classes": {first: ["LV"]}}), ("untold", {})):
        data = shutil.copytree(phantoms, tmp_path / name)
        described(data, **told)
        for one in find_cases(data):
            if one.patient == first:
                drawn(data, one.name, lambda values: np.where(values == LV, values, 0))
        config = tiny_config(data, tmp_path / f"{name}-run", batch_labelled=4, codebook_start=0, revive_every=0, snapshots=0)
        config = replace(config, data=replace(config.data, labelled="all"))
        trainer = Trainer(config)
        trainer.run()
        assert (trainer.data.sampler.pools.labelled.labelled is None) == (name == "untold")
        structure[name] = structure_probability(trainer.teacher.model, phantoms, first)
    assert structure["told"] > structure["untold"]


def structure_probability(model: VQSeg, folder: Path, patient: str) -> float:
    """Mean probability of any structure where one patient has a wall or a right ventricle."""
    volumes = [read_case(one, model.preprocess, class_names(folder)) for one in find_cases(folder) if one.patient == patient]
    with torch.no_grad():
        found = [(1 - model.segment(one.images).softmax(1)[:, 0])[(one.labels == 1) | (one.labels == 2)] for one in volumes]  # type: ignore[operator]
    return float(torch.cat(found).mean())
