"""The bundled examples: the embedded checkpoints read them well, except for the one that is there to trap them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from vqseg.cardiac import paired
from vqseg.checkpoint import load_model
from vqseg.data.phantom import phantom_volume
from vqseg.data.phantom_cine import phantom_cine
from vqseg.data.scan import read_labels, read_scan
from vqseg.inference import Cine, Segmenter, dice_by_class, labelled_frames, segment_cine

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "assets" / "examples"
CLASSES = json.loads((FOLDER / "classes.json").read_text(encoding="utf-8"))
TRUTHS = sorted(FOLDER.glob("*_truth.nii.gz"))
HEARTS = [truth for truth in TRUTHS if "nodule" not in truth.name]


def scan_of(truth: Path) -> Path:
    return truth.with_name(truth.name.replace("_truth", ""))


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter(load_model(ROOT / "checkpoints" / "acdc-10"))


@pytest.mark.parametrize("truth", HEARTS, ids=lambda path: path.name.removesuffix("_truth.nii.gz"))
def test_the_embedded_checkpoint_fails_on_the_trap_alone(segmenter: Segmenter, truth: Path) -> None:
    labels = segmenter.open(read_scan(scan_of(truth))).labels
    scores = [score for score in dice_by_class(labels, read_labels(truth), len(segmenter.classes)) if score is not None]
    if "trap" in truth.name:
        assert np.mean(scores) < 0.75
    else:
        assert min(scores) > 0.85


def test_the_checkpoint_for_nodules_finds_the_phantoms_nodule() -> None:
    segmenter = Segmenter(load_model(ROOT / "checkpoints" / "lidc-10"))
    truth = FOLDER / "phantom_lung-nodule_truth.nii.gz"
    labels = segmenter.open(read_scan(scan_of(truth))).labels
    assert dice_by_class(labels, read_labels(truth), 2)[0] > 0.7


def test_each_truth_says_what_its_labels_mean() -> None:
    assert sorted(CLASSES) == [truth.name.removesuffix("_truth.nii.gz") for truth in TRUTHS]
    for truth in TRUTHS:
        assert read_labels(truth).max() == len(CLASSES[truth.name.removesuffix("_truth.nii.gz")]) - 1


def test_the_trap_leaves_the_heart_as_it_was() -> None:
    truth = next(path for path in TRUTHS if "trap" in path.name)
    image, labels, _ = phantom_volume(2010, "ED")
    voxels = read_scan(scan_of(truth)).voxels
    np.testing.assert_array_equal(read_labels(truth), labels)
    np.testing.assert_array_equal(voxels[labels > 0], image[labels > 0])
    assert (voxels != image).any()


def test_the_embedded_checkpoint_finds_the_beating_hearts_ejection_fraction(segmenter: Segmenter) -> None:
    file = ROOT / "assets" / "cine" / "phantom_beating-heart.nii.gz"
    cine, truth = Cine(file), Cine(file.with_name("phantom_beating-heart_truth.nii.gz"))
    true = segment_cine(segmenter, truth, segment=lambda scan: scan.voxels.astype(np.uint8)).function
    phases = (true.ed_frame, true.es_frame)
    # All twenty frames take a minute: the two that make the ejection fraction do.
    labels = dict(labelled_frames(segmenter, cine, wanted=phases))
    for phase in phases:
        assert dice_by_class(labels[phase], truth.read(phase).voxels.astype(np.uint8), 4)[2] > 0.95
    found = paired(*(labels[phase] for phase in phases), segmenter.classes, cine.grid, cine.grid)
    assert found.lv.ejection_fraction_percent == pytest.approx(true.lv.ejection_fraction_percent, abs=1)
    assert found.lv.stroke_volume_ml == pytest.approx(true.lv.stroke_volume_ml, rel=0.1)


def test_the_bundled_cine_is_small_and_is_made_again_from_its_seed() -> None:
    file = ROOT / "assets" / "cine" / "phantom_beating-heart.nii.gz"
    assert file.stat().st_size < 1.2e6
    again = phantom_cine(3033)
    for name, expected in ((file.name, again.image), ("phantom_beating-heart_truth.nii.gz", again.labels)):
        np.testing.assert_array_equal(read_scan(file.with_name(name), 7).voxels, expected[..., 7])
