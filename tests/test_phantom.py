"""The phantoms are reproducible, and their truth has the topology of a heart in the short axis."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from vqseg.data.datasets import DatasetError, class_names, find_cases
from vqseg.data.phantom import phantom_volume, write_phantoms
from vqseg.data.scan import read_labels, read_scan, through_plane_axis
from vqseg.data.splits import labelled_and_unlabelled, read_splits

SEEDS = (0, 1, 2, 3, 17, 1000)
RV, MYO, LV = 1, 2, 3


def middle(labels: np.ndarray) -> list[np.ndarray]:
    """The slices of the middle third between the first and the last with a left ventricle."""
    present = np.flatnonzero((labels == LV).any((0, 1)))
    first, last = present[0], present[-1]
    third = (last - first) // 3
    return [labels[:, :, z] for z in range(first + third, last - third + 1)]


@pytest.mark.parametrize("frame", ["ED", "ES"])
def test_a_seed_and_frame_always_give_the_same_volume(frame: str) -> None:
    for one, other in zip(phantom_volume(5, frame), phantom_volume(5, frame), strict=True):
        np.testing.assert_array_equal(one, other)


def test_seeds_differ_in_anatomy_and_not_only_in_noise() -> None:
    hearts = [phantom_volume(seed)[1] for seed in SEEDS]
    assert len({heart.tobytes() for heart in hearts}) == len(SEEDS)
    assert len({tuple((heart == value).sum() for value in (RV, MYO, LV)) for heart in hearts}) == len(SEEDS)
    assert len({heart.shape for heart in hearts}) > 1


@pytest.mark.parametrize("seed", SEEDS)
def test_volume_has_the_arrays_of_a_cine_series(seed: int) -> None:
    image, labels, affine = phantom_volume(seed)
    assert image.dtype == np.int16 and labels.dtype == np.uint8 and image.shape == labels.shape
    assert image.min() >= 0 and image.max() > 50
    assert 174 <= image.shape[0] <= 256 and 208 <= image.shape[1] <= 256 and 7 <= image.shape[2] <= 12
    assert 1.3 < -affine[0, 0] < 2.0 and 8.0 <= affine[2, 2] <= 10.0
    where = np.argwhere(labels)
    np.testing.assert_allclose(where.mean(0)[:2] / image.shape[:2], (0.43, 0.49), atol=0.12)
    assert 0.15 < (where.max(0) - where.min(0)).max() / max(image.shape) < 0.4


@pytest.mark.parametrize("frame", ["ED", "ES"])
@pytest.mark.parametrize("seed", SEEDS)
def test_myocardium_encloses_the_left_ventricle_and_meets_the_right(seed: int, frame: str) -> None:
    labels = phantom_volume(seed, frame)[1]
    for plane in middle(labels):
        assert set(np.unique(plane)) == {0, RV, MYO, LV}
        beside = ndimage.binary_dilation(plane == LV, np.ones((3, 3))) & (plane != LV)
        assert (plane[beside] == MYO).all()
        assert (ndimage.binary_fill_holes(plane == MYO) == ((plane == MYO) | (plane == LV))).all()
        assert (ndimage.binary_dilation(plane == RV) & (plane == MYO)).any()
        for value in (RV, MYO, LV):
            assert ndimage.label(plane == value, np.ones((3, 3)))[1] == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_right_ventricle_lies_in_front_of_the_left_and_towards_the_liver(seed: int) -> None:
    labels = phantom_volume(seed)[1]
    right, left = (np.argwhere(labels == value).mean(0) for value in (RV, LV))
    assert right[0] < left[0] - 5 and right[1] > left[1]


@pytest.mark.parametrize("seed", SEEDS)
def test_systole_empties_the_ventricles_and_keeps_the_wall(seed: int) -> None:
    diastole, systole = (phantom_volume(seed, frame)[1] for frame in ("ED", "ES"))
    size = {value: (systole == value).sum() / (diastole == value).sum() for value in (RV, MYO, LV)}
    assert size[LV] < 0.8 and size[RV] < 0.9 and 0.7 < size[MYO] < 1.2


@pytest.mark.parametrize("seed", SEEDS)
def test_blood_is_brighter_than_muscle_and_lung_is_dark(seed: int) -> None:
    image, labels, _ = phantom_volume(seed)
    blood, muscle = (np.median(image[labels == value]) for value in (LV, MYO))
    assert muscle < 0.65 * blood and np.percentile(image, 25) < 0.5 * blood


def test_written_folder_is_a_data_set_with_splits(tmp_path: Path) -> None:
    write_phantoms(tmp_path, patients=3, seed=40)
    cases, splits = find_cases(tmp_path), read_splits(tmp_path)
    assert [case.name for case in cases[:2]] == ["phantom001_frame01", "phantom001_frame02"] and len(cases) == 6
    assert class_names(tmp_path) == ("background", "RV", "MYO", "LV")
    assert splits.train == ("phantom001", "phantom002") and splits.val == ("phantom003",)
    labelled, unlabelled = labelled_and_unlabelled(cases, splits, "10%")
    assert len(labelled) == 2 and len(unlabelled) == 2
    image, labels, affine = phantom_volume(41, "ES")
    scan = read_scan(cases[3].image)
    np.testing.assert_array_equal(scan.voxels, image)
    np.testing.assert_array_equal(read_labels(cases[3].label), labels)
    np.testing.assert_allclose(scan.affine, affine, rtol=1e-6)
    assert through_plane_axis(scan) == 2
    assert nib.load(cases[3].image).get_data_dtype() == np.int16


def test_one_patient_trains_and_none_is_an_error(tmp_path: Path) -> None:
    write_phantoms(tmp_path, patients=1, seed=0)
    assert read_splits(tmp_path).train == ("phantom001",) and read_splits(tmp_path).val == ()
    with pytest.raises(DatasetError, match="expected at least 1"):
        write_phantoms(tmp_path, patients=0, seed=0)
    with pytest.raises(ValueError, match="'ED' or 'ES'"):
        phantom_volume(0, "diastole")  # type: ignore[arg-type]
