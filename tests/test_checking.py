"""`check` says all that is wrong with a data set, and `evaluate`, `train` and `pseudo-labels` stop for the same before they work."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from tests.tiny import tiny_config
from vqseg.checkpoint import load_model
from vqseg.cli.commands import main
from vqseg.data.checking import check_folder
from vqseg.data.datasets import DatasetError
from vqseg.evaluation import evaluate_split
from vqseg.models.vqseg import VQSeg
from vqseg.training.trainer import Trainer

RNG = np.random.default_rng(3)
AFFINE = np.diag([1.5, 1.5, 8.0, 1.0])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four patients with labels of the tiny network's classes; the last one validates."""
    data = tmp_path / "data"
    for part in ("imagesTr", "labelsTr"):
        (data / part).mkdir(parents=True)
    names = [f"p{number}" for number in range(4)]
    for name in names:
        nib.save(nib.Nifti1Image(RNG.random((70, 72, 3)).astype(np.float32), AFFINE), data / "imagesTr" / f"{name}_1_0000.nii.gz")
        nib.save(nib.Nifti1Image(RNG.integers(0, 4, (70, 72, 3)).astype(np.uint8), AFFINE), data / "labelsTr" / f"{name}_1.nii.gz")
    # As Windows writes them.
    labels = {"background": 0, "RV": 1, "MYO": 2, "LV": 3}
    (data / "dataset.json").write_bytes(b"\xef\xbb\xbf" + json.dumps({"labels": labels}, indent=1).replace("\n", "\r\n").encode())
    write_splits(data, train=names[:3], val=names[3:], labeled={"10%": names[:1]})
    return data


def write_splits(data: Path, **lists: Any) -> None:
    (data / "splits.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(lists, indent=1).replace("\n", "\r\n").encode())


def relabel(data: Path, name: str, values: np.ndarray, affine: np.ndarray = AFFINE) -> None:
    nib.save(nib.Nifti1Image(values, affine), data / "labelsTr" / f"{name}_1.nii.gz")


def test_a_sound_data_set_has_no_problem(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(folder)]) == 0
    assert "4 cases of 4 patients, 4 with labels: 0 problem(s), 0 note(s)" in capsys.readouterr().out


def test_a_bundled_phantom_folder_is_sound(phantoms: Path) -> None:
    report = check_folder(phantoms)
    assert report.problems == [] and report.cases == report.labelled == 8 and min(report.voxels.values()) > 0


def test_everything_that_is_wrong_is_said_and_written(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    relabel(folder, "p0", np.full((70, 72, 3), 7, np.uint8))
    relabel(folder, "p1", np.zeros((70, 72, 3), np.uint8), AFFINE @ nib.affines.from_matvec(np.eye(3), [20, 0, 0]))
    (folder / "imagesTr" / "p2_1_0000.nii.gz").write_bytes(b"broken")
    (folder / "labelsTr" / "p3_1.nii.gz").unlink()
    (folder / "imagesTr" / "notes.txt").write_text("")
    (folder / "imagesTr" / "Thumbs.db").write_text("")
    write_splits(folder, train=["p0", "p1", "p2", "p9"], val=[], labeled={"10%": ["p0"]})
    output = tmp_path / "report.json"
    assert main(["check", str(folder), "--output", str(output)]) == 1
    told = json.loads(output.read_text())
    found = {(one["kind"], one["where"]): one["what"] for one in told["findings"]}
    assert set(found) == {
        ("problem", "p0_1"), ("problem", "p1_1"), ("problem", "p2_1"), ("problem", "splits.json"),
        ("note", "splits.json"), ("note", "imagesTr/notes.txt"), ("note", "RV"), ("note", "MYO"), ("note", "LV"),
    }  # fmt: skip
    assert "label 7" in found["problem", "p0_1"] and "30.0 mm apart" in found["problem", "p1_1"]
    assert "part of a case's name before the first underscore" in found["problem", "splits.json"]
    assert told["problems"] == 4 and told["cases"] == 4 and told["labelled"] == 3
    printed = capsys.readouterr().out
    assert all(what in printed for what in found.values()) and "4 problem(s), 5 note(s)" in printed


def test_a_patient_rule_that_does_not_fit_is_told(folder: Path) -> None:
    for part in ("imagesTr", "labelsTr"):
        for path in (folder / part).iterdir():
            path.rename(path.with_name(path.name.replace("p", "img_00", 1)))
    write_splits(folder, train=["img_000", "img_001"], val=["img_003"], labeled={"10%": ["img_000"]})
    what = " ".join(one.what for one in check_folder(folder).findings)
    assert "4 cases, of which img_000_1 is one, are taken for one patient" in what
    with pytest.raises(DatasetError, match=r"before the first underscore: img_003_1 belongs to the patient img"):
        evaluate_split(VQSeg(tiny_config(folder, folder).model).eval(), folder, "val")


@pytest.mark.parametrize("broken", ["dataset.json", "splits.json", "imagesTr", None])
def test_a_folder_without_its_parts_is_a_report_and_no_crash(folder: Path, tmp_path: Path, broken: str | None) -> None:
    if broken is None:
        assert len(check_folder(tmp_path / "absent").problems) == 3
        return
    (folder / broken).rename(folder / "elsewhere")
    report = check_folder(folder)
    assert len(report.problems) >= 1 and any(broken in one.what for one in report.problems)


def test_a_link_that_leads_nowhere_is_a_problem(folder: Path) -> None:
    (folder / "imagesTr" / "p4_1_0000.nii.gz").symlink_to(folder / "nowhere")
    assert any("link to a file that does not exist" in one.what for one in check_folder(folder).problems)


# The same before any work


def never(*_: Any, **__: Any) -> Any:
    raise AssertionError("the work began")


SHIFTED = AFFINE @ nib.affines.from_matvec(np.eye(3), [0, 30, 0])


def test_evaluation_names_a_wrong_label_before_it_measures(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    relabel(folder, "p3", np.zeros((70, 72, 3), np.uint8), SHIFTED)
    monkeypatch.setattr("vqseg.evaluation._segment", never)
    with pytest.raises(DatasetError, match=r"^p3_1: .*lies elsewhere.*45\.0 mm apart"):
        evaluate_split(VQSeg(tiny_config(folder, folder).model).eval(), folder, "val")


def test_evaluation_counts_what_it_leaves_out(folder: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "labelsTr" / "p1_1.nii.gz").unlink()
    words = ["evaluate", "--checkpoint", checkpoint, "--data", folder, "--split", "train", "--output", tmp_path / "train.json"]
    assert main([str(word) for word in words]) == 0
    result = json.loads((tmp_path / "train.json").read_text())
    assert result["cases"] == 2 and result["left_out"] == ["p1_1"]
    assert "1 case(s) were not measured, as they have no labels of these structures: p1_1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("p0", lambda data: relabel(data, "p0", np.zeros((70, 72, 3), np.uint8), SHIFTED)),
        ("p3", lambda data: relabel(data, "p3", np.full((70, 72, 3), 9, np.uint8))),
        ("p3", lambda data: relabel(data, "p3", np.full((70, 72, 3), np.nan, np.float32))),
    ],
)
def test_training_names_wrong_labels_before_its_first_step(folder: Path, tmp_path: Path, name: str, spoil: Callable[[Path], None]) -> None:
    spoil(folder)
    # Also of a run that measures nothing: what it is trained for will be measured.
    run = Trainer(tiny_config(folder, tmp_path / "run", steps=2))
    run._optimise = never  # type: ignore[method-assign]
    with pytest.raises(DatasetError, match=rf"^{name}_1: "):
        run.run()


def test_a_series_among_training_scans_is_no_scan_for_anybody(
    folder: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nib.save(nib.Nifti1Image(RNG.random((70, 72, 3, 12)).astype(np.float32), AFFINE), folder / "imagesTr" / "p0_1_0000.nii.gz")
    for command in ("codebook", "familiarity"):
        words = [command, "--checkpoint", checkpoint, "--data", folder, "--output", tmp_path / "out"]
        assert main([str(word) for word in words]) == 2
        assert "holds 12 volumes" in capsys.readouterr().err


def test_held_out_lists_that_lead_nowhere_are_said_and_do_not_stop_a_training(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "imagesTs").mkdir()
    (folder / "labelsTr" / "p3_1.nii.gz").unlink()
    Trainer(tiny_config(folder, tmp_path / "run", steps=1)).run()
    assert "the test split cannot be measured" in caplog.text
    assert "1 case(s) of the val split have no labels to measure against, the first is p3_1" in caplog.text


def test_what_should_be_known_of_a_file_reaches_whoever_uses_it(
    folder: Path, checkpoint: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    channels = (RNG.integers(0, 4, (70, 72, 3))[..., None] == np.arange(4)).astype(np.uint8)
    for name in ("p0", "p3"):
        relabel(folder, name, channels)
    note = "labels: 4 volumes, one a class, were read as labels 0 to 3"
    assert evaluate_split(load_model(checkpoint), folder, "val")["notes"] == {"p3_1": [note]}
    assert [one.what for one in check_folder(folder).findings] == [note, note]
    Trainer(tiny_config(folder, tmp_path / "run", steps=1)).run()
    assert caplog.text.count(note) == 2


def test_training_patients_do_not_come_from_the_test_folder(folder: Path) -> None:
    shutil.copytree(folder / "imagesTr", folder / "imagesTs")
    for path in (*(folder / "imagesTr").glob("p1_*"), *(folder / "labelsTr").glob("p1_*")):
        path.unlink()
    assert any("1 patient(s) of train have no image, the first is 'p1'" in one.what for one in check_folder(folder).problems)


def test_a_list_of_endless_depth_is_no_list(folder: Path) -> None:
    (folder / "splits.json").write_text("[" * 100_000)
    assert any("is not valid JSON" in one.what for one in check_folder(folder).problems)
