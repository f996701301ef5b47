"""The table of ejection fractions: against an own count over the same slices, from a checkpoint to its files."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from tests.tiny import tiny_model
from vqseg.checkpoint import load_model, save_model
from vqseg.cli import main
from vqseg.data.phantom_cine import phantom_cine
from vqseg.data.scan import read_labels, read_scan
from vqseg.experiments.ejection import Ejection, ejection_fraction, measure_ejection
from vqseg.experiments.ejection_report import write_ejection
from vqseg.inference import Segmenter

PATIENTS = ("healthy1", "healthy2", "failing1")
CONTOURED = {"ed": slice(1, 6), "es": slice(2, 5)}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three patients in two phases, the left ventricle contoured in some slices. Read only."""
    folder = tmp_path_factory.mktemp("contoured")
    for part in ("imagesTr", "labelsTr"):
        (folder / part).mkdir()
    for seed, patient in enumerate(PATIENTS):
        cine = phantom_cine(seed, 3, side=80, slices=7)
        for frame, (phase, slices) in enumerate(CONTOURED.items()):
            truth = np.zeros(cine.labels.shape[:3], np.uint8)
            truth[..., slices] = cine.labels[..., slices, frame] == 3
            nib.Nifti1Image(cine.image[..., frame], cine.affine).to_filename(folder / "imagesTr" / f"{patient}_{phase}_0000.nii.gz")
            nib.Nifti1Image(truth, cine.affine).to_filename(folder / "labelsTr" / f"{patient}_{phase}.nii.gz")
    (folder / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "LV": 1}}))
    (folder / "splits.json").write_text(json.dumps({"train": ["failing1"], "val": ["healthy1", "healthy2"], "labeled": {}}))
    return folder


@pytest.fixture(scope="module")
def found(checkpoint: Path, data: Path) -> Ejection:
    return measure_ejection(str(checkpoint), data, ("val", "all"))


def test_every_patient_is_measured_once_and_stands_in_its_splits(found: Ejection) -> None:
    assert [one["patient"] for one in found["patients"]] == sorted(PATIENTS)
    assert found["splits"] == {"val": ["healthy1", "healthy2"], "all": sorted(PATIENTS)}
    assert [one["group"] for one in found["patients"]] == ["failing", "healthy", "healthy"]


def test_ejection_fractions_are_those_of_the_slices_that_they_say(found: Ejection, checkpoint: Path, data: Path) -> None:
    segmenter = Segmenter(load_model(checkpoint))
    for one in found["patients"]:
        count: dict[str, list[int]] = {"truth": [], "all": [], "contoured": []}
        for phase, slices in CONTOURED.items():
            answer = segmenter.open(read_scan(data / "imagesTr" / f"{one['patient']}_{phase}_0000.nii.gz")).labels == 3
            truth = read_labels(data / "labelsTr" / f"{one['patient']}_{phase}.nii.gz") == 1
            there = np.flatnonzero(truth.any((0, 1)))
            assert set(there) <= set(range(7)[slices]) and len(there) > 0
            count["truth"].append(truth.sum())
            count["all"].append(answer.sum())
            count["contoured"].append(answer[..., there].sum())
            size = truth.sum() + answer[..., there].sum()
            assert one["volumes"][phase]["dice"] == pytest.approx(2 * (truth & answer).sum() / size)
        assert one["truth"] == pytest.approx(100 * (1 - count["truth"][1] / count["truth"][0]))
        for way in ("all", "contoured"):
            assert one["network"][way] == pytest.approx(ejection_fraction(*count[way]))


def test_agreement_is_over_the_patients_of_the_split(found: Ejection) -> None:
    for split, names in found["splits"].items():
        for way, agreement in found["agreement"][split].items():
            pairs = [(one["network"][way], one["truth"]) for one in found["patients"] if one["patient"] in names]
            known = [mine - theirs for mine, theirs in pairs if mine is not None and theirs is not None]
            if len(known) < 2:
                assert agreement is None
            else:
                assert agreement["count"] == len(known) and agreement["bias"] == pytest.approx(np.mean(known))


def test_a_phase_without_a_voxel_gives_no_ejection_fraction() -> None:
    assert ejection_fraction(0, 0) is None and ejection_fraction(10, 0) is None and ejection_fraction(10, 4) == 60


def test_the_command_writes_what_was_measured(
    found: Ejection, checkpoint: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["table", "ef", "--checkpoint", str(checkpoint), "--data", str(data), "--split", "val", "all", "--output", str(tmp_path)]
    assert main(words) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / f"ef.{ending}") for ending in ("json", "md", "png")]
    (written,) = json.loads((tmp_path / "ef.json").read_text())["checkpoints"]
    assert written == json.loads(json.dumps(found))
    text = (tmp_path / "ef.md").read_text()
    for one in found["patients"]:
        row = next(line for line in text.splitlines() if line.startswith(f"| {one['patient']} |"))
        assert f"{one['truth']:.1f}" in row and "/ " in row
    assert f"| {checkpoint.name} | val (2) | all slices |" in text and " ".join(words) in text


def test_files_of_contoured_slices_alone_are_counted_and_said_once(found: Ejection, tmp_path: Path) -> None:
    bare = copy.deepcopy(found)
    for one in bare["patients"]:
        for volume in one["volumes"].values():
            there = [place for place, count in enumerate(volume["truth"]) if count]
            volume["truth"], volume["network"] = ([volume[which][place] for place in there] for which in ("truth", "network"))
    texts = {}
    for name, values in (("both", found), ("bare", bare)):
        write_ejection([values], tmp_path / name, seconds=1.0, command="make it")
        texts[name] = (tmp_path / name / "ef.md").read_text()
    assert "all slices" in texts["both"] and "No file has a slice without a contour" not in texts["both"]
    assert "| all slices |" not in texts["bare"] and "No file has a slice without a contour" in texts["bare"]
    # Each phase by its own number of slices.
    one = bare["patients"][0]
    lengths = [len(one["volumes"][phase]["truth"]) for phase in ("ed", "es")]
    assert lengths[0] > lengths[1] and f"| {lengths[0]} of {lengths[0]} / {lengths[1]} of {lengths[1]} |" in texts["bare"]


def test_data_that_do_not_pair_and_networks_of_other_organs_are_refused(
    checkpoint: Path, data: Path, phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["table", "ef", "--checkpoint", str(checkpoint), "--data", str(phantoms), "--output", str(tmp_path / "out")]) == 2
    assert "phantom004_frame01" in capsys.readouterr().err
    save_model(tiny_model(classes=("background", "nodule")), tmp_path / "lungs")
    assert main(["table", "ef", "--checkpoint", str(tmp_path / "lungs"), "--data", str(data), "--output", str(tmp_path / "out")]) == 2
    assert "no class 'LV'" in capsys.readouterr().err and not (tmp_path / "out").exists()
