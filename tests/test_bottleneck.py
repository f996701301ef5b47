"""Codebook and QPM as a layer of another network."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from vqseg.quantization.bottleneck import QuantizedBottleneck


def features(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("shape", [(2, 8, 5), (2, 8, 5, 6), (2, 8, 3, 4, 5)])
@pytest.mark.parametrize("dim", [None, 4])
def test_the_shape_stays_whatever_its_axes(shape: tuple[int, ...], dim: int | None) -> None:
    layer = QuantizedBottleneck(8, codebook_size=16, codebook_dim=dim)
    assert layer(features(*shape)).shape == shape
    assert layer.indices.shape == (2, *shape[2:]) and layer.loss.shape == ()


def test_what_comes_out_are_codewords_of_the_codes_at_their_places() -> None:
    layer = QuantizedBottleneck(8, codebook_size=16)
    z = features(2, 8, 5, 6)
    out = layer(z, strength=0.0)
    torch.testing.assert_close(out, layer.quantizer.lookup(layer.indices).permute(0, 3, 1, 2))
    normed = torch.nn.functional.layer_norm(z.permute(0, 2, 3, 1), (8,))
    nearest = torch.cdist(normed.flatten(0, 2), layer.quantizer.codewords()).argmin(1).view(2, 5, 6)
    assert torch.equal(layer.indices, nearest)


def test_training_swaps_about_its_share_and_evaluation_none() -> None:
    layer = QuantizedBottleneck(8, codebook_size=32, strength=0.4)
    z = features(4, 8, 20, 20)
    clean = layer(z, strength=0.0)
    share = float((layer(z, generator=generator()) != clean).any(1).float().mean())
    assert 0.35 < share < 0.45
    layer.eval()
    torch.testing.assert_close(layer(z), clean)


def test_a_larger_strength_only_adds_swaps() -> None:
    layer = QuantizedBottleneck(8, codebook_size=32).eval()
    z = features(2, 8, 10, 10)
    layer.train()(z)
    layer.eval()
    clean = layer(z)
    moved = [(layer(z, strength=strength, generator=generator()) != clean).any(1) for strength in (0.0, 0.2, 0.6, 1.0)]
    assert not moved[0].any()
    assert all(bool((after | ~before).all()) for before, after in pairwise(moved))


def test_the_gradient_reaches_what_lies_before_and_the_codewords() -> None:
    before, layer = nn.Conv2d(3, 8, 1), QuantizedBottleneck(8, codebook_size=16, codebook_dim=4)
    (layer(before(features(2, 3, 6, 6))).square().sum() + layer.loss).backward()
    for part in (before.weight, layer.enter.weight, layer.leave.weight, layer.quantizer.mapping.weight):
        assert isinstance(part, Tensor) and part.grad is not None and part.grad.abs().sum() > 0


def test_the_codebook_is_placed_once_and_a_loaded_one_stays_where_it_was() -> None:
    layer = QuantizedBottleneck(8, codebook_size=16, revive_every=0)
    layer(features(2, 8, 6, 6))
    first = layer.quantizer.codewords().detach().clone()
    layer(features(2, 8, 6, 6, seed=5))
    assert torch.equal(layer.quantizer.codewords(), first)
    other = QuantizedBottleneck(8, codebook_size=16, revive_every=0)
    other.load_state_dict(layer.state_dict())
    other(features(2, 8, 6, 6, seed=7))
    assert torch.equal(other.quantizer.codewords(), first)


def test_idle_codewords_come_back_to_where_features_are() -> None:
    layer = QuantizedBottleneck(8, codebook_size=16, revive_every=3)
    layer(features(2, 8, 6, 6))
    with torch.no_grad():
        layer.quantizer.basis[8:] += 1000
    layer.quantizer.reset_usage()
    for step in range(4):
        layer(features(2, 8, 6, 6, seed=step))
    assert layer.quantizer.codewords().abs().max() < 100


@pytest.mark.parametrize(
    "wrong", [{"strength": 1.5}, {"mode": "nonsense"}, {"codebook_size": 1}, {"temperature": 1.0, "reach": 3.0}, {"reach": 0.0}]
)
def test_a_layer_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        QuantizedBottleneck(8, **wrong)  # type: ignore[arg-type]
