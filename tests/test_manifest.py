"""What examples.json says of a folder of examples, how it is refused, and what an example of fewer classes is measured by."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from app_server import Arrived, fake_models, fake_served, save_scan
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from app.page.gallery import cases_of
from app.page.visits import Visits
from app.scan.frame_request import FrameRequest
from app.scan.frames import make_frame, truth_scores
from app.scan.open_scan import OpenScan
from app.scan.truth import named_truth, truth_dice
from app.scan.volume import class_figures, truth_volume
from app.visit.examples import Examples, find_examples
from app.visit.manifest import ManifestError, read_manifest
from app.visit.openings import Openings
from app.visit.session import SessionStore
from vqseg.metrics import dice
from vqseg.types import UNSURE, Scan

CLASSES = ("background", "RV", "MYO", "LV")
CAVITY = ("background", "LV")


def manifest(**changes: Any) -> dict[str, Any]:
    case = {
        "name": "Heart",
        "line": "A heart",
        "look": "Look here",
        "group": "Hearts",
        "source": "made",
        "classes": ["background", "LV"],
        "checkpoint": "hearts",
        "epsilon": 0.4,
        "files": [{"phase": "ED", "file": "heart_ed.nii.gz", "slice": 2}, {"phase": "ES", "file": "heart_es.nii.gz"}],
    }
    return {"sources": {"made": {"credit": "Somebody", "licence": "CC0"}}, "cases": [{**case, **changes}]}


def save(folder: Path, told: Any) -> Path:
    (folder / "examples.json").write_text(json.dumps(told), encoding="utf-8")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Both phases of a heart, with the cavity outlined in one slice of the first, and a file that nothing is said of."""
    for seed, name in enumerate(("heart_ed", "heart_es", "another")):
        save_scan(tmp_path / f"{name}.nii.gz", seed)
    image = nib.load(tmp_path / "heart_ed.nii.gz")
    labels = np.where(np.arange(6) == 2, np.asarray(image.dataobj) > 600, 0).astype(np.uint8)
    nib.Nifti1Image(labels, image.affine).to_filename(tmp_path / "heart_ed_truth.nii.gz")
    return save(tmp_path, manifest())


def visits(examples: Examples) -> Visits:
    models = fake_models(fake_served("hearts"), fake_served("nodules", ("background", "nodule")))
    return Visits(models, SessionStore(2**26), Arrived(), examples, Openings())


def test_a_case_in_two_phases_is_two_examples_and_further_files_follow(folder: Path) -> None:
    examples = Examples(find_examples(folder))
    assert examples.titles == ["Heart ED", "Heart ES", "Another"]
    first, second, other = examples.all
    assert (first.opening.index, first.opening.strength, second.opening.index) == (2, 0.4, None)
    assert (first.credit, first.licence, first.classes) == ("Somebody", "CC0", CAVITY)
    assert other.classes is None
    told = cases_of(examples.all)
    assert [(case["name"], [file["phase"] for file in case["files"]]) for case in told] == [("Heart", ["ED", "ES"]), ("Another", [""])]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epsilon": 1.5}, "epsilon of case 'Heart' must be from 0 to 1, got 1.5"),
        ({"epsilon": True}, "epsilon"),
        ({"reach": 0}, "reach"),
        ({"classes": ["LV"]}, "must have classes"),
        ({"source": "nowhere"}, "has the source 'nowhere'; expected one of made"),
        ({"files": []}, "has no files"),
        ({"files": [{"file": "gone.nii.gz"}]}, "lists gone.nii.gz, which is not there"),
        ({"files": [{"file": "heart_ed.nii.gz", "slice": -1}]}, "slice"),
        ({"files": [{"file": "heart_ed.nii.gz"}, {"file": "heart_es.nii.gz"}]}, "two examples have the title 'Heart'"),
        ({"look": " "}, "look of case 'Heart' must be a text"),
        ({"colour": "red"}, "has colour, which nothing reads"),
    ],
)
def test_a_manifest_that_cannot_be_right_is_refused(folder: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ManifestError, match=message) as caught:
        read_manifest(save(folder, manifest(**changes)))
    assert str(folder) not in str(caught.value)


@pytest.mark.parametrize("told", [[], {"cases": []}, {"sources": {"made": {"credit": "Somebody"}}, "cases": []}])
def test_a_manifest_without_a_licence_or_a_part_is_refused(folder: Path, told: Any) -> None:
    with pytest.raises(ManifestError):
        read_manifest(save(folder, told))


def test_an_example_brings_a_checkpoint_that_can_read_it_and_leaves_one_that_can(folder: Path) -> None:
    visit = visits(Examples(find_examples(folder)))
    for chosen, expected, brought in (("nodules", "hearts", True), ("hearts", "hearts", False)):
        opened = visit.example("Heart ED", chosen, None, "me")
        assert opened is not None
        assert (opened.scan.model.name, opened.brought, bool(opened.value["brought"])) == (expected, brought, brought)
    # Nothing is said of this one, so any checkpoint may try.
    other = visit.example("Another", "nodules", None, "me")
    assert other is not None
    assert other.scan.model.name == "nodules"


def test_a_link_brings_the_checkpoint_unless_it_names_one(folder: Path) -> None:
    models = fake_models(fake_served("nodules", ("background", "nodule")), fake_served("hearts"))
    visit = Visits(models, SessionStore(2**26), Arrived(), Examples(find_examples(folder)), Openings())
    for query, expected in (({}, "hearts"), ({"checkpoint": "nodules"}, "nodules"), ({"checkpoint": "gone"}, "hearts")):
        found = visit.linked({"case": "Heart ED", **query}, (), None, "me")
        assert found is not None
        assert found.opened.scan.model.name == expected


def test_a_page_that_asks_for_nothing_opens_with_the_default_checkpoint_whatever_it_has_learnt(folder: Path) -> None:
    models = fake_models(fake_served("own", ("background", "cell")), fake_served("hearts"))
    visit = Visits(models, SessionStore(2**26), Arrived(), Examples(find_examples(folder)), Openings())
    found = visit.linked({}, (), None, "me")
    assert found is not None
    assert (found.opened.scan.example, found.opened.scan.model.name, found.warning) == ("Heart ED", "own", "")


def test_a_link_opens_at_the_state_of_its_example_unless_it_says_another(folder: Path) -> None:
    visit = visits(Examples(find_examples(folder)))
    for query, expected in (
        ({}, (2, 0.4)),
        ({"eps": "0"}, (2, 0.0)),
        ({"slice": "4", "eps": "0.7"}, (4, 0.7)),
        ({"plane": "coronal"}, (24, 0.4)),
        ({"case": "Another"}, (3, 0.0)),
    ):
        found = visit.linked(query, (), None, "me")
        assert found is not None
        assert (found.index, found.strength) == expected


def test_an_example_whose_checkpoint_is_not_served_stays_with_the_chosen_one_and_has_no_dice(folder: Path) -> None:
    examples = Examples(find_examples(save(folder, manifest(checkpoint="elsewhere"))))
    opened = visits(examples).example("Heart ED", "nodules", None, "me")
    assert opened is not None
    assert (opened.scan.model.name, opened.scan.truth, opened.brought) == ("nodules", None, False)


def heart(folder: Path) -> OpenScan:
    opened = Examples(find_examples(folder)).open("Heart ED", fake_served("hearts"))
    assert opened is not None
    return opened


def test_dice_of_a_truth_of_one_class_is_that_of_its_slices(folder: Path) -> None:
    scan = heart(folder)
    assert scan.judged == (3,)
    assert scan.truth is not None
    labels = scan.segmented.labels
    drawn = np.asarray(nib.load(folder / "heart_ed_truth.nii.gz").dataobj)
    expected = dice(labels[..., 2] == 3, drawn[..., 2] == 1)
    for index, scores in ((2, [None, None, pytest.approx(expected)]), (3, [None, None, None])):
        request = FrameRequest("axial", index, 0.0, "resample", 0)
        assert truth_scores(scan, request, make_frame(scan, request)) == scores
    assert [one["truth"] for one in class_figures(scan, labels)] == [None, None, pytest.approx(expected)]
    _, figures = truth_volume(scan, scan.truth)
    assert [one["voxels"] for one in figures] == [None, None, int(drawn.sum())]


@given(
    labels=arrays(np.uint8, (4, 5, 3), elements=st.integers(0, 3)),
    drawn=arrays(np.bool_, (4, 5, 3)),
    left_out=arrays(np.bool_, 3),
)
def test_dice_of_a_mapped_truth_is_that_of_the_formula(labels: np.ndarray, drawn: np.ndarray, left_out: np.ndarray) -> None:
    drawn = drawn & ~left_out
    scan = Scan(np.zeros((4, 5, 3), np.float32), np.diag([1.0, 1.0, 8.0, 1.0]), (1.0, 1.0, 8.0), "scan", None)
    truth = named_truth(Scan(drawn.astype(np.float32), scan.affine, scan.spacing, "truth", None), scan, CAVITY, CLASSES)
    assert truth.judged == (3,)
    slices = drawn.any((0, 1))
    np.testing.assert_array_equal(truth.labels == UNSURE, np.broadcast_to(~slices, drawn.shape))
    opened = fake_open(truth.judged)
    found, said = labels[..., slices] == 3, drawn[..., slices]
    both = found.sum() + said.sum()
    expected = 2 * (found & said).sum() / both if both else None
    assert truth_dice(opened, labels, truth.labels) == [None, None, None if expected is None else pytest.approx(expected)]


def fake_open(judged: tuple[int, ...]) -> Any:
    class Opened:
        segmented = fake_served("hearts").segmenter

    opened: Any = Opened()
    opened.judged = judged
    return opened


def test_a_truth_of_all_classes_keeps_its_empty_slices_and_may_have_another_order() -> None:
    voxels = np.zeros((2, 2, 2), np.float32)
    voxels[0, 0, 0], voxels[1, 1, 0] = 1, 2
    scan = Scan(np.zeros((2, 2, 2), np.float32), np.eye(4), (1.0, 1.0, 1.0), "scan", None)
    truth = named_truth(Scan(voxels, scan.affine, scan.spacing, "truth", None), scan, ("background", "B", "A"), ("background", "A", "B"))
    assert truth.labels[0, 0, 0] == 2
    assert truth.labels[1, 1, 0] == 1
    assert not (truth.labels == UNSURE).any()
    assert truth.judged == (1, 2)
