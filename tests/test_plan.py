"""plan: from a folder of somebody's scans to a data set, a configuration and its reasons."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vqseg.cli import main
from vqseg.config import load_config
from vqseg.data.case_files import read_case_files
from vqseg.data.checking import check_folder
from vqseg.data.datasets import DatasetError, find_cases, read_labelling
from vqseg.data.splits import read_splits
from vqseg.planning import PlanError, make_plan, plan
from vqseg.planning.layout import find_layout
from vqseg.planning.patients import FIRST_PART, TO_FIRST_NUMBER, WHOLE, choose_rule, patients_of
from vqseg.planning.prepare import case_name, split
from vqseg.types import UNSURE


@pytest.fixture(autouse=True)
def _known_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """The measurement trains a few steps; one test does it."""
    monkeypatch.setattr(plan, "steps_per_second", lambda config: 1.0)


def picture(path: Path, seed: int, mask: Path | None = None, value: int = 255) -> None:
    rng = np.random.default_rng(seed)
    image, labels = rng.integers(0, 90, (48, 64), dtype=np.uint8), np.zeros((48, 64), np.uint8)
    labels[10:22, 12 + seed % 5 : 40] = value
    image[labels > 0] += 120
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)
    if mask is not None:
        mask.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(labels).save(mask)


def volume(folder: Path, name: str, *, labelled: bool, low: float = 0.0, seed: int = 0) -> None:
    rng = np.random.default_rng(seed)
    labels = np.zeros((40, 32, 4), np.uint8)
    labels[8:24, 10:20], labels[12:18, 12:18] = 1, 2
    voxels = (low + rng.integers(0, 200, labels.shape) + 300 * labels.astype(int)).astype(np.int16)
    for part, array in (("imagesTr", voxels), *((("labelsTr", labels),) if labelled else ())):
        (folder / part).mkdir(parents=True, exist_ok=True)
        ending = "_0000.nii.gz" if part == "imagesTr" else ".nii.gz"
        nib.Nifti1Image(array, np.diag([1.5, 1.5, 8, 1])).to_filename(folder / part / (name + ending))


def beside(folder: Path) -> None:
    for i in range(6):
        picture(folder / f"p{i}_a.png", i, folder / f"p{i}_a_mask.png" if i < 4 else None)


def apart(folder: Path) -> None:
    for i in range(6):
        picture(folder / "images" / f"p{i}_a.png", i, folder / "masks" / f"p{i}_a.png" if i < 4 else None)


def marked(folder: Path) -> None:
    for i in range(6):
        picture(folder / "image" / f"p{i}_a.png", i, folder / "mask" / f"p{i}_a_segmentation.png" if i < 4 else None)


@pytest.mark.parametrize("lay", [beside, apart, marked])
def test_pictures_with_masks_become_a_data_set_that_training_takes_and_the_files_stay(tmp_path: Path, lay: Callable[[Path], None]) -> None:
    lay(tmp_path / "mine")
    before = {path: path.read_bytes() for path in (tmp_path / "mine").rglob("*.png")}
    made = make_plan(tmp_path / "mine", tmp_path / "plan", hours=1)
    assert {path: path.read_bytes() for path in (tmp_path / "mine").rglob("*.png")} == before
    report = check_folder(tmp_path / "plan")
    assert not report.problems
    assert (report.cases, report.labelled, report.patients) == (6, 4, [f"p{i}" for i in range(6)])
    splits = read_splits(tmp_path / "plan")
    assert len(splits.val) == 1 and len(splits.labelled["labelled"]) == 3
    config = load_config(tmp_path / "plan" / "config.yaml")
    assert config == made.config
    assert config.model.classes == ("background", "structure")
    assert (config.preprocess.intensity, config.preprocess.window) == ("window", (0.0, 255.0))
    assert config.train.steps == 3200


def test_every_chosen_setting_has_its_reason_in_the_file(tmp_path: Path) -> None:
    beside(tmp_path / "mine")
    made = make_plan(tmp_path / "mine", tmp_path / "plan")
    lines = (tmp_path / "plan" / "config.yaml").read_text().splitlines()
    for choice in made.choices:
        place = next(i for i, line in enumerate(lines) if line.startswith(f"  {choice.name}: "))
        assert lines[place - 1] == f"  # {choice.why}"
    assert "  # no" not in lines and len(made.choices) > 15


def test_volumes_keep_their_classes_and_hounsfield_units_get_a_window(tmp_path: Path) -> None:
    for i in range(5):
        volume(tmp_path / "ct", f"case{i}_x", labelled=i < 3, low=-1000, seed=i)
        volume(tmp_path / "mr", f"case{i}_x", labelled=i < 3, seed=i)
    (tmp_path / "ct" / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "liver": 1, "tumour": 2}}))
    ct, mr = (make_plan(tmp_path / kind, tmp_path / f"plan-{kind}").config for kind in ("ct", "mr"))
    assert ct.model.classes == ("background", "liver", "tumour")
    assert mr.model.classes == ("background", "class1", "class2")
    assert ct.preprocess.intensity == "window" and ct.preprocess.window[0] < -800
    assert mr.preprocess.intensity == "percentile"
    assert ct.preprocess.largest_region and ct.preprocess.largest_of_each
    # Two structures may have a left and a right.
    assert not ct.augmentation.flip


def test_the_same_seed_gives_the_same_split_and_a_second_plan_replaces_the_first(tmp_path: Path) -> None:
    beside(tmp_path / "mine")
    first = make_plan(tmp_path / "mine", tmp_path / "plan", seed=3)
    (tmp_path / "mine" / "p5_a.png").unlink()
    second = make_plan(tmp_path / "mine", tmp_path / "plan", seed=3)
    assert first.splits["val"] == second.splits["val"]
    assert len(find_cases(tmp_path / "plan")) == 5


def test_a_folder_of_somebody_else_is_not_replaced(tmp_path: Path) -> None:
    beside(tmp_path / "mine")
    (tmp_path / "other" / "images").mkdir(parents=True)
    (tmp_path / "other" / "images" / "kept.txt").write_text("mine")
    with pytest.raises(PlanError, match="choose another --output"):
        make_plan(tmp_path / "mine", tmp_path / "other")
    assert (tmp_path / "other" / "images" / "kept.txt").read_text() == "mine"


def test_nnunet_s_first_fold_stays_for_validation(tmp_path: Path) -> None:
    for i in range(5):
        volume(tmp_path / "mine", f"case{i}_x", labelled=True, seed=i)
    folds = [{"train": ["case0_x", "case1_x", "case2_x"], "val": ["case3_x", "case4_x"]}, {"train": [], "val": []}]
    (tmp_path / "mine" / "splits_final.json").write_text(json.dumps(folds))
    assert make_plan(tmp_path / "mine", tmp_path / "plan").splits["val"] == ["case3", "case4"]
    (tmp_path / "mine" / "splits_final.json").write_text(json.dumps([{"val": ["case9_x"]}]))
    with pytest.raises(PlanError, match="without an image, the first is 'case9_x'"):
        make_plan(tmp_path / "mine", tmp_path / "plan")


def test_lists_that_are_there_already_are_kept_with_their_smallest_share(tmp_path: Path) -> None:
    apart(tmp_path / "mine")
    lists = {"train": ["p0", "p1", "p4", "p5"], "val": ["p2"], "labeled": {"half": ["p0", "p1"], "few": ["p1"]}}
    (tmp_path / "mine" / "splits.json").write_text(json.dumps(lists))
    made = make_plan(tmp_path / "mine", tmp_path / "plan")
    assert made.splits == lists
    assert made.config.data.labelled == "few"
    # Another rule for patients makes other lists.
    assert make_plan(tmp_path / "mine", tmp_path / "other", pattern=r"^(p\d)").config.data.labelled == "labelled"


def test_lists_of_somebody_without_a_case_are_refused_and_who_is_in_none_is_told(tmp_path: Path) -> None:
    apart(tmp_path / "mine")
    file = tmp_path / "mine" / "splits.json"
    # Lists of cases, with one patient in both: a plan that left these names out would train with other lists.
    file.write_text(json.dumps({"train": ["p0_a", "p1"], "val": ["p2"]}))
    with pytest.raises(
        PlanError, match=r"names 1 patient\(s\) without a case, the first is 'p0_a'. A patient is the part of a case's name"
    ):
        make_plan(tmp_path / "mine", tmp_path / "plan")
    file.write_text(json.dumps({"train": ["p0", "p1"], "val": ["p2"], "test": ["p3"]}))
    made = make_plan(tmp_path / "mine", tmp_path / "plan")
    assert made.splits["test"] == ["p3"] and read_splits(tmp_path / "plan").test == ("p3",)
    assert "  p4 and 1 more: in no list of splits.json, neither learnt from nor measured" in list(plan.told(made))


def described(folder: Path, **said: object) -> None:
    """Eight volumes of which six have labels, with a dataset.json."""
    for i in range(8):
        volume(folder, f"p{i}", labelled=i < 6, seed=i)
    (folder / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "LV": 1, "MYO": 2, "ignore": 255}} | said))


def without_some(folder: Path, rows: int = 10) -> None:
    for file in (folder / "labelsTr").iterdir():
        image = nib.load(file)
        values = np.asarray(image.dataobj).astype(np.uint8)
        values[:rows] = 255
        nib.Nifti1Image(values, image.affine).to_filename(file)


def test_voxels_without_a_label_are_carried_over_and_told(tmp_path: Path) -> None:
    described(tmp_path / "mine")
    without_some(tmp_path / "mine")
    made = make_plan(tmp_path / "mine", tmp_path / "plan")
    assert read_labelling(tmp_path / "plan").ignore == 255 and made.config.model.classes == ("background", "LV", "MYO")
    assert any(line.endswith("% of the voxels have no label and count for nothing (ignore)") for line in plan.told(made))
    case = next(case for case in find_cases(tmp_path / "plan") if case.label is not None)
    labels = read_case_files(case, made.config.model.classes)[1]
    assert labels is not None and (labels[:10] == UNSURE).all() and not (labels[10:] == UNSURE).any()


def test_a_number_that_no_dataset_json_names_is_refused_once_with_what_it_may_mean(tmp_path: Path) -> None:
    described(tmp_path / "mine")
    without_some(tmp_path / "mine")
    (tmp_path / "mine" / "dataset.json").unlink()
    with pytest.raises(PlanError) as refused:
        make_plan(tmp_path / "mine", tmp_path / "plan")
    first, reason, last = str(refused.value).splitlines()
    assert first == "6 of 8 cases cannot be used:" and last.startswith("mend them")
    assert reason.startswith("  p0 and 5 more: p0.nii.gz has the label 255; expected whole numbers from 0 to 2")
    assert reason.endswith('if 255 stands for voxels without a label, as "ignore": 255')


@pytest.mark.parametrize("pattern", [None, r"^p(\d)"])
def test_cases_with_some_structures_alone_are_carried_over_by_their_new_names(tmp_path: Path, pattern: str | None) -> None:
    described(tmp_path / "mine", labelled_classes={"p0": ["LV"], "p1": ["MYO"]})
    made = make_plan(tmp_path / "mine", tmp_path / "plan", pattern=pattern)
    labelled = {case.name: case.labelled for case in find_cases(tmp_path / "plan") if case.labelled is not None}
    assert labelled == ({"p0": ("LV",), "p1": ("MYO",)} if pattern is None else {"0_p0": ("LV",), "1_p1": ("MYO",)})
    assert "  2 case(s) show some of these alone, the first is p0: in them the others are left open" in list(plan.told(made))


def test_structures_of_nobody_are_refused(tmp_path: Path) -> None:
    described(tmp_path / "mine", labelled_classes={"p9": ["LV"]})
    with pytest.raises(DatasetError, match="of no case and no patient, the first is 'p9'"):
        make_plan(tmp_path / "mine", tmp_path / "plan")


def test_a_palette_of_masks_gives_its_numbers_not_its_colours(tmp_path: Path) -> None:
    apart(tmp_path / "mine")
    for path in (tmp_path / "mine" / "masks").iterdir():
        numbers = np.zeros((48, 64), np.uint8)
        numbers[10:22, 12:40], numbers[14:18, 20:30] = 1, 2
        mask = Image.fromarray(numbers, mode="P")
        mask.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
        mask.save(path)
    made = make_plan(tmp_path / "mine", tmp_path / "plan")
    assert made.config.model.classes == ("background", "class1", "class2")
    assert [case.shape.voxels for case in made.survey.labelled if case.shape] == 4 * [{0: 48 * 64 - 336, 1: 336 - 40, 2: 40}]


def cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:90])


def with_fractions(file: Path) -> None:
    nib.Nifti1Image(np.full((40, 32, 4), 0.5, np.float32), np.diag([1.5, 1.5, 8, 1])).to_filename(file)


def of_another_size(file: Path) -> None:
    nib.Nifti1Image(np.ones((36, 32, 4), np.uint8), np.diag([1.5, 1.5, 8, 1])).to_filename(file)


@pytest.mark.parametrize(
    ("part", "spoil", "told"),
    [
        ("imagesTr/p2_0000.nii.gz", cut_off, "p2_0000.nii.gz is a broken or cut-off gzip file"),
        ("labelsTr/p2.nii.gz", cut_off, "p2.nii.gz is a broken or cut-off gzip file"),
        ("labelsTr/p2.nii.gz", of_another_size, "p2.nii.gz has 36 × 32 × 4 voxels; the scan p2_0000.nii.gz has 40 × 32 × 4"),
        ("labelsTr/p2.nii.gz", with_fractions, "p2.nii.gz is no label file: it holds the value 0.5"),
    ],
)
def test_a_broken_volume_is_named_with_what_is_wrong(tmp_path: Path, part: str, spoil: Callable[[Path], None], told: str) -> None:
    described(tmp_path / "mine")
    spoil(tmp_path / "mine" / part)
    with pytest.raises(PlanError, match="1 of 8 cases cannot be used:\n  p2: " + re.escape(told)):
        make_plan(tmp_path / "mine", tmp_path / "plan")


def test_a_small_structure_alone_is_taken_for_a_lesion(tmp_path: Path) -> None:
    apart(tmp_path / "mine")
    assert make_plan(tmp_path / "mine", tmp_path / "plan").config.preprocess.largest_region
    for path in (tmp_path / "mine" / "masks").iterdir():
        mask = np.zeros((48, 64), np.uint8)
        mask[20:24, 30:36] = 1
        Image.fromarray(mask).save(path)
    assert not make_plan(tmp_path / "mine", tmp_path / "plan").config.preprocess.largest_region


def test_what_is_wrong_is_named_and_can_be_left_out(tmp_path: Path) -> None:
    beside(tmp_path / "mine")
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "mine" / "p0_a_mask.png")
    (tmp_path / "mine" / "p1_a.png").write_bytes(b"no picture")
    with pytest.raises(PlanError, match=r"2 of 6 cases cannot be used:\n  p0_a: .*\n  p1_a: .*\nmend them, or go on with --skip-broken"):
        make_plan(tmp_path / "mine", tmp_path / "plan")
    made = make_plan(tmp_path / "mine", tmp_path / "plan", skip_broken=True)
    assert [case.name for case in find_cases(tmp_path / "plan")] == ["p2_a", "p3_a", "p4_a", "p5_a"]
    assert set(made.survey.problems) == {"p0_a", "p1_a"}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: None, "there is no folder"),
        (lambda folder: folder.mkdir(), "no image in"),
        (lambda folder: picture(folder / "p0.png", 0), "at least two are needed"),
        (lambda folder: picture(folder / "a.png", 0, folder / "b_mask.png"), "have no image beside them, the first is 'b_mask.png'"),
        (
            lambda folder: picture(folder / "images" / "a.png", 0, folder / "masks" / "b.png"),
            "have no image of the same name, the first is 'b'",
        ),
    ],
)
def test_a_folder_without_a_plan_says_why(tmp_path: Path, make: Callable[[Path], None], message: str) -> None:
    make(tmp_path / "mine")
    with pytest.raises(PlanError, match=message):
        make_plan(tmp_path / "mine", tmp_path / "plan")


@pytest.mark.parametrize(
    ("names", "rule"),
    [
        (("p1_a", "p1_b", "p2_a"), FIRST_PART),
        (("BRATS_001", "BRATS_002"), TO_FIRST_NUMBER),
        (("left", "left-again"), FIRST_PART),
        (("a_b", "a_c"), WHOLE),
    ],
)
def test_the_rule_for_patients_is_the_first_that_finds_several(names: tuple[str, ...], rule: str) -> None:
    assert choose_rule(names) == rule


def test_a_rule_of_one_s_own_is_checked(tmp_path: Path) -> None:
    assert patients_of(["x-7-slice1", "x-7-slice2"], "^(.*?)-slice") == {"x-7-slice1": "x-7", "x-7-slice2": "x-7"}
    with pytest.raises(PlanError, match="no regular expression"):
        patients_of(["a"], "(")
    with pytest.raises(PlanError, match="finds no patient in 1 name"):
        patients_of(["a1", "b"], r"\d")


@given(st.lists(st.text("ab_1-", min_size=1, max_size=8), min_size=1, max_size=8, unique=True))
def test_a_patient_of_the_plan_is_the_patient_of_the_data_set(names: list[str]) -> None:
    for name, patient in patients_of(names, WHOLE).items():
        assert case_name(name, patient).split("_", 1)[0] == patient


@given(st.integers(2, 40), st.integers(0, 40), st.integers(0, 5))
def test_no_patient_is_in_two_parts_and_both_parts_have_labels(with_labels: int, without: int, seed: int) -> None:
    patients = {f"c{i}": f"p{i}" for i in range(with_labels + without)}
    made = split(patients, [f"c{i}" for i in range(with_labels)], (), seed)
    train, val, learnt = set(made["train"]), set(made["val"]), set(made["labeled"]["labelled"])  # type: ignore[call-overload,index]
    assert not train & val
    assert train | val == set(patients.values())
    assert val and learnt and learnt <= train
    assert learnt | val == {f"p{i}" for i in range(with_labels)}


def test_the_command_measures_its_pace_and_names_the_three_commands_that_follow(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    beside(tmp_path / "mine")
    assert main(["plan", str(tmp_path / "mine"), "--output", str(tmp_path / "plan"), "--hours", "0.001"]) == 0
    said, logged = capsys.readouterr()
    # What the few steps say of their few cases is not said of the run.
    assert "volumes" not in logged and not caplog.records
    assert "6 cases of 6 patients, 4 with labels" in said and find_layout(tmp_path / "mine").kind in said
    assert "steps/s, measured on this machine" in said
    train, report, app = said.split("Next:\n")[1].splitlines()
    assert "vqseg report" in report and app.endswith("python app.py")
    short = ["--train.steps", "2", "--train.codebook-start", "1", "--train.checkpoint-every", "2", "--train.evaluate-every", "2"]
    assert main([*train.split()[3:], *short]) == 0
    assert (tmp_path / "plan" / "run" / "checkpoint" / "model.safetensors").is_file()
    assert main(report.split()[3:]) == 0
    page = (tmp_path / "plan" / "run" / "report.html").read_text()
    assert page.count("<img src=") == 3 and "<svg" in page and "structure" in page
    assert not re.search(r'(src|href)="?https?:|url\(http', page)
    # It replaces its own page, and nothing else.
    assert main(report.split()[3:]) == 0
    (tmp_path / "plan" / "run" / "report.html").write_text("mine")
    assert main(report.split()[3:]) == 2


def test_a_plan_that_cannot_be_made_ends_with_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", str(tmp_path / "none"), "--output", str(tmp_path / "plan")]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: there is no folder") and "Traceback" not in said
