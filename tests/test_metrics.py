"""Against medpy, whose numbers the field's tables hold, and the invariants and conventions that medpy leaves open."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from medpy.metric import binary
from scipy import ndimage

from vqseg.metrics import asd, dice, evaluate_volume, hd95, jaccard, surface_distances

CLASSES = ("background", "RV", "MYO", "LV")
MASKS = hnp.arrays(bool, hnp.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=7))


@st.composite
def pairs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Two masks of one shape, empty and full ones among them."""
    first = draw(MASKS)
    return first, draw(hnp.arrays(bool, first.shape))


def blobs(seed: int, shape: tuple[int, ...] = (40, 48, 9)) -> tuple[np.ndarray, np.ndarray]:
    """Two overlapping blobs that touch the volume's edge in some seeds."""
    rng = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(rng.standard_normal(shape), 4)
    other = field + 0.5 * ndimage.gaussian_filter(rng.standard_normal(shape), 3)
    return field > np.quantile(field, 0.8), other > np.quantile(other, 0.85)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (1.5, 1.25, 9.0), (0.7, 2.0, 0.3)])
@pytest.mark.parametrize("seed", range(8))
def test_metrics_equal_medpy(seed: int, spacing: tuple[float, float, float]) -> None:
    prediction, truth = blobs(seed)
    assert dice(prediction, truth) == pytest.approx(binary.dc(prediction, truth), abs=1e-9)
    assert jaccard(prediction, truth) == pytest.approx(binary.jc(prediction, truth), abs=1e-9)
    assert hd95(prediction, truth, spacing) == pytest.approx(binary.hd95(prediction, truth, spacing), abs=1e-6)
    assert asd(prediction, truth, spacing) == pytest.approx(binary.asd(prediction, truth, spacing), abs=1e-6)
    assert asd(truth, prediction, spacing) == pytest.approx(binary.asd(truth, prediction, spacing), abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_slices_equal_medpy(seed: int) -> None:
    prediction, truth = blobs(seed, (50, 60))
    assert hd95(prediction, truth, (1.5, 1.0)) == pytest.approx(binary.hd95(prediction, truth, (1.5, 1.0)), abs=1e-6)


@settings(max_examples=150, deadline=None)
@given(pairs())
def test_any_two_structures_equal_medpy(pair: tuple[np.ndarray, np.ndarray]) -> None:
    prediction, truth = pair
    if prediction.any() and truth.any():
        spacing = (1.5, 1.25, 9.0)
        assert hd95(prediction, truth, spacing) == pytest.approx(binary.hd95(prediction, truth, spacing), abs=1e-6)
        assert asd(prediction, truth, spacing) == pytest.approx(binary.asd(prediction, truth, spacing), abs=1e-6)


@settings(max_examples=150, deadline=None)
@given(pairs())
def test_overlap_is_symmetric_bounded_and_consistent(pair: tuple[np.ndarray, np.ndarray]) -> None:
    prediction, truth = pair
    d, j = dice(prediction, truth), jaccard(prediction, truth)
    assert 0 <= j <= d <= 1 and d == dice(truth, prediction) and j == jaccard(truth, prediction)
    assert d == pytest.approx(2 * j / (1 + j))
    assert (d == 1) == np.array_equal(prediction, truth)


@settings(max_examples=150, deadline=None)
@given(pairs(), st.floats(0.1, 10))
def test_distances_scale_with_spacing_and_never_exceed_the_diagonal(pair: tuple[np.ndarray, np.ndarray], factor: float) -> None:
    prediction, truth = pair
    spacing = (1.5, 1.25, 9.0)
    far, mean = hd95(prediction, truth, spacing), asd(prediction, truth, spacing)
    assert 0 <= far <= np.linalg.norm(np.multiply(prediction.shape, spacing)) + 1e-9 and far == hd95(truth, prediction, spacing)
    scaled = tuple(factor * s for s in spacing)
    assert hd95(prediction, truth, scaled) == pytest.approx(factor * far) and asd(prediction, truth, scaled) == pytest.approx(factor * mean)


def test_a_shift_by_one_voxel_is_one_spacing_away() -> None:
    truth = np.zeros((9, 9, 5), bool)
    truth[4, 4, 2] = True
    assert hd95(np.roll(truth, 1, 2), truth, (1.5, 1.5, 9.0)) == asd(np.roll(truth, 1, 2), truth, (1.5, 1.5, 9.0)) == 9.0


def test_asd_is_directed_and_hd95_pools_both_directions() -> None:
    prediction, truth = np.zeros((30, 3, 3), bool), np.zeros((30, 3, 3), bool)
    prediction[0, 1, 1] = True
    truth[[0, 20], 1, 1] = True
    assert asd(prediction, truth, (1, 1, 1)) == 0.0 and asd(truth, prediction, (1, 1, 1)) == 10.0
    # Pooled {0, 0, 20}: 18 by linear interpolation; the larger of the directed percentiles would be 19.
    assert hd95(prediction, truth, (1, 1, 1)) == pytest.approx(18.0)


def test_empty_structures_follow_the_stated_conventions() -> None:
    nothing, something = np.zeros((30, 40, 10), np.uint8), np.zeros((30, 40, 10), np.uint8)
    something[10:20, 10:20, 4:6] = 1
    diagonal = float(np.sqrt(45.0**2 + 60.0**2 + 90.0**2))
    for prediction, truth in ((nothing, something), (something, nothing)):
        scores = evaluate_volume(prediction, truth, ("background", "LV"), (1.5, 1.5, 9.0))["LV"]
        assert scores == {"dice": 0.0, "jaccard": 0.0, "hd95": pytest.approx(diagonal), "asd": pytest.approx(diagonal)}
    assert evaluate_volume(nothing, nothing, ("background", "LV"), (1.5, 1.5, 9.0))["LV"] == {
        "dice": 1.0,
        "jaccard": 1.0,
        "hd95": 0.0,
        "asd": 0.0,
    }
    with pytest.raises(ValueError, match="a voxel in both masks"):
        surface_distances(nothing, something, (1, 1, 1))


def test_volume_scores_each_foreground_class() -> None:
    rng = np.random.default_rng(0)
    field = [ndimage.gaussian_filter(rng.standard_normal((40, 40, 8)), 3) for _ in range(2)]
    prediction, truth = (np.digitize(f, np.quantile(f, [0.6, 0.75, 0.9])).astype(np.uint8) for f in field)
    scores = evaluate_volume(prediction, truth, CLASSES, (1.5, 1.5, 9.0))
    assert list(scores) == ["RV", "MYO", "LV"]
    for value, name in enumerate(CLASSES[1:], start=1):
        p, t = prediction == value, truth == value
        expected = (binary.dc(p, t), binary.jc(p, t), binary.hd95(p, t, (1.5, 1.5, 9.0)), binary.asd(p, t, (1.5, 1.5, 9.0)))
        assert tuple(scores[name].values()) == pytest.approx(expected, abs=1e-6)
        assert tuple(scores[name]) == ("dice", "jaccard", "hd95", "asd")


def test_both_distances_of_a_structure_share_its_two_transforms(monkeypatch: pytest.MonkeyPatch) -> None:
    prediction, truth = blobs(3)
    expected = hd95(prediction, truth, (1.5, 1.25, 9.0)), asd(prediction, truth, (1.5, 1.25, 9.0))
    transform, calls = ndimage.distance_transform_edt, []
    monkeypatch.setattr(ndimage, "distance_transform_edt", lambda *args, **settings: calls.append(1) or transform(*args, **settings))
    scores = evaluate_volume(prediction.astype(np.uint8), truth.astype(np.uint8), ("background", "LV"), (1.5, 1.25, 9.0))["LV"]
    assert (scores["hd95"], scores["asd"]) == expected
    assert len(calls) == 2


def test_what_does_not_fit_is_refused() -> None:
    volume = np.zeros((4, 4, 4), np.uint8)
    with pytest.raises(ValueError, match=r"\(4, 4, 4\) and truth \(4, 4, 3\)"):
        evaluate_volume(volume, volume[:, :, :3], CLASSES, (1, 1, 1))
    with pytest.raises(ValueError, match="labels from 0 to 7; expected 0 to 3"):
        evaluate_volume(volume, np.where(np.arange(4) == 0, 7, volume), CLASSES, (1, 1, 1))
    for spacing in ((1, 1), (1, 0, 1), (1, 1, float("nan"))):
        with pytest.raises(ValueError, match="expected 3 positive numbers"):
            hd95(volume == 0, volume == 0, spacing)
