"""Neighbouring slices as further channels: which they are, how views show them, and that a network grows into them without a change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.tiny import tiny_config, tiny_model, tiny_model_config
from vqseg.checkpoint import save_model
from vqseg.config import AugmentationConfig, ConfigError, DataConfig, ModelConfig
from vqseg.data.augmentation import draw_neighbours
from vqseg.data.ends import structure_ends
from vqseg.data.loaders import TrainingPools, ViewSampler, Volume, pack
from vqseg.data.neighbours import Neighbours, alone, channels, joined, missing_channels, neighbours, slice_step, with_neighbours
from vqseg.inference import Segmenter
from vqseg.models.slicewise import encode_features, encode_slices, network_inputs, segment_slices
from vqseg.models.views import segment_averaged
from vqseg.models.vqseg import VQSeg
from vqseg.training.start import start_from
from vqseg.training.trainer import Trainer
from vqseg.types import Scan


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def scan_of(voxels: np.ndarray, spacing: tuple[float, float, float] = (1.5, 1.5, 8.0)) -> Scan:
    return Scan(voxels, np.diag([*spacing, 1.0]), spacing, "a.nii.gz")


# Which they are


@given(count=st.integers(1, 12), context=st.integers(0, 3), step=st.integers(1, 4))
def test_neighbours_are_as_many_steps_away_as_the_column_says_or_the_edge(count: int, context: int, step: int) -> None:
    found = neighbours(count, context, step)
    assert found.rows.shape == found.missing.shape == (count, 2 * context)
    for own in range(count):
        for column in range(2 * context):
            wanted = own + (1 if column % 2 else -1) * step * (column // 2 + 1)
            assert int(found.rows[own, column]) == min(max(wanted, 0), count - 1)
            assert bool(found.missing[own, column]) == (not 0 <= wanted < count)


@pytest.mark.parametrize(
    ("spacing", "step"),
    [((1.5, 1.5, 8.0), 1), ((1.5, 1.5, 10.0), 1), ((1.25, 1.25, 5.0), 2), ((0.8, 0.8, 2.0), 4), ((1.0, 1.0, 1.0), 1), ((2.0, 2.0, 1.0), 1)],
)
def test_thin_slices_are_skipped_and_unknown_distances_are_not(spacing: tuple[float, float, float], step: int) -> None:
    assert slice_step(scan_of(np.zeros((4, 4, 3), np.float32), spacing), 2) == step


def test_the_channels_are_the_slice_its_neighbours_and_where_these_are_missing() -> None:
    images = torch.arange(4.0)[:, None, None, None].expand(4, 1, 2, 3)
    inputs = with_neighbours(images, neighbours(4, 2))
    assert inputs.shape == (4, channels(2), 2, 3)
    assert inputs[0, :, 0, 0].tolist() == [0, 0, 1, 1, 0, 0, 2, 1, 0]
    assert inputs[2, :, 1, 2].tolist() == [2, 1, 3, 0, 0, 0, 3, 0, 1]
    assert missing_channels(2) == [3, 4, 7, 8]
    # A wider context appends.
    assert torch.equal(inputs[:, : channels(1)], with_neighbours(images, neighbours(4, 1)))
    assert torch.equal(with_neighbours(images, neighbours(4, 0)), images)


def test_a_single_picture_stands_for_its_missing_neighbours() -> None:
    image = torch.rand(2, 1, 4, 5)
    assert torch.equal(
        alone(image, 1),
        with_neighbours(image[:1], neighbours(1, 1)).new_tensor(0) + joined(image.repeat(1, 3, 1, 1), torch.ones(2, 2, dtype=torch.bool)),
    )
    assert torch.equal(alone(image, 0), image)


# What the network makes of them


def test_a_slice_is_read_with_its_neighbours_however_the_volume_is_cut_into_parts() -> None:
    model = tiny_model(context_slices=1)
    slices = np.random.default_rng(0).random((6, 96, 80), dtype=np.float32)
    whole = network_inputs(model, slices, slice(0, 6), 2)
    assert whole.shape == (6, 5, 96, 80)
    assert torch.equal(whole[3], network_inputs(model, slices, slice(3, 4), 2)[0])
    np.testing.assert_allclose(whole[3, :3].numpy(), slices[[3, 1, 5]], atol=1e-6)
    assert torch.equal(encode_slices(model, slices, step=2)[4:5], encode_slices(model, slices, step=2, wanted=slice(4, 5)))
    other = slices.copy()
    other[5] = 0
    changed = (encode_slices(model, slices, step=2) != encode_slices(model, other, step=2)).flatten(1).any(1)
    # The last slice stands in for the one behind it.
    assert changed.tolist() == [False, False, False, True, True, True]


def test_serving_reads_neighbours_as_evaluation_does() -> None:
    model = tiny_model(context_slices=1)
    scan = scan_of(np.random.default_rng(1).random((64, 64, 5), dtype=np.float32), (1.5, 1.5, 4.0))
    opened = Segmenter(model).open(scan)
    slices = np.moveaxis(opened.normalised, 2, 0)
    np.testing.assert_array_equal(opened.indices, encode_slices(model, slices, step=2).numpy())
    np.testing.assert_array_equal(np.moveaxis(opened.labels, 2, 0), segment_slices(model, slices, step=2))
    np.testing.assert_allclose(
        opened.features(3), encode_features(model, slices, slice(3, 4), step=2)[0].permute(1, 2, 0).numpy(), atol=1e-5
    )
    assert opened.reconstruction.shape == scan.shape
    assert segment_averaged(model, slices, step=2).shape == slices.shape


def test_a_network_may_read_every_slice_alone_though_it_could_read_neighbours() -> None:
    model = tiny_model(context_slices=1)
    model.preprocess = replace(model.preprocess, neighbours=False)
    slices = np.random.default_rng(3).random((4, 96, 96), dtype=np.float32)
    assert torch.equal(network_inputs(model, slices, slice(1, 3)), alone(torch.from_numpy(slices[1:3])[:, None], 1))
    whole = encode_slices(model, slices)
    assert all(torch.equal(whole[index], encode_slices(model, slices[index : index + 1])[0]) for index in range(4))


def test_a_picture_is_segmented_as_a_slice_without_neighbours() -> None:
    model = tiny_model(context_slices=1)
    picture = torch.rand(1, 1, 64, 64, generator=generator())
    output = model(picture)
    assert output.reconstruction.shape == (1, 1, 64, 64)
    assert torch.equal(output.logits, model(alone(picture, 1)).logits)


def test_a_network_that_starts_from_one_without_neighbours_gives_its_answers_at_first(tmp_path: Path) -> None:
    before = tiny_model(3)
    save_model(before, tmp_path / "before")
    after = tiny_model(4, context_slices=1)
    start_from(after, str(tmp_path / "before"))
    slices = np.random.default_rng(2).random((5, 96, 96), dtype=np.float32)
    assert torch.equal(encode_slices(before, slices), encode_slices(after, slices))
    images = with_neighbours(torch.from_numpy(slices)[:, None], neighbours(5, 1))
    torch.testing.assert_close(after(images).logits, before(images[:, :1]).logits, atol=1e-4, rtol=0)
    torch.testing.assert_close(after(images).reconstruction, before(images[:, :1]).reconstruction, atol=1e-4, rtol=0)
    # And it can learn from them.
    after.train()(images).logits.sum().backward()
    assert float(after.encoder.stem[0][0].weight.grad[:, 1:3].abs().max()) > 0


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigError, match="context_slices must not be negative, got -1"):
        ModelConfig(context_slices=-1)
    with pytest.raises(ConfigError, match="context_slices needs in_channels 1, got 3"):
        ModelConfig(context_slices=1, in_channels=3)
    with pytest.raises(ConfigError, match='context_slices must be 0 with encoder "vit", got 1'):
        VQSeg(ModelConfig(encoder="vit", context_slices=1))
    assert tiny_model_config(context_slices=2).input_channels == 9


# How views show them


def test_neighbours_change_sides_together_and_are_sometimes_left_out() -> None:
    beside = neighbours(3, 2)
    many = beside[torch.ones(4000, dtype=torch.int64)]
    drawn = draw_neighbours(many, torch.ones(4000, dtype=torch.int64), 0.25, generator())
    kinds = {tuple(row): 0 for row in drawn.rows.tolist()}
    for row in drawn.rows.tolist():
        kinds[tuple(row)] += 1
    assert set(kinds) == {(0, 2, 0, 2), (2, 0, 2, 0), (1, 1, 1, 1)}
    assert kinds[1, 1, 1, 1] / 4000 == pytest.approx(0.25, abs=0.03)
    assert kinds[0, 2, 0, 2] / 4000 == pytest.approx(0.375, abs=0.03)
    assert bool(drawn.missing[(drawn.rows == 1).all(1)].all())


def test_a_view_shows_the_same_place_on_the_neighbours_in_the_same_colours() -> None:
    picture = torch.rand(40, 40, generator=generator())
    # Each slice is the one before, a little brighter.
    images = torch.stack([picture * 0.5 + 0.1 * number for number in range(4)])[:, None]
    pool = pack([Volume(images, torch.zeros(4, 40, 40, dtype=torch.uint8))], 40, 1)
    assert isinstance(pool.beside, Neighbours)
    still = AugmentationConfig(crop=32, gamma=(1, 1), noise=0, blur=0, bias_field=0, contrast=0.3, alone=0, focus=1)
    batch = ViewSampler(TrainingPools(pool, None, replace(pool, labels=None)), still, DataConfig(), torch.device("cpu")).draw(
        9, 8, 8, generator()
    )
    for view in (batch.images, batch.weak, batch.strong):
        assert view is not None
        assert view.shape == (8, 5, 32, 32)
        inner = view[:, :, 8:-8, 8:-8]
        steps = inner[:, 1:3] - inner[:, :1]
        gone = inner[:, 3:5, 0, 0] > 0
        for number in range(8):
            for side in range(2):
                spread = float(steps[number, side].std())
                assert spread < 1e-3, "a neighbour shows another place or another colour"
                assert (float(steps[number, side].abs().mean()) < 1e-3) == bool(gone[number, side])


def test_runs_without_neighbours_draw_what_they_drew_before() -> None:
    volume = Volume(torch.rand(4, 1, 40, 40, generator=generator()), torch.zeros(4, 40, 40, dtype=torch.uint8))
    plain, beside = pack([volume], 40), pack([volume], 40, 1)
    config = AugmentationConfig(crop=32)
    first, second = (
        ViewSampler(TrainingPools(pool, None, None), config, DataConfig(), torch.device("cpu")).draw(0, 1, 0, generator())
        for pool in (plain, beside)
    )
    assert first.images.shape == (1, 1, 32, 32)
    assert second.images.shape == (1, 5, 32, 32)
    assert torch.equal(first.labels, second.labels)


def test_a_run_with_neighbours_starts_from_one_without(phantoms: Path, tmp_path: Path) -> None:
    first = tiny_config(phantoms, tmp_path / "first")
    Trainer(first).run()
    second = tiny_config(phantoms, tmp_path / "second", initial=str(tmp_path / "first" / "checkpoint"), evaluate_every=6)
    second = replace(second, model=replace(second.model, context_slices=1))
    Trainer(second).run()
    assert (tmp_path / "second" / "checkpoint" / "model.safetensors").is_file()


# The ends of structures


def test_the_ends_of_every_structure_are_marked_and_the_places_beyond_them() -> None:
    labels = np.zeros((6, 4, 4), np.uint8)
    labels[1:5, :2, :2] = 1
    labels[2:4, 2:, 2:] = 2
    marked = structure_ends(labels)
    assert marked[:, 0, 0].tolist() == [True, True, False, False, True, True]
    assert marked[:, 3, 3].tolist() == [False, True, True, True, True, False]
    assert not marked[:, 0, 3].any()
    assert not structure_ends(labels[:1]).any()
    assert not structure_ends(np.zeros_like(labels)).any()


def test_a_structure_that_reaches_the_edge_of_the_volume_ends_there() -> None:
    labels = np.ones((3, 2, 2), np.uint8)
    assert structure_ends(labels).all((1, 2)).tolist() == [True, False, True]
