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
from vqseg.checkpoint import load_model, save_model
from vqseg.config import AugmentationConfig, ConfigError, DataConfig, ModelConfig, load_config
from vqseg.data.augmentation import draw_neighbours
from vqseg.data.ends import structure_ends
from vqseg.data.loaders import TrainingPools, Volume, pack
from vqseg.data.neighbours import alone, joined, missing_channels, neighbours, slice_step, with_neighbours
from vqseg.data.sampler import ViewSampler
from vqseg.inference import Segmenter
from vqseg.models.encoders import EncoderError
from vqseg.models.slicewise import encode_features, encode_slices, network_inputs, segment_slices
from vqseg.models.views import segment_averaged
from vqseg.models.vqseg import VQSeg
from vqseg.training.start import TrainingError, start_from
from vqseg.training.trainer import Trainer
from vqseg.types import Scan, Share

CONFIGS = Path(__file__).parents[1] / "configs"


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
    [
        ((1.5, 1.5, 8.0), 1),
        ((1.5, 1.5, 10.0), 1),
        ((1.25, 1.25, 5.0), 2),
        ((0.8, 0.8, 2.0), 4),
        ((2.0, 2.0, 1.0), 8),
        ((0.8, 0.8, 0.8), 10),
        ((1.0, 1.0, 1.0), 1),
        ((0.0015, 0.0015, 0.008), 1),
        ((1.0, 1.0, 1e-22), 1),
        ((1.0, 1.0, 1e9), 1),
    ],
)
def test_thin_slices_are_skipped_and_unknown_distances_are_not(spacing: tuple[float, float, float], step: int) -> None:
    assert slice_step(scan_of(np.zeros((4, 4, 3), np.float32), spacing), 2) == step


def test_the_channels_are_the_slice_its_neighbours_and_where_these_are_missing() -> None:
    images = torch.arange(4.0)[:, None, None, None].expand(4, 1, 2, 3)
    inputs = with_neighbours(images, neighbours(4, 2))
    assert inputs.shape == (4, ModelConfig(context_slices=2).input_channels, 2, 3)
    assert inputs[0, :, 0, 0].tolist() == [0, 0, 1, 1, 0, 0, 2, 1, 0]
    assert inputs[2, :, 1, 2].tolist() == [2, 1, 3, 0, 0, 0, 2, 0, 1]
    assert torch.equal(inputs[2:3], with_neighbours(images, neighbours(4, 2), slice(2, 3)))
    assert missing_channels(2) == [3, 4, 7, 8]
    # A wider context appends.
    assert torch.equal(inputs[:, :5], with_neighbours(images, neighbours(4, 1)))
    assert torch.equal(with_neighbours(images, neighbours(4, 0)), images)


def test_a_single_picture_stands_for_its_missing_neighbours() -> None:
    images = torch.rand(3, 1, 4, 5)
    for index in range(3):
        own = images[index : index + 1]
        assert torch.equal(alone(own, 2), with_neighbours(own, neighbours(1, 2)))
        # Another slice in the place of a missing one does not show.
        assert torch.equal(
            alone(own, 1), joined(torch.cat([own, images[:2].flip(0).transpose(0, 1)], 1), torch.ones(1, 2, dtype=torch.bool))
        )
    assert torch.equal(alone(images, 0), images)


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
    # The fifth slice has none two slices further: it does not read the last one in its place.
    assert changed.tolist() == [False, False, False, True, False, True]


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
    with pytest.raises(ConfigError, match=r"context_slices must lie in \[0, 64\], got -1"):
        ModelConfig(context_slices=-1)
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


def sampler(context: int, config: AugmentationConfig) -> ViewSampler:
    """Slices that differ in a pattern of their own, with labels."""
    images = torch.rand(6, 1, 40, 40, generator=generator(5))
    labels = torch.randint(4, (6, 40, 40), generator=generator(6), dtype=torch.uint8)
    pool = pack([Volume(images[:4], labels[:4]), Volume(images[4:], labels[4:])], 40, context)
    return ViewSampler(TrainingPools(pool, None, replace(pool, labels=None)), config, DataConfig(), torch.device("cpu"))


def test_a_view_shows_the_same_place_on_the_neighbours_in_the_same_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = sampler(1, AugmentationConfig(crop=32, noise=0, alone=0.3))
    plain = AugmentationConfig(crop=32, noise=0, blur=0, gamma=(1, 1), contrast=0.2, brightness=0.1, bias_field=0, alone=0)
    batch = sampler(1, plain).draw(9, 16, 16, generator())
    # The geometry alone, with the same random numbers.
    monkeypatch.setattr("vqseg.data.sampler.recolour", lambda images, change: images)
    bare = sampler(1, plain).draw(9, 16, 16, generator())
    for view, raw in ((batch.images, bare.images), (batch.weak, bare.weak), (batch.strong, bare.strong)):
        assert view is not None and raw is not None
        assert view.shape == (16, 5, 32, 32)
        assert torch.equal(view[:, 3:], raw[:, 3:])
        for colours, values in zip(view[:, :3], raw[:, :3], strict=True):
            # One line for all three: what a gain and an offset do.
            gain, offset = np.polyfit(values.flatten().numpy(), colours.flatten().numpy(), 1)
            torch.testing.assert_close(colours, values * gain + offset, atol=1e-3, rtol=0)
        missing = view[:, 3:, 0, 0] > 0
        for side in range(2):
            same = (view[:, 1 + side] - view[:, 0]).abs().amax((1, 2)) < 1e-6
            assert torch.equal(same, missing[:, side])
    assert 0 < float((seen.draw(9, 64, 64, generator()).images[:, 3:, 0, 0] > 0).all(1).float().mean()) < 0.8


def test_neighbours_shift_no_other_random_number_of_a_crop() -> None:
    config = AugmentationConfig(crop=32, noise=0)
    first, second = (sampler(context, config).draw(0, 1, 0, generator()) for context in (0, 1))
    assert first.images.shape == (1, 1, 32, 32)
    assert second.images.shape == (1, 5, 32, 32)
    assert torch.equal(first.labels, second.labels)
    assert len(first.labels.unique()) == 4


def test_the_parts_of_all_ranks_make_up_one_batch() -> None:
    config = AugmentationConfig(crop=32)
    whole = sampler(1, config).draw(3, 4, 4, generator())
    parts = [sampler(1, config).draw(3, 2, 2, generator(), Share(rank, 2)) for rank in range(2)]
    for name in ("images", "labels", "weak", "strong"):
        torch.testing.assert_close(torch.cat([getattr(part, name) for part in parts]), getattr(whole, name), atol=1e-5, rtol=0)


def test_a_run_with_neighbours_starts_from_one_without_and_learns_to_read_them(phantoms: Path, tmp_path: Path) -> None:
    first = tiny_config(phantoms, tmp_path / "first")
    Trainer(first).run()
    second = tiny_config(phantoms, tmp_path / "second", initial=str(tmp_path / "first" / "checkpoint"), evaluate_every=6)
    second = replace(second, model=replace(second.model, context_slices=1))
    Trainer(second).run()
    whole = load_model(tmp_path / "second" / "checkpoint")
    assert float(whole.encoder.stem[0][0].weight[:, 1:].detach().abs().max()) > 0


def test_starts_that_cannot_be_are_explained(tmp_path: Path) -> None:
    save_model(tiny_model(context_slices=1), tmp_path / "wide")
    with pytest.raises(TrainingError, match=r"set model\.context_slices to 1"):
        start_from(tiny_model(), str(tmp_path / "wide"))
    save_model(tiny_model(), tmp_path / "plain")
    with pytest.raises(TrainingError, match="must stay 0, got 1"):
        start_from(tiny_model(context_slices=1), str(tmp_path / "plain"), codes_alone=True)
    with pytest.raises(EncoderError, match="another encoder"):
        tiny_model(context_slices=1).encoder.widened({"backbone.x": torch.zeros(1)})


@pytest.mark.parametrize(
    "path", [path for path in sorted(CONFIGS.glob("*.yaml")) if not path.name.endswith(".recipe.yaml")], ids=lambda path: path.stem
)
def test_every_configuration_that_starts_from_a_shipped_checkpoint_fits_it(path: Path) -> None:
    config = load_config(path)
    if (config.train.initial or "").startswith("checkpoints/"):
        initial = str(CONFIGS.parent / str(config.train.initial))
        start_from(VQSeg(config.model, config.preprocess), initial, codes_alone=config.train.decoders_alone)


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


def test_in_thin_slices_an_end_is_as_many_of_them_as_make_up_a_thick_one() -> None:
    labels = np.zeros((12, 2, 2), np.uint8)
    labels[3:9] = 1
    assert structure_ends(labels, 2).all((1, 2)).tolist() == [False, True, True, True, True, False, False, True, True, True, True, False]


def test_a_structure_that_reaches_the_edge_of_the_volume_ends_there() -> None:
    labels = np.ones((3, 2, 2), np.uint8)
    assert structure_ends(labels).all((1, 2)).tolist() == [True, False, True]
