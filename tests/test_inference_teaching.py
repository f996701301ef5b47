"""What the lesson shows of a scan: features, codewords, draws and the consistency loss, against NumPy and the network itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from tests.tiny import tiny_model
from vqseg.inference import SegmentedScan, Segmenter
from vqseg.models.vqseg import VQSeg
from vqseg.types import Scan


@pytest.fixture(scope="module")
def model() -> VQSeg:
    return tiny_model(seed=3, image_side=48)


@pytest.fixture(scope="module")
def opened(model: VQSeg) -> SegmentedScan:
    return Segmenter(model).open(scan_of((48, 48, 5)))


def scan_of(shape: tuple[int, int, int]) -> Scan:
    voxels = 300 * ndimage.gaussian_filter(np.random.default_rng(1).random(shape), (2, 2, 0)).astype(np.float32)
    return Scan(voxels=voxels, affine=np.eye(4), spacing=(1.0, 1.0, 8.0), name="scan.nii.gz")


def test_the_codeword_nearest_to_each_feature_is_the_one_that_was_taken(opened: SegmentedScan) -> None:
    for index in (0, 3):
        features = opened.features(index)
        assert features.shape == (12, 12, 16) and features.dtype == np.float32
        distances = ((features[:, :, None].astype(np.float64) - opened.codewords) ** 2).sum(-1)
        np.testing.assert_array_equal(distances.argmin(-1), opened.indices[index])


def test_features_are_the_encoders(opened: SegmentedScan, model: VQSeg) -> None:
    image = torch.from_numpy(np.ascontiguousarray(opened.normalised[:, :, 2]))[None, None]
    with torch.no_grad():
        z = model.encode(image)
    np.testing.assert_allclose(opened.features(2), z[0].permute(1, 2, 0).numpy(), atol=1e-5)


def test_features_of_the_last_slice_are_kept_and_of_no_other(opened: SegmentedScan) -> None:
    first = opened.features(1)
    assert opened.features(1) is first
    assert opened.features(2) is not first
    np.testing.assert_array_equal(opened.features(1), first)


def test_draws_of_one_code_follow_the_transition_probabilities(opened: SegmentedScan) -> None:
    code, strength, count = int(opened.indices[0, 5, 5]), 0.7, 4000
    fates = opened.fates(code, strength, count, seed=1)
    np.testing.assert_array_equal(fates, opened.fates(code, strength, count, seed=1))
    assert (fates != opened.fates(code, strength, count, seed=2)).any()
    # pi(j|i) of Eq. 4 by hand; the temperature is the median squared distance to the nearest other codeword.
    squared = ((opened.codewords[:, None].astype(np.float64) - opened.codewords) ** 2).sum(-1)
    np.fill_diagonal(squared, np.inf)
    weights = np.exp(-squared[code] / np.sort(squared.min(1))[(len(squared) - 1) // 2])
    expected = strength * weights / weights.sum()
    expected[code] = 1 - strength
    seen = np.bincount(fates, minlength=len(squared)) / count
    # Five standard deviations of a binomial share.
    assert (np.abs(seen - expected) < 5 * np.sqrt(expected * (1 - expected) / count) + 1e-9).all()


def test_no_strength_leaves_the_code_and_full_strength_never_does(opened: SegmentedScan) -> None:
    assert (opened.fates(7, 0.0, 50) == 7).all()
    assert (opened.fates(7, 1.0, 50) != 7).all()


@pytest.mark.parametrize("mode", ["resample", "shuffle"])
def test_the_consistency_loss_is_the_cross_entropy_of_swapped_against_clean(opened: SegmentedScan, model: VQSeg, mode: str) -> None:
    found = opened.consistency(1, 0.6, mode, seed=4)
    swapped = opened.perturb(1, 0.6, mode, seed=4)
    logits = []
    for tokens in (swapped.clean_indices, swapped.indices):
        with torch.no_grad():
            quantized = model.quantizer.lookup(torch.from_numpy(tokens)[None]).permute(0, 3, 1, 2)
            # The scan has the network's own size: nothing is resized.
            logits.append(model.decode(quantized, (48, 48))[0][0].double().numpy())
    clean, student = logits
    np.testing.assert_array_equal(found.pseudo_labels, clean.argmax(0))
    np.testing.assert_array_equal(found.labels, student.argmax(0))
    log_share = student - np.log(np.exp(student).sum(0))
    expected = -np.take_along_axis(log_share, clean.argmax(0)[None], 0)[0]
    np.testing.assert_allclose(found.loss, expected, atol=1e-4)


def test_without_a_swap_teacher_and_student_agree(opened: SegmentedScan) -> None:
    found = opened.consistency(2, 0.0)
    np.testing.assert_array_equal(found.pseudo_labels, found.labels)


def test_what_does_not_exist_is_refused(opened: SegmentedScan) -> None:
    for call in (lambda: opened.features(5), lambda: opened.consistency(-1, 0.5)):
        with pytest.raises(ValueError, match="expected 0 to 4"):
            call()
    with pytest.raises(ValueError, match="code 64 is outside"):
        opened.fates(64, 0.5, 10)
    with pytest.raises(ValueError, match="strength must lie"):
        opened.fates(1, 1.5, 10)
