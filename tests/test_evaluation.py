"""The table of a split, recomputed from what serving gives, with surface distances by brute force."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import torch
from PIL import Image
from scipy.spatial.distance import cdist

from tests.tiny import tiny_model
from vqseg.data.datasets import DatasetError
from vqseg.data.scan import read_labels, read_scan
from vqseg.evaluation import evaluate_split, summarise
from vqseg.inference import Segmenter
from vqseg.models.vqseg import VQSeg

CLASSES = ("background", "RV", "MYO", "LV")
METRICS = ("dice", "jaccard", "hd95", "asd")


@pytest.fixture(scope="module")
def model() -> VQSeg:
    return tiny_model(image_side=32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six volumes of 24 x 20 x 3, of three patients; the last patient's label of class 3 is empty."""
    root, rng = tmp_path_factory.mktemp("volumes"), np.random.default_rng(0)
    for part in ("imagesTr", "labelsTr"):
        (root / part).mkdir()
    affine = np.diag([1.5, 2.0, 8.0, 1.0])
    for patient in (1, 2, 3):
        for frame in (1, 2):
            name = f"patient{patient:03d}_frame{frame:02d}"
            labels = np.kron(rng.integers(0, 4 if patient < 3 else 3, (4, 4, 3)), np.ones((6, 5, 1))).astype(np.uint8)
            image = (labels * 40 + rng.normal(0, 5, labels.shape)).astype(np.float32)
            nib.save(nib.Nifti1Image(image, affine), root / "imagesTr" / f"{name}_0000.nii.gz")
            nib.save(nib.Nifti1Image(labels, affine), root / "labelsTr" / f"{name}.nii.gz")
    names = [f"patient{patient:03d}" for patient in (1, 2, 3)]
    (root / "splits.json").write_text(json.dumps({"train": names[:2], "val": names[2:]}))
    (root / "dataset.json").write_text(json.dumps({"labels": {name: value for value, name in enumerate(CLASSES)}}))
    return root


def border(mask: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    """Positions in millimetres of the voxels with a face neighbour outside the mask."""
    padded = np.pad(mask, 1)
    points = []
    for voxel in np.argwhere(mask):
        faces = [voxel + 1 + step for axis in range(3) for step in (np.eye(3, dtype=int)[axis], -np.eye(3, dtype=int)[axis])]
        if not all(padded[tuple(face)] for face in faces):
            points.append(voxel * np.array(spacing))
    return np.array(points)


def brute_force(prediction: np.ndarray, truth: np.ndarray, spacing: tuple[float, ...]) -> dict[str, float]:
    both, either, total = (prediction & truth).sum(), (prediction | truth).sum(), prediction.sum() + truth.sum()
    if not either:
        return {"dice": 1.0, "jaccard": 1.0, "hd95": 0.0, "asd": 0.0}
    overlap = {"dice": 2 * both / total, "jaccard": both / either}
    if not prediction.any() or not truth.any():
        diagonal = float(np.linalg.norm(np.array(prediction.shape) * spacing))
        return overlap | {"hd95": diagonal, "asd": diagonal}
    distances = cdist(border(prediction, spacing), border(truth, spacing))
    there, back = distances.min(1), distances.min(0)
    return overlap | {"hd95": np.percentile(np.concatenate([there, back]), 95), "asd": there.mean()}


def expected_table(model: VQSeg, folder: Path, patients: list[str]) -> tuple[dict[str, Any], np.ndarray]:
    cases, counts = {}, np.zeros(64, int)
    for image in sorted((folder / "imagesTr").iterdir()):
        name = image.name.removesuffix("_0000.nii.gz")
        if name.split("_")[0] not in patients:
            continue
        opened = Segmenter(model).open(read_scan(image))
        truth = np.asarray(nib.load(folder / "labelsTr" / f"{name}.nii.gz").dataobj)
        cases[name] = {c: brute_force(opened.labels == v, truth == v, opened.scan.spacing) for v, c in enumerate(CLASSES) if v}
        counts += np.bincount(opened.indices.ravel(), minlength=64)
    return cases, counts


@pytest.mark.parametrize(("split", "patients"), [("val", ["patient003"]), ("train", ["patient001", "patient002"])])
def test_the_table_equals_a_recomputation_by_brute_force(model: VQSeg, folder: Path, split: str, patients: list[str]) -> None:
    result = evaluate_split(model, folder, split)
    assert set(result) == {"cases", "mean", "per_class", "codebook", "per_case"}
    cases, counts = expected_table(model, folder, patients)
    assert result["cases"] == len(cases) == 2 * len(patients)
    assert result["per_case"].keys() == cases.keys()
    for name, rows in cases.items():
        for structure, row in rows.items():
            assert result["per_case"][name][structure] == pytest.approx(row, abs=1e-6), (name, structure)
    for structure in CLASSES[1:]:
        row = {metric: np.mean([rows[structure][metric] for rows in cases.values()]) for metric in METRICS}
        assert result["per_class"][structure] == pytest.approx(row, abs=1e-6)
    mean = {metric: np.mean([row[structure][metric] for row in cases.values() for structure in row]) for metric in METRICS}
    assert result["mean"] == pytest.approx(mean, abs=1e-6)
    share = counts[counts > 0] / counts.sum()
    expected = {"size": 64, "used": int((counts > 0).sum()), "perplexity": float(np.exp(-(share * np.log(share)).sum()))}
    assert result["codebook"] == pytest.approx(expected)
    # Nothing in it that JSON cannot hold.
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_averaged_views_are_measured_when_asked_for(model: VQSeg, folder: Path) -> None:
    plain, averaged = evaluate_split(model, folder, "val"), evaluate_split(model, folder, "val", average_views=True)
    assert averaged["codebook"] == plain["codebook"]
    assert averaged["mean"] != plain["mean"]
    for name, rows in averaged["per_case"].items():
        labels = Segmenter(model).average_views(read_scan(folder / "imagesTr" / f"{name}_0000.nii.gz"))
        truth = np.asarray(nib.load(folder / "labelsTr" / f"{name}.nii.gz").dataobj)
        for value, structure in enumerate(CLASSES[1:], 1):
            both, total = ((labels == value) & (truth == value)).sum(), (labels == value).sum() + (truth == value).sum()
            assert rows[structure]["dice"] == pytest.approx(2 * both / total if total else 1.0)


def test_all_needs_no_splits(model: VQSeg, folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "splits.json").unlink()
    assert evaluate_split(model, copy, "all")["cases"] == 6


def test_cases_without_labels_are_left_out_and_none_at_all_is_an_error(model: VQSeg, folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "labelsTr" / "patient003_frame01.nii.gz").unlink()
    assert list(evaluate_split(model, copy, "val")["per_case"]) == ["patient003_frame02"]
    (copy / "labelsTr" / "patient003_frame02.nii.gz").unlink()
    with pytest.raises(DatasetError, match="no case of split 'val'"):
        evaluate_split(model, copy, "val")


def test_progress_sees_every_case(model: VQSeg, folder: Path) -> None:
    seen = []

    def progress(cases: Any) -> Any:
        for case in cases:
            seen.append(case.name)
            yield case

    evaluate_split(model, folder, "val", progress)
    assert seen == ["patient003_frame01", "patient003_frame02"]


@pytest.mark.parametrize(("labels", "complaint"), [(np.full((24, 20, 3), 4), "label 4"), (np.zeros((24, 20, 2)), "shape"), (0.5, "whole")])
def test_labels_that_do_not_fit_are_named(model: VQSeg, folder: Path, tmp_path: Path, labels: Any, complaint: str) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    values = np.full((24, 20, 3), labels, np.float32) if np.isscalar(labels) else labels.astype(np.float32)
    nib.save(nib.Nifti1Image(values, np.eye(4)), copy / "labelsTr" / "patient003_frame01.nii.gz")
    with pytest.raises(ValueError, match=rf"patient003_frame01.*{complaint}"):
        evaluate_split(model, copy, "val")


def renamed(folder: Path, target: Path, labels: dict[str, int], values: list[int], rows: list[str]) -> Path:
    """A copy whose dataset.json names these labels, with the label files' values exchanged and left in some slices alone."""
    copy = shutil.copytree(folder, target)
    (copy / "dataset.json").write_text(json.dumps({"labels": labels}))
    for file in (copy / "labelsTr").iterdir():
        image = nib.load(file)
        truth = np.array(values, np.uint8)[np.asarray(image.dataobj)]
        truth[..., [index for index, row in enumerate(rows) if not row]] = 0
        nib.save(nib.Nifti1Image(truth, image.affine), file)
    return copy


def test_classes_are_matched_by_their_names(model: VQSeg, folder: Path, tmp_path: Path) -> None:
    whole = evaluate_split(model, folder, "val")
    # Another order, one structure that the network does not know, and no myocardium.
    copy = renamed(folder, tmp_path / "copy", {"background": 0, "LV": 1, "atrium": 2, "RV": 3}, [0, 3, 0, 1], ["all"] * 3)
    found = evaluate_split(model, copy, "val")
    assert list(found["per_class"]) == ["RV", "LV"]
    for case, rows in found["per_case"].items():
        assert rows == {name: whole["per_case"][case][name] for name in ("RV", "LV")}
    assert found["mean"]["dice"] == pytest.approx(np.mean([whole["per_class"][name]["dice"] for name in ("RV", "LV")]))
    foreign = renamed(folder, tmp_path / "foreign", {"background": 0, "a": 1, "b": 2, "c": 3}, [0, 1, 2, 3], ["all"] * 3)
    with pytest.raises(DatasetError, match="no structure in common"):
        evaluate_split(model, foreign, "val")


def test_slices_without_a_contour_can_be_left_out(model: VQSeg, folder: Path, tmp_path: Path) -> None:
    copy = renamed(folder, tmp_path / "copy", {"background": 0, "RV": 1, "MYO": 2, "LV": 3}, [0, 1, 2, 3], ["all", "", "all"])
    found = evaluate_split(model, copy, "val", contoured_only=True)["per_case"]["patient003_frame01"]
    opened = Segmenter(model).open(read_scan(copy / "imagesTr" / "patient003_frame01_0000.nii.gz"))
    truth = read_labels(copy / "labelsTr" / "patient003_frame01.nii.gz")[..., [0, 2]]
    for value, structure in enumerate(CLASSES[1:], 1):
        assert found[structure] == pytest.approx(brute_force(opened.labels[..., [0, 2]] == value, truth == value, opened.scan.spacing))
    assert found != evaluate_split(model, copy, "val")["per_case"]["patient003_frame01"]
    empty = renamed(folder, tmp_path / "empty", {"background": 0, "RV": 1, "MYO": 2, "LV": 3}, [0, 0, 0, 0], ["all"] * 3)
    with pytest.raises(DatasetError, match=r"patient003_frame01 has no slice with a label of RV, MYO, LV"):
        evaluate_split(model, empty, "val", contoured_only=True)


def test_the_mean_is_over_cases_first_and_structures_then() -> None:
    def row(value: float) -> dict[str, float]:
        return dict.fromkeys(METRICS, value)

    table = summarise({"a": {"RV": row(0.0), "LV": row(1.0)}, "b": {"RV": row(0.5), "LV": row(0.0)}}, ("RV", "LV"))
    assert table["cases"] == 2
    assert table["per_class"] == {"RV": row(0.25), "LV": row(0.5)}
    assert table["mean"] == row(0.375)


def test_evaluation_leaves_the_networks_usage_alone(model: VQSeg, folder: Path) -> None:
    before = model.quantizer.usage.clone()
    evaluate_split(model, folder, "val")
    assert torch.equal(model.quantizer.usage, before)


def border_distances(mask: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Of the pixels of a mask's border in the plane, the distance to the other's."""
    edges = [one & ~np.logical_and.reduce([np.pad(one, 1)[1 + x : 1 + x + one.shape[0], 1 + y : 1 + y + one.shape[1]]
             for x, y in ((-1, 0), (1, 0), (0, -1), (0, 1))]) for one in (mask, other)]  # fmt: skip
    return cdist(np.argwhere(edges[0]), np.argwhere(edges[1])).min(1)


@pytest.mark.parametrize("ending", [".png", ".nii.gz"])
def test_a_picture_is_measured_in_its_plane(model: VQSeg, tmp_path: Path, ending: str) -> None:
    """One voxel thick, every voxel of a structure would lie on its border: a disc within a larger one would have ASD 0."""
    rows, columns = np.mgrid[:48, :40]
    truth = np.kron(np.array([[1, 2, 3], [2, 3, 1]]), np.ones((24, 14)))[:, :40].astype(np.uint8)
    truth[(rows - 24) ** 2 + (columns - 20) ** 2 < 40] = 0
    image = (truth * 60 + np.random.default_rng(3).integers(0, 30, truth.shape)).astype(np.uint8)
    names = ("images", "labels") if ending == ".png" else ("imagesTr", "labelsTr")
    for name, array in zip(names, (image, truth), strict=True):
        (tmp_path / name).mkdir()
        if ending == ".png":
            Image.fromarray(array).save(tmp_path / name / "p1.png")
        else:
            nib.save(nib.Nifti1Image(array[:, :, None], np.eye(4)), tmp_path / name / f"p1{'_0000' * (name == 'imagesTr')}.nii.gz")
    (tmp_path / "splits.json").write_text(json.dumps({"train": [], "val": ["p1"]}))
    found = evaluate_split(model, tmp_path, "val")["per_case"]["p1"]
    opened = Segmenter(model).open(read_scan(tmp_path / names[0] / ("p1.png" if ending == ".png" else "p1_0000.nii.gz")))
    known = read_labels(tmp_path / names[1] / f"p1{ending}")
    scored = 0
    for value, structure in enumerate(CLASSES[1:], 1):
        ours, theirs = (np.squeeze(labels == value) for labels in (opened.labels, known))
        if ours.any():
            there, back = border_distances(ours, theirs), border_distances(theirs, ours)
            assert found[structure]["hd95"] == pytest.approx(np.percentile(np.concatenate([there, back]), 95))
            assert found[structure]["asd"] == pytest.approx(there.mean())
            scored += 1
        else:
            assert found[structure]["asd"] == pytest.approx(np.linalg.norm(ours.shape))
    assert scored


@pytest.mark.parametrize("changes", [{}, {"encoder": "compact", "continuous": True}])
def test_a_table_needs_one_encoding_and_no_reconstruction(folder: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]) -> None:
    measured = tiny_model(image_side=32, **changes)
    expected = evaluate_split(measured, folder, "val")
    encoded: list[int] = []
    encode = measured.encode
    monkeypatch.setattr(measured, "encode", lambda images: encoded.append(len(images)) or encode(images))
    monkeypatch.setattr(measured.image_decoder, "forward", lambda *_: pytest.fail("a reconstruction was decoded"))
    assert evaluate_split(measured, folder, "val") == expected
    assert sum(encoded) == 6
