"""Views: warps against SciPy's interpolation, labels that follow their image, and numbers that repeat."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor

from vqseg.config import AugmentationConfig, ConfigError, DataConfig
from vqseg.data.augmentation import Mixing, draw_crops, draw_mixing, draw_recolouring, mix, recolour, warp
from vqseg.data.loaders import SlicePool, TrainingPools
from vqseg.data.sampler import ViewSampler

CROP, CANVAS = 32, 80
STRONG = AugmentationConfig(crop=CROP, ramp_steps=0)
STILL = AugmentationConfig(crop=CROP, rotation=0, scale=(1, 1), shear=0, flip=False, elastic=0, ramp_steps=0)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def sizes(count: int, height: int = 70, width: int = 60) -> Tensor:
    return torch.tensor([[height, width]] * count)


def pixels_of(positions: Tensor) -> np.ndarray:
    """Sampling positions as (B, c, c, 2) row and column of the canvas."""
    return ((positions.flip(-1).double() + 1) * CANVAS / 2 - 0.5).numpy()


# Geometry


def test_without_augmentation_a_view_is_a_pure_crop() -> None:
    positions = pixels_of(draw_crops(sizes(20), CANVAS, STILL, generator()))
    first = positions[:, :1, :1]
    rows, columns = np.meshgrid(np.arange(CROP), np.arange(CROP), indexing="ij")
    np.testing.assert_allclose(positions - first, np.broadcast_to(np.stack([rows, columns], -1), positions.shape), atol=1e-4)


def test_a_crop_at_whole_pixels_is_a_slice_of_the_array() -> None:
    image = torch.rand(1, 2, CANVAS, CANVAS, generator=generator())
    labels = torch.randint(4, (1, CANVAS, CANVAS), generator=generator(), dtype=torch.uint8)
    rows, columns = torch.meshgrid(torch.arange(7, 7 + CROP), torch.arange(20, 20 + CROP), indexing="ij")
    positions = ((torch.stack([columns, rows], -1)[None] + 0.5) * 2 / CANVAS - 1).float()
    torch.testing.assert_close(warp(image, positions)[0], image[0, :, 7 : 7 + CROP, 20 : 20 + CROP], atol=1e-4, rtol=0)
    assert torch.equal(warp(labels, positions, labels=True)[0], labels[0, 7 : 7 + CROP, 20 : 20 + CROP].long())


@pytest.mark.parametrize("seed", range(3))
def test_warp_is_linear_interpolation_at_the_positions(seed: int) -> None:
    images = torch.rand(4, CANVAS, CANVAS, generator=generator(seed))
    positions = draw_crops(sizes(4), CANVAS, STRONG, generator(seed))
    views = warp(images[:, None], positions)
    for image, view, where in zip(images.numpy(), views[:, 0].numpy(), pixels_of(positions), strict=True):
        expected = ndimage.map_coordinates(image.astype(float), np.moveaxis(where, -1, 0), order=1, mode="grid-constant", cval=0.0)
        np.testing.assert_allclose(view, expected, atol=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_labels_are_warped_like_their_image(seed: int) -> None:
    blocks = torch.randint(4, (5, 8, 8), generator=generator(seed)).repeat_interleave(10, 1).repeat_interleave(10, 2)
    positions = draw_crops(sizes(5), CANVAS, STRONG, generator(seed))
    labels = warp(blocks.to(torch.uint8), positions, labels=True)
    assert labels.dtype == torch.int64
    assert set(labels.unique().tolist()) <= {0, 1, 2, 3}
    for label in range(1, 4):
        # Where blending gives more than half of a label it must be that label, and where less, it must not.
        share = warp((blocks == label)[:, None].float(), positions)[:, 0]
        assert bool((labels[share > 0.76] == label).all())
        assert bool((labels[share < 0.24] != label).all())


def linear_part(positions: Tensor) -> np.ndarray:
    """(B, 2, 2) by which the positions change per row and column of the view."""
    where = pixels_of(positions)
    return np.stack([where[:, 1, 0] - where[:, 0, 0], where[:, 0, 1] - where[:, 0, 0]], -1)


def test_rotation_zoom_and_mirror_keep_their_ranges() -> None:
    config = AugmentationConfig(crop=CROP, rotation=30, scale=(0.8, 1.25), shear=0, elastic=0, flip=True)
    parts = linear_part(draw_crops(sizes(2000), CANVAS, config, generator()))
    determinant = np.linalg.det(parts)
    zoom = 1 / np.sqrt(np.abs(determinant))
    angle = np.degrees(np.arctan2(parts[:, 0, 1], parts[:, 0, 0]))
    assert 0.8 - 1e-3 <= zoom.min() < 0.82
    assert 1.23 < zoom.max() <= 1.25 + 1e-3
    assert 29 < np.abs(angle).max() <= 30 + 1e-2
    assert 0.45 < (determinant < 0).mean() < 0.55
    never = linear_part(draw_crops(sizes(500), CANVAS, AugmentationConfig(crop=CROP, elastic=0, flip=False), generator()))
    assert (np.linalg.det(never) > 0).all()


def test_zooming_in_makes_structures_larger() -> None:
    disc = (torch.stack(torch.meshgrid(*[torch.arange(CANVAS)] * 2, indexing="ij")) - 40).square().sum(0) < 100
    areas = []
    for zoom in (0.7, 1.0, 1.4):
        config = AugmentationConfig(crop=64, rotation=0, scale=(zoom, zoom), shear=0, flip=False, elastic=0, focus=1)
        # 0.09 is the deviation of a focused centre: the whole disc stays in view.
        areas.append(float(warp(disc[None, None], draw_crops(sizes(1, 80, 80), CANVAS, config, generator(3))).sum()))
    np.testing.assert_allclose(np.divide(areas, areas[1]), [0.49, 1.0, 1.96], rtol=0.03)


def test_a_ramp_of_zero_means_neither_rotation_nor_zoom_nor_mirror() -> None:
    parts = linear_part(draw_crops(sizes(50), CANVAS, STRONG, generator(), ramp=0.0))
    np.testing.assert_allclose(parts, np.broadcast_to(np.eye(2), parts.shape), atol=1e-4)
    half = linear_part(draw_crops(sizes(500), CANVAS, AugmentationConfig(crop=CROP, rotation=40, elastic=0), generator(), ramp=0.5))
    assert np.abs(np.degrees(np.arctan2(half[:, 0, 1], half[:, 0, 0]))).max() < 20 + 4


def test_centres_stay_on_their_slice() -> None:
    where = pixels_of(draw_crops(sizes(500, 70, 40), CANVAS, STILL, generator()))
    centres = where.mean((1, 2))
    assert (centres > -1).all()
    assert (centres < [70, 40]).all()
    near = pixels_of(draw_crops(sizes(500, 70, 40), CANVAS, AugmentationConfig(crop=CROP, focus=1, rotation=0, elastic=0), generator()))
    assert (np.abs(near.mean((1, 2)) - [35, 20]).max(0) < [22, 13]).all()


# Intensity


def test_no_recolouring_is_the_identity() -> None:
    none = AugmentationConfig(gamma=(1, 1), contrast=0, brightness=0, bias_field=0, noise=0, blur=0)
    images = torch.rand(3, 1, 20, 20, generator=generator())
    for change in (draw_recolouring(3, none, generator()), draw_recolouring(3, STRONG, generator(), amount=0.0)):
        torch.testing.assert_close(recolour(images, change), images, atol=1e-6, rtol=0)


def test_recolouring_repeats_and_keeps_its_range() -> None:
    images = torch.rand(16, 1, 20, 20, generator=generator())
    wild = AugmentationConfig(contrast=3.0, brightness=2.0, noise=1.0)
    change = draw_recolouring(16, wild, generator())
    result = recolour(images, change)
    assert torch.equal(result, recolour(images, change))
    assert float(result.min()) >= -0.2 - 1e-6
    assert float(result.max()) <= 1.3 + 1e-6
    assert not torch.equal(result, recolour(images, draw_recolouring(16, wild, generator(1))))


def test_recolouring_draws_within_the_configured_ranges() -> None:
    change = draw_recolouring(5000, STRONG, generator())
    for values, low, high in (
        (change.gamma, *STRONG.gamma),
        (change.contrast, 1 - STRONG.contrast, 1 + STRONG.contrast),
        (change.brightness, -STRONG.brightness, STRONG.brightness),
        (change.noise, 0.0, STRONG.noise),
        (change.blur, 0.0, STRONG.blur),
    ):
        span = high - low
        assert low - 1e-6 <= float(values.min()) < low + 0.01 * span
        assert high - 0.01 * span < float(values.max()) <= high + 1e-6
    assert 0.45 < float((change.blur == 0).float().mean()) < 0.55
    weak = draw_recolouring(5000, STRONG, generator(), amount=0.1)
    torch.testing.assert_close(weak.brightness, 0.1 * change.brightness)
    torch.testing.assert_close(weak.gamma.log(), 0.1 * change.gamma.log(), atol=1e-6, rtol=1e-4)


def test_gamma_and_brightness_are_their_formulas() -> None:
    config = AugmentationConfig(gamma=(2, 2), contrast=0, brightness=0, bias_field=0, noise=0, blur=0)
    images = torch.rand(2, 1, 8, 8, generator=generator())
    torch.testing.assert_close(recolour(images, draw_recolouring(2, config, generator())), images**2)


def test_blur_is_scipys_gaussian() -> None:
    config = AugmentationConfig(gamma=(1, 1), contrast=0, brightness=0, bias_field=0, noise=0, blur=1.2)
    images = torch.rand(6, 1, 24, 24, generator=generator())
    change = draw_recolouring(6, config, generator(1))
    assert float(change.blur.max()) > 0.3
    for image, sigma, result in zip(images[:, 0], change.blur, recolour(images, change)[:, 0], strict=True):
        expected = ndimage.gaussian_filter(image.numpy(), max(float(sigma), 1e-3), mode="nearest", radius=4)
        np.testing.assert_allclose(result, expected, atol=1e-4)


# Mixing


def test_the_partner_is_always_another_image() -> None:
    for seed in range(50):
        for count in (2, 3, 8):
            partner = draw_mixing(count, (32, 32), STRONG, generator(seed)).partner
            assert sorted(partner.tolist()) == list(range(count))
            assert not bool((partner == torch.arange(count)).any())


def test_rectangles_cover_ten_to_fifty_percent_with_the_configured_probability() -> None:
    inside = draw_mixing(2000, (64, 64), AugmentationConfig(cutmix=0.5), generator()).inside
    share = inside.float().mean((1, 2))
    assert 0.46 < float((share > 0).float().mean()) < 0.54
    assert float(share[share > 0].min()) > 0.08
    assert float(share.max()) < 0.53
    for mask in inside[share > 0][:50].numpy():
        (rows, columns) = ndimage.find_objects(mask.astype(int))[0]
        assert mask[rows, columns].all()
    assert not bool(draw_mixing(50, (64, 64), AugmentationConfig(cutmix=0.0), generator()).inside.any())


def test_images_labels_and_masks_are_mixed_alike() -> None:
    labels = torch.randint(4, (6, 16, 16), generator=generator())
    mixing = draw_mixing(6, (16, 16), AugmentationConfig(cutmix=1.0), generator())
    mixed = mix(labels, mixing)
    assert not torch.equal(mixed, labels)
    for b, y, x in np.ndindex(6, 16, 16):
        source = mixing.partner[b] if mixing.inside[b, y, x] else b
        assert mixed[b, y, x] == labels[source, y, x]
    images = torch.stack([labels.float(), -labels.float()], 1)
    torch.testing.assert_close(mix(images, mixing), torch.stack([mixed.float(), -mixed.float()], 1))
    assert torch.equal(mix(labels > 1, mixing), mixed > 1)


def test_mixing_with_oneself_changes_nothing() -> None:
    values = torch.rand(3, 5, 5)
    assert torch.equal(mix(values, Mixing(torch.arange(3), torch.ones(3, 5, 5, dtype=torch.bool))), values)


# The sampler


def pools(height: int = 60, width: int = 70) -> TrainingPools:
    """Labelled slices hold their labels as intensities, so that a view and its labels can be compared."""
    labels = torch.zeros(5, CANVAS, CANVAS, dtype=torch.uint8)
    labels[:, :height, :width] = torch.randint(4, (5, 6, 7), generator=generator()).repeat_interleave(10, 1).repeat_interleave(10, 2)
    size = torch.tensor([[height, width]] * 5)
    images = (labels.float() / 4).half()[:, None]
    return TrainingPools(SlicePool(images, labels, size), None, SlicePool(images, None, size))


def test_weak_and_strong_are_two_views_of_the_same_pixels() -> None:
    plain = AugmentationConfig(crop=CROP, gamma=(1, 1), contrast=0, brightness=0, bias_field=0, noise=0, blur=0)
    batch = ViewSampler(pools(), plain, DataConfig(), torch.device("cpu")).draw(1000, 3, 4, generator())
    assert batch.images.shape == (3, 1, CROP, CROP)
    assert batch.labels.shape == (3, CROP, CROP)
    torch.testing.assert_close(batch.weak, batch.strong)
    loud = ViewSampler(pools(), STRONG, DataConfig(), torch.device("cpu")).draw(1000, 3, 4, generator())
    change = (loud.strong - loud.weak).abs().mean()
    assert float(change) > 0.02


def test_a_batch_repeats_with_its_generator_and_follows_the_ramp() -> None:
    sampler = ViewSampler(pools(), AugmentationConfig(crop=CROP, ramp_steps=10), DataConfig(), torch.device("cpu"))
    first, again, other = (sampler.draw(10, 2, 2, generator(seed)) for seed in (0, 0, 1))
    for name in ("images", "labels", "weak", "strong"):
        assert torch.equal(getattr(first, name), getattr(again, name))
        assert not torch.equal(getattr(first, name), getattr(other, name))
    assert torch.equal(sampler.draw(10, 2, 2, generator()).images, sampler.draw(5000, 2, 2, generator()).images)
    assert not torch.equal(sampler.draw(0, 2, 2, generator()).labels, first.labels)


def test_labels_of_a_batch_belong_to_its_images() -> None:
    plain = AugmentationConfig(crop=CROP, gamma=(1, 1), contrast=0, brightness=0, bias_field=0, noise=0, blur=0)
    batch = ViewSampler(pools(), plain, DataConfig(), torch.device("cpu")).draw(1000, 8, 0, generator())
    assert batch.weak is None
    assert batch.strong is None
    # Away from edges, where intensities blend, an intensity is its label over four.
    close = (4 * batch.images[:, 0] - batch.labels).abs() < 0.3
    assert float(close.float().mean()) > 0.8


def test_phantoms_take_their_share_of_the_labelled_samples() -> None:
    labelled = pools().labelled
    bright = SlicePool(torch.ones_like(labelled.images), labelled.labels, labelled.sizes)
    plain = AugmentationConfig(crop=CROP, gamma=(1, 1), contrast=0, brightness=0, bias_field=0, noise=0, blur=0, focus=1, elastic=0)
    for share in (0.0, 0.25):
        data = DataConfig(phantom_patients=1, phantom_share=share)
        sampler = ViewSampler(TrainingPools(labelled, bright, None), plain, data, torch.device("cpu"))
        batch = sampler.draw(0, 400, 8, generator())
        seen = float((batch.images.amax((1, 2, 3)) > 0.9).float().mean())
        assert seen == pytest.approx(share, abs=0.06)
        assert batch.weak is None


@pytest.mark.parametrize(
    ("setting", "value", "got"),
    [
        ("crop", 40, "got 40"),
        ("crop", 16, "got 16"),
        ("scale", (1.2, 0.8), r"got \(1.2, 0.8\)"),
        ("gamma", (0.0, 1.0), r"got \(0.0, 1.0\)"),
        ("focus", 1.5, "got 1.5"),
        ("cutmix", -0.1, "got -0.1"),
        ("rotation", -1.0, "got -1.0"),
        ("noise", math.nan, "got nan"),
    ],
)
def test_settings_out_of_range_are_refused(setting: str, value: object, got: str) -> None:
    with pytest.raises(ConfigError, match=f"{setting} .*{got}"):
        AugmentationConfig(**{setting: value})
