"""The bundled examples: the embedded checkpoint reads them well, except for the one that is there to trap it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vqseg.checkpoint import load_model
from vqseg.data.phantom import phantom_volume
from vqseg.data.scan import read_labels, read_scan
from vqseg.inference import Segmenter, dice_by_class

ROOT = Path(__file__).resolve().parents[1]
TRUTHS = sorted((ROOT / "assets" / "examples").glob("*_truth.nii.gz"))


def scan_of(truth: Path) -> Path:
    return truth.with_name(truth.name.replace("_truth", ""))


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter(load_model(ROOT / "checkpoints" / "acdc-10"))


@pytest.mark.parametrize("truth", TRUTHS, ids=lambda path: path.name.removesuffix("_truth.nii.gz"))
def test_the_embedded_checkpoint_fails_on_the_trap_alone(segmenter: Segmenter, truth: Path) -> None:
    labels = segmenter.open(read_scan(scan_of(truth))).labels
    scores = [score for score in dice_by_class(labels, read_labels(truth), len(segmenter.classes)) if score is not None]
    if "trap" in truth.name:
        assert np.mean(scores) < 0.75
    else:
        assert min(scores) > 0.85


def test_the_trap_leaves_the_heart_as_it_was() -> None:
    truth = next(path for path in TRUTHS if "trap" in path.name)
    image, labels, _ = phantom_volume(2010, "ED")
    voxels = read_scan(scan_of(truth)).voxels
    np.testing.assert_array_equal(read_labels(truth), labels)
    np.testing.assert_array_equal(voxels[labels > 0], image[labels > 0])
    assert (voxels != image).any()
