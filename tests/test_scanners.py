"""What another scanner would show: inverted parts, coarser pixels, thicker slices; and that a run without them is as it was."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from vqseg.config import AugmentationConfig, ConfigError, DataConfig
from vqseg.data.loaders import TrainingPools, Volume, pack
from vqseg.data.sampler import ViewSampler
from vqseg.data.scanners import Scanners, draw_scanners, draw_thickness, shifted, thickened

NONE = torch.full((1, 1, 4, 4), -torch.inf)
STILL = AugmentationConfig(
    crop=32,
    rotation=0,
    scale=(1, 1),
    shear=0,
    flip=False,
    elastic=0,
    ramp_steps=0,
    focus=1,
    gamma=(1, 1),
    contrast=0,
    brightness=0,
    bias_field=0,
    noise=0,
    blur=0,
    cutmix=0,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(count: int = 1, side: int = 48) -> torch.Tensor:
    return torch.rand(count, 2, side, side, generator=generator(9))


def test_a_part_is_inverted_and_the_rest_is_not() -> None:
    field = torch.full((1, 1, 4, 4), 9.0)
    field[..., :2] = -9.0
    images = pictures()
    seen = shifted(images, Scanners(field, torch.ones(1)))
    torch.testing.assert_close(seen[..., :12], images[..., :12], atol=1e-3, rtol=0)
    torch.testing.assert_close(seen[..., -12:], 1 - images[..., -12:], atol=1e-3, rtol=0)
    assert float(seen.min()) >= 0 and float(seen.max()) <= 1


def test_coarser_pixels_lose_detail_and_keep_the_mean() -> None:
    images = pictures(2)
    seen = shifted(images, Scanners(NONE.expand(2, -1, -1, -1), torch.tensor([0.5, 1.0])))
    assert seen.shape == images.shape
    assert float(seen[0].std()) < 0.6 * float(images[0].std())
    assert float(seen[0].mean()) == pytest.approx(float(images[0].mean()), abs=0.01)
    assert torch.equal(seen[1], images[1])


def test_a_thick_slice_shows_its_neighbours() -> None:
    own, before, behind = (torch.full((2, 1, 4, 4), value) for value in (0.2, 0.6, 1.0))
    seen = thickened(own, before, behind, torch.tensor([0.5, 0.0]))
    torch.testing.assert_close(seen[0], torch.full((1, 4, 4), 0.5 * 0.2 + 0.25 * 0.6 + 0.25 * 1.0))
    assert torch.equal(seen[1], own[1])


def test_as_many_are_changed_as_was_asked_for() -> None:
    config = replace(STILL, inversion=0.3, coarseness=0.6, thickness=0.4)
    drawn, thickness = draw_scanners(4000, config, generator()), draw_thickness(4000, config, generator())
    assert float(torch.isfinite(drawn.inverted).all(-1).all(-1).float().mean()) == pytest.approx(0.3, abs=0.03)
    assert float(drawn.kept.min()) == pytest.approx(0.4, abs=0.02)
    assert float((drawn.kept == 1).float().mean()) == pytest.approx(0.5, abs=0.03)
    assert float(thickness.max()) == pytest.approx(0.4, abs=0.02)
    assert float((thickness == 0).float().mean()) == pytest.approx(0.5, abs=0.03)
    weak = draw_scanners(4000, config, generator(), amount=0.1)
    assert float(torch.isfinite(weak.inverted).all(-1).all(-1).float().mean()) == pytest.approx(0.03, abs=0.01)
    assert float(weak.kept.min()) == pytest.approx(0.94, abs=0.01)


def test_the_parts_of_a_batch_are_those_of_the_whole() -> None:
    config = replace(STILL, inversion=0.5, coarseness=0.6, thickness=0.4)
    whole, part = draw_scanners(6, config, generator()), draw_scanners(6, config, generator(), rows=slice(2, 4))
    assert torch.equal(whole.inverted[2:4], part.inverted) and torch.equal(whole.kept[2:4], part.kept)
    assert torch.equal(draw_thickness(6, config, generator())[2:4], draw_thickness(6, config, generator(), rows=slice(2, 4)))


def pools() -> TrainingPools:
    """Volumes whose slices are as bright as their number says: 0.2, 0.4, 0.6."""
    images = torch.tensor([0.2, 0.4, 0.6])[:, None, None, None].expand(3, 1, 64, 64).contiguous()
    pool = pack([Volume(images, torch.zeros(3, 64, 64, dtype=torch.uint8))], 64)
    return TrainingPools(pool, None, replace(pool, labels=None))


def test_thick_slices_come_from_one_volume_and_end_with_it() -> None:
    config = replace(STILL, thickness=1.0)
    sampler = ViewSampler(pools(), config, DataConfig(), torch.device("cpu"))
    batch = sampler.draw(1000, 200, 0, generator())
    seen = batch.images[:, 0, 12:20, 12:20].mean((1, 2))
    # The first and the last slice stand in for their missing neighbours: half of the blend stays as it is.
    assert float(seen.min()) >= 0.2 - 1e-3 and float(seen.max()) <= 0.6 + 1e-3
    assert int(((seen - 0.2).abs() < 1e-3).sum()) > 10 and int(((seen > 0.21) & (seen < 0.31)).sum()) > 10


def test_without_them_a_batch_is_what_it_was_and_with_them_the_crops_stay() -> None:
    def batch(**changes: float) -> torch.Tensor:
        sampler = ViewSampler(pools(), replace(STILL, **changes), DataConfig(), torch.device("cpu"))
        drawn = sampler.draw(1000, 4, 4, generator())
        assert drawn.strong is not None
        return torch.cat([drawn.images, drawn.strong])

    plain = batch()
    assert torch.equal(plain, batch(inversion=0.0, coarseness=0.0, thickness=0.0))
    assert not torch.equal(plain, batch(inversion=1.0))


@pytest.mark.parametrize("wrong", [{"inversion": 1.5}, {"coarseness": 1.0}, {"thickness": -0.1}])
def test_what_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        AugmentationConfig(**wrong)
