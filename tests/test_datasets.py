"""Folders of empty files: pairing and splitting never open an image."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vqseg.data.datasets import DatasetError, class_names, find_cases
from vqseg.data.splits import Splits, cases_of_split, labelled_and_unlabelled, read_splits, select

SHARED = Path(__file__).resolve().parents[1] / ".." / "shared" / "data"


@pytest.fixture
def shared() -> Path:
    if not (SHARED / "ACDC").is_dir():
        pytest.skip("the development data (../shared/data) is not on this machine")
    return SHARED


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


@pytest.fixture
def heart(tmp_path: Path) -> Path:
    """Five patients of two frames, one of them without labels."""
    for patient in "abcde":
        for frame in (1, 2):
            touch(tmp_path, f"imagesTr/{patient}_frame0{frame}_0000.nii.gz")
            if patient != "e":
                touch(tmp_path, f"labelsTr/{patient}_frame0{frame}.nii.gz")
    splits = {"train": ["c", "a", "b"], "val": ["d"], "labeled": {"10%": ["c"], "50%": ["c", "a"]}}
    (tmp_path / "splits.json").write_text(json.dumps(splits))
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": {"LV": 2, "background": 0, "RV": 1}}))
    return tmp_path


def test_nnunet_images_pair_with_their_labels(heart: Path) -> None:
    cases = find_cases(heart)
    assert [case.name for case in cases] == sorted(f"{p}_frame0{f}" for p in "abcde" for f in (1, 2))
    assert cases[0].image == heart / "imagesTr" / "a_frame01_0000.nii.gz"
    assert cases[0].label == heart / "labelsTr" / "a_frame01.nii.gz"
    assert {case.patient for case in cases} == set("abcde")
    assert [case.label for case in cases if case.patient == "e"] == [None, None]


def test_msd_names_without_channel_and_mac_leftovers(tmp_path: Path) -> None:
    touch(tmp_path, "imagesTr/la_003.nii.gz", "imagesTr/._la_003.nii.gz", "labelsTr/la_003.nii.gz", "imagesTr/notes.txt")
    (case,) = find_cases(tmp_path)
    assert case.name == "la_003" and case.label == tmp_path / "labelsTr" / "la_003.nii.gz"


def test_pictures_pair_by_name(tmp_path: Path) -> None:
    # Pictures have no channel suffix: four digits at the end belong to the name.
    touch(tmp_path, "images/lidc0001_0002.png", "labels/lidc0001_0002.png", "images/lidc0003_n0.png")
    assert [(case.name, case.patient, case.label is None) for case in find_cases(tmp_path)] == [
        ("lidc0001_0002", "lidc0001", False),
        ("lidc0003_n0", "lidc0003", True),
    ]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ((), "neither imagesTr/ nor images/"),
        (("imagesTr/readme.txt",), "no image in"),
        (("imagesTr/a_0000.nii.gz", "labelsTr/b.nii.gz"), "without an image of the same name, the first is 'b'"),
        (("imagesTr/a_0000.nii.gz", "imagesTr/a_0002.nii.gz"), "case 'a' .* has a channel 0002, and no file a_0001"),
        (("imagesTr/a_0001.nii.gz",), "case 'a' .* has a channel 0001, and no file a_0000"),
        (("imagesTr/a_0000.nii.gz", "imagesTr/a.nii"), "claim the same case 'a'"),
    ],
)
def test_a_folder_that_does_not_pair_is_an_error(tmp_path: Path, files: tuple[str, ...], message: str) -> None:
    touch(tmp_path, *files)
    with pytest.raises(DatasetError, match=message):
        find_cases(tmp_path)


def test_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no data set folder"):
        find_cases(tmp_path / "absent")


def test_classes_are_ordered_by_value(heart: Path) -> None:
    assert class_names(heart) == ("background", "RV", "LV")
    (heart / "dataset.json").write_text(json.dumps({"labels": {"1": "RV", "0": "background"}}))
    assert class_names(heart) == ("background", "RV")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not valid JSON"),
        ("[]", "expected a JSON object"),
        ("{}", 'no "labels"'),
        ('{"labels": {"a": 0, "b": 2}}', "0 to 1"),
        ('{"labels": {"a": 0, "b": [1, 2]}}', "whole number"),
    ],
)
def test_bad_dataset_json_is_an_error(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "dataset.json").write_text(content)
    with pytest.raises(DatasetError, match=message):
        class_names(tmp_path)


def test_shares_partition_the_training_patients_and_hide_labels(heart: Path) -> None:
    cases, splits = find_cases(heart), read_splits(heart)
    labelled, unlabelled = labelled_and_unlabelled(cases, splits, "10%")
    assert {case.patient for case in labelled} == {"c"} and all(case.label is not None for case in labelled)
    assert {case.patient for case in unlabelled} == {"a", "b"} and all(case.label is None for case in unlabelled)
    labelled, unlabelled = labelled_and_unlabelled(cases, splits, "all")
    assert {case.patient for case in labelled} == {"a", "b", "c"} and unlabelled == []


def test_splits_select_whole_patients(heart: Path) -> None:
    assert [case.name for case in cases_of_split(heart, "val")] == ["d_frame01", "d_frame02"]
    assert len(cases_of_split(heart, "train")) == 6
    (heart / "splits.json").unlink()
    assert len(cases_of_split(heart, "all")) == 10
    with pytest.raises(DatasetError, match=r"no splits\.json"):
        cases_of_split(heart, "val")
    with pytest.raises(DatasetError, match="expected train, val, test or all"):
        cases_of_split(heart, "holdout")


def test_unknown_share_patient_or_missing_label_is_an_error(heart: Path) -> None:
    cases, splits = find_cases(heart), read_splits(heart)
    with pytest.raises(DatasetError, match=r"unknown labelled share '7%'; splits\.json has 10%, 50%"):
        labelled_and_unlabelled(cases, splits, "7%")
    with pytest.raises(DatasetError, match="the first is 'z'"):
        select(cases, ["a", "z"])
    with pytest.raises(DatasetError, match="without a label file, the first is 'e_frame01'"):
        labelled_and_unlabelled(cases, Splits(("a", "e"), (), {"50%": ("e",)}), "50%")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"train": ["a"], "val": ["a"]}, "in train and in val"),
        ({"train": ["a"], "val": ["d"], "labeled": {"10%": ["d"]}}, "outside train, the first is 'd'"),
        ({"val": ["d"]}, "train must be a list"),
        ({"train": ["a", "a"]}, "names a patient twice"),
        ({"train": ["a"], "labeled": ["a"]}, '"labeled" must map'),
    ],
)
def test_contradictory_splits_are_an_error(tmp_path: Path, content: dict[str, object], message: str) -> None:
    (tmp_path / "splits.json").write_text(json.dumps(content))
    with pytest.raises(DatasetError, match=message):
        read_splits(tmp_path)


def test_shared_data_has_the_documented_patients(shared: Path) -> None:
    cases, splits = find_cases(shared / "ACDC"), read_splits(shared / "ACDC")
    labelled, unlabelled = labelled_and_unlabelled(cases, splits, "10%")
    assert (len(cases), len(labelled), len(unlabelled), len(select(cases, splits.val))) == (160, 14, 126, 20)
    assert class_names(shared / "ACDC") == ("background", "RV", "MYO", "LV")
    assert len(cases_of_split(shared / "LIDC", "val")) >= 63 and class_names(shared / "LIDC") == ("background", "nodule")


def test_the_test_split_comes_from_splits_json_or_from_the_test_folders(tmp_path: Path) -> None:
    for folder in ("imagesTr", "labelsTr", "imagesTs", "labelsTs"):
        (tmp_path / folder).mkdir()
    for name in ("a_1", "b_1", "c_1"):
        (tmp_path / "imagesTr" / f"{name}.nii.gz").touch()
        (tmp_path / "labelsTr" / f"{name}.nii.gz").touch()
    (tmp_path / "imagesTs" / "d_1_0000.nii.gz").touch()
    (tmp_path / "labelsTs" / "d_1.nii.gz").touch()
    (tmp_path / "splits.json").write_text(json.dumps({"train": ["a"], "val": ["b"], "test": ["c"]}))

    (case,) = cases_of_split(tmp_path, "test")
    assert (case.name, case.label) == ("d_1", tmp_path / "labelsTs" / "d_1.nii.gz")

    (tmp_path / "imagesTs" / "d_1_0000.nii.gz").unlink()
    (tmp_path / "imagesTs").rmdir()
    assert [case.name for case in cases_of_split(tmp_path, "test")] == ["c_1"]

    (tmp_path / "splits.json").write_text(json.dumps({"train": ["a"], "val": ["b"]}))
    with pytest.raises(DatasetError, match="no test patients"):
        cases_of_split(tmp_path, "test")


def test_a_patient_cannot_train_and_test() -> None:
    with pytest.raises(DatasetError, match="in train and in test"):
        Splits(train=("a", "b"), val=(), labelled={}, test=("b",))
