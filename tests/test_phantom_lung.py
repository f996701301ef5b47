"""The phantom of a lung nodule is reproducible, and its truth is one nodule in the lung."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from vqseg.data.phantom_lung import lung_phantom

SEEDS = range(12)


def test_a_seed_always_gives_the_same_volume_and_another_one_another() -> None:
    for one, again in zip(lung_phantom(3), lung_phantom(3), strict=True):
        np.testing.assert_array_equal(one, again)
    assert len({lung_phantom(seed)[1].tobytes() for seed in SEEDS}) == len(SEEDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_truth_is_one_bright_nodule_in_the_lung_and_off_the_middle(seed: int) -> None:
    image, labels, affine = lung_phantom(seed)
    assert image.dtype == labels.dtype == np.uint8
    assert image.shape == labels.shape == (128, 128, 9)
    nodule = labels == 1
    assert ndimage.label(nodule)[1] == 1
    assert not nodule[..., [0, -1]].any()
    # Lung is next to it, which is far darker; the middle of the picture gives no hint.
    shell = ndimage.binary_dilation(nodule, iterations=3) & ~ndimage.binary_dilation(nodule, iterations=1)
    assert image[nodule].mean() > 75
    assert np.median(image[shell]) < 40
    row, column = np.argwhere(nodule.any(2)).mean(0)
    assert 8 < np.hypot(row - 63.5, column - 63.5) < 36
    # 5.5 to 8.5 pixels in radius at 0.7 mm: a nodule by its size, not a mass.
    millimetres = np.cbrt(nodule.sum() * abs(np.linalg.det(affine)) * 6 / np.pi)
    assert 6 < millimetres < 16


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="no phantom with seed -1"):
        lung_phantom(-1)
