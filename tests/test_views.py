"""Averaged views: turned and magnified there and back without moving anything, and no say for what a view does not see."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import torch
from torch import Tensor

from tests.tiny import tiny_model
from vqseg.data.scan import read_scan
from vqseg.inference import Segmenter
from vqseg.models import views
from vqseg.models.views import VIEWS, label_averaged, label_views, segment_averaged

Bounds = tuple[int, int]


def ellipse(size: Bounds, centre: tuple[float, float], radii: tuple[float, float], angle: float) -> np.ndarray:
    """A soft-edged ellipse (A, B) in [0, 1], its first radius turned by an angle in degrees."""
    rows, columns = np.mgrid[: size[0], : size[1]].astype(float)
    y, x = rows - centre[0], columns - centre[1]
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    distance = np.hypot((y * cos + x * sin) / radii[0], (x * cos - y * sin) / radii[1])
    return (1 / (1 + np.exp((distance - 1) * min(radii)))).astype(np.float32)


def judging(monkeypatch: pytest.MonkeyPatch, judge: Any) -> Any:
    """A network that gives `judge(images (B, 1, H, W))` as its logits."""
    model = tiny_model(image_side=None)
    monkeypatch.setattr(model, "segment", judge)
    return model


def by_brightness(images: Tensor) -> Tensor:
    """Class 1 where a pixel is bright, class 0 elsewhere."""
    return torch.cat([-images, images - 1, torch.full_like(images, -9), torch.full_like(images, -9)], 1) * 40


@pytest.mark.parametrize("size", [(60, 90), (90, 60), (64, 64)])
def test_what_every_view_judges_alike_stays_where_it_is(monkeypatch: pytest.MonkeyPatch, size: Bounds) -> None:
    # Long, leaning and away from the middle: a turn to the wrong side, in the wrong place or out of shape would move it.
    picture = ellipse(size, (size[0] * 0.62, size[1] * 0.4), (20, 6), 30)
    labels = segment_averaged(judging(monkeypatch, by_brightness), picture[None])[0]
    truth = picture > 0.5
    overlap = ((labels == 1) & truth).sum() / ((labels == 1) | truth).sum()
    assert labels.dtype == np.uint8
    assert set(np.unique(labels)) == {0, 1}
    assert overlap > 0.97


def test_all_views_have_an_equal_say(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def judge(images: Tensor) -> Tensor:
        """One view is all for class 2, the others are a little for class 1."""
        calls.append(len(images))
        logits = torch.zeros(len(images), 4, *images.shape[-2:])
        logits[:, 1] = math.log(2)
        logits[0, 2] = 50
        return logits

    labels, certainty = label_averaged(judging(monkeypatch, judge), np.full((2, 48, 48), 0.5, np.float32))
    # Mean probabilities in the middle: class 1 (8 x 0.4 + 0) / 9 = 0.36, class 2 (8 x 0.2 + 1) / 9 = 0.29.
    assert (labels[:, 20:28, 20:28] == 1).all()
    np.testing.assert_allclose(certainty[:, 20:28, 20:28], 3.2 / 9, rtol=1e-4)
    assert calls == [len(VIEWS)] * 2
    monkeypatch.setattr(views, "VIEWS", VIEWS[:3])
    # Of three views: class 1 0.8 / 3 = 0.27, class 2 1.4 / 3 = 0.47.
    assert (segment_averaged(judging(monkeypatch, judge), np.full((1, 48, 48), 0.5, np.float32))[0, 20:28, 20:28] == 2).all()


def test_beyond_its_edge_a_view_has_no_say(monkeypatch: pytest.MonkeyPatch) -> None:
    def judge(images: Tensor) -> Tensor:
        logits = torch.zeros(len(images), 4, *images.shape[-2:])
        logits[:, 3] = 20
        return logits

    # A corner is seen by few views, which are as sure as all of them together.
    labels, certainty = label_averaged(judging(monkeypatch, judge), np.full((1, 40, 56), 0.5, np.float32))
    assert (labels == 3).all()
    np.testing.assert_allclose(certainty, 1, rtol=1e-4)


def test_the_checkpoints_own_grid_and_finish_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = np.maximum(ellipse((80, 60), (36, 30), (12, 9), 0), ellipse((80, 60), (70, 50), (4, 4), 0))
    model = judging(monkeypatch, by_brightness)
    model.preprocess = type(model.preprocess)(image_side=40, largest_region=True)
    labels = segment_averaged(model, np.stack([picture, picture]))
    assert labels.shape == (2, 80, 60)
    assert (labels[:, 36, 30] == 1).all()
    assert (labels[:, 66:74, 46:54] == 0).all()


def test_a_scan_keeps_its_axes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thick slices along the first axis; the same volume stored the other way round has the same labels."""
    model = judging(monkeypatch, by_brightness)
    voxels = np.random.default_rng(0).random((3, 24, 20), np.float32)
    for name, array, zooms in (("first", voxels, (8.0, 1.5, 1.5)), ("last", np.moveaxis(voxels, 0, 2), (1.5, 1.5, 8.0))):
        nib.save(nib.Nifti1Image(array, np.diag([*zooms, 1.0])), tmp_path / f"{name}.nii")
    first, last = (Segmenter(model).average_views(read_scan(tmp_path / f"{name}.nii")) for name in ("first", "last"))
    assert first.shape == (3, 24, 20)
    # Were all voxels of one class, any order of the axes would do.
    assert set(np.unique(first)) == {0, 1}
    assert not np.array_equal(first[0], first[1])
    np.testing.assert_array_equal(np.moveaxis(first, 0, 2), last)


def test_every_single_view_finds_what_it_shows_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = ellipse((60, 90), (37, 36), (20, 6), 30)
    labels, shown = label_views(judging(monkeypatch, by_brightness), picture[None], 0)
    truth = picture > 0.5
    assert labels.shape == shown.shape == (len(VIEWS), 60, 90)
    for found, seen in zip(labels, shown, strict=True):
        both = (found == 1) & seen
        assert 2 * (both & truth).sum() / (both.sum() + (truth & seen).sum()) > 0.93
    # As it is, and made smaller without a turn, a view shows all of the slice.
    assert shown[VIEWS.index((0.0, 1.0))].all()
    assert shown[VIEWS.index((0.0, 0.9))].all()
    assert not shown[VIEWS.index((15.0, 1.15))].all()


def test_a_scan_in_views_falls_back_to_its_clean_labels_beyond_their_edge(tmp_path: Path) -> None:
    path = tmp_path / "scan.nii.gz"
    nib.Nifti1Image(np.random.default_rng(0).integers(0, 255, (40, 48, 3)).astype(np.int16), np.diag([1.4, 1.4, 8, 1])).to_filename(path)
    segmented = Segmenter(tiny_model()).open(read_scan(path))
    labels = segmented.labels_in_views(1, VIEWS)
    _, shown = label_views(segmented._model, np.moveaxis(segmented.normalised, 2, 0), 1)
    clean = segmented.labels[..., 1]
    np.testing.assert_array_equal(labels[~shown], np.broadcast_to(clean, shown.shape)[~shown])
