"""Against SimVQ of vector-quantize-pytorch and torch.cdist in float64, and the paths of the gradients."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from vector_quantize_pytorch import SimVQ

from vqseg.quantization import search as module
from vqseg.quantization.quantizer import VectorQuantizer, perplexity, spread_sample, utilisation
from vqseg.quantization.search import nearest_codewords


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=generator(seed))


def quantizer_with_mapping(size: int = 40, dim: int = 6, seed: int = 0, commitment: float = 0.25) -> VectorQuantizer:
    """A quantizer whose mapping is far from the identity but well conditioned."""
    quantizer = VectorQuantizer(size, dim, commitment=commitment)
    with torch.no_grad():
        quantizer.basis.copy_(normal(size, dim, seed=seed))
        quantizer.mapping.weight.copy_(torch.linalg.qr(normal(dim, dim, seed=seed + 1))[0] @ torch.diag(torch.linspace(0.5, 2, dim)))
    return quantizer


# The oracle


@pytest.mark.parametrize("commitment", [0.25, 1.0])
@pytest.mark.parametrize(("size", "dim"), [(40, 6), (128, 3), (65, 16)])
def test_equals_simvq_with_the_same_weights(size: int, dim: int, commitment: float) -> None:
    ours = quantizer_with_mapping(size, dim, commitment=commitment)
    theirs = SimVQ(dim, size, channel_first=True, rotation_trick=False, input_to_quantize_commit_loss_weight=commitment)
    with torch.no_grad():
        theirs.frozen_codebook.copy_(ours.basis)
        theirs.code_transform.weight.copy_(ours.mapping.weight)
    z, theirs_z = (normal(2, dim, 5, 7, seed=3).requires_grad_() for _ in range(2))
    out, (quantized, indices, loss) = ours(z), theirs(theirs_z)
    assert torch.equal(out.indices, indices)
    assert out.indices.dtype == torch.int64
    torch.testing.assert_close(out.quantized, quantized)
    torch.testing.assert_close(out.loss, loss)
    torch.testing.assert_close(ours.lookup(out.indices).permute(0, 3, 1, 2), theirs.indices_to_codes(indices))
    direction = normal(*z.shape, seed=4)
    ((out.quantized * direction).sum() + out.loss).backward()
    ((quantized * direction).sum() + loss).backward()
    torch.testing.assert_close(z.grad, theirs_z.grad)
    torch.testing.assert_close(ours.mapping.weight.grad, theirs.code_transform.weight.grad)


@settings(max_examples=40, deadline=None)
@given(
    tokens=st.integers(0, 70),
    size=st.integers(2, 200),
    dim=st.integers(1, 12),
    offset=st.sampled_from([0.0, 300.0]),
    seed=st.integers(0, 9),
)
def test_nearest_codeword_equals_a_float64_distance_matrix(tokens: int, size: int, dim: int, offset: float, seed: int) -> None:
    features, codewords = normal(tokens, dim, seed=seed) + offset, normal(size, dim, seed=seed + 100) + offset
    chosen = nearest_codewords(features, codewords)
    assert chosen.shape == (tokens,)
    assert chosen.dtype == torch.int64
    distances = torch.cdist(features.double(), codewords.double())
    # Ties and near-ties may fall either way; the distance may not be worse than rounding allows.
    picked = distances.gather(1, chosen[:, None])[:, 0]
    assert bool((picked - distances.amin(1) < 1e-4).all())


@pytest.mark.parametrize("size", [63, 64, 65, 127, 129, 1000])
def test_every_codeword_is_nearest_to_itself(size: int) -> None:
    codewords = normal(size, 8)
    assert torch.equal(nearest_codewords(codewords, codewords), torch.arange(size))


def test_a_common_offset_does_not_cost_precision() -> None:
    # Against |c|^2 = 1e8, differences of 1e-2 vanish in float32 unless they are centred.
    codewords = 1e3 + 1e-1 * normal(100, 16)
    assert torch.equal(nearest_codewords(codewords, codewords), torch.arange(100))


def test_chunks_of_tokens_agree_with_one_product(monkeypatch: pytest.MonkeyPatch) -> None:
    features, codewords = normal(50, 4), normal(70, 4, seed=1)
    whole = nearest_codewords(features, codewords)
    # 128 padded codewords x 7 rows: the last chunk is a rest.
    monkeypatch.setattr(module, "_SCORES_AT_ONCE", 128 * 7)
    assert torch.equal(nearest_codewords(features, codewords), whole)
    monkeypatch.setattr(module, "_SCORES_AT_ONCE", 1)
    assert torch.equal(nearest_codewords(features, codewords), whole)


@pytest.mark.parametrize("threads", [0, 4], ids=["in blocks", "by NumPy"])
@pytest.mark.parametrize("tile", [None, 64, 128])
def test_of_codewords_equally_near_the_first_is_found(tile: int | None, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # Whole numbers, whose sums are exact: many distances are equal, within a tile and across tiles.
    codewords, features = (torch.randint(-2, 3, (count, 3), generator=generator(seed)).float() for count, seed in ((500, 0), (300, 1)))
    # The mean is a whole number, too.
    codewords = torch.cat([codewords, -codewords])
    monkeypatch.setattr(module, "_THREADS_FOR_NUMPY", threads)
    if tile is not None:
        monkeypatch.setattr(module, "_TILED_FROM", 1)
        monkeypatch.setattr(module, "_TILE", tile)
    first = (features[:, None] - codewords).square().sum(2).numpy().argmin(1)
    assert nearest_codewords(features, codewords).tolist() == first.tolist()


def test_a_large_codebook_is_searched_in_tiles_with_the_answer_of_one_product(monkeypatch: pytest.MonkeyPatch) -> None:
    features, codewords = normal(200, 8), normal(module._TILED_FROM + 100, 8, seed=1)
    assert len(module.CodewordSearch(codewords)._tiles) == 5
    found = nearest_codewords(features, codewords)
    monkeypatch.setattr(module, "_TILED_FROM", 1 << 20)
    assert len(module.CodewordSearch(codewords)._tiles) == 1
    assert torch.equal(nearest_codewords(features, codewords), found)


def test_a_search_outlives_changes_of_the_codewords() -> None:
    codewords = normal(100, 6)
    search = module.CodewordSearch(codewords)
    before = search.nearest(normal(50, 6, seed=1))
    codewords.zero_()
    assert torch.equal(search.nearest(normal(50, 6, seed=1)), before)


# Gradients


def test_gradient_of_the_features_is_the_identitys() -> None:
    quantizer = quantizer_with_mapping()
    z, direction = normal(2, 6, 3, 4).requires_grad_(), normal(2, 6, 3, 4, seed=9)
    torch.sin(quantizer(z).quantized * direction).sum().backward()
    value = quantizer(z).quantized.detach().requires_grad_()
    torch.sin(value * direction).sum().backward()
    assert torch.equal(z.grad, value.grad)
    assert quantizer.mapping.weight.grad is None


def test_mapping_learns_from_the_codebook_term_only() -> None:
    gradients = {}
    for commitment in (0.0, 10.0):
        quantizer = quantizer_with_mapping(commitment=commitment)
        quantizer(normal(2, 6, 3, 4)).loss.backward()
        gradients[commitment] = quantizer.mapping.weight.grad
    assert torch.equal(gradients[0.0], gradients[10.0])
    # d/dW mean |W b - z|^2, by hand.
    quantizer, tokens = quantizer_with_mapping(), normal(2, 6, 3, 4).permute(0, 2, 3, 1).reshape(-1, 6)
    chosen = quantizer.basis[quantizer(normal(2, 6, 3, 4)).indices.flatten()]
    residual = chosen @ quantizer.mapping.weight.detach().T - tokens
    torch.testing.assert_close(gradients[0.0], 2 * residual.T @ chosen / residual.numel())


def test_features_learn_from_the_commitment_term_only() -> None:
    for commitment in (0.25, 2.0):
        quantizer, z = quantizer_with_mapping(commitment=commitment), normal(1, 6, 3, 4).requires_grad_()
        out = quantizer(z)
        out.loss.backward()
        codes = quantizer.lookup(out.indices).permute(0, 3, 1, 2).detach()
        torch.testing.assert_close(z.grad, commitment * 2 * (z.detach() - codes) / z.numel())


def test_the_frozen_matrix_has_no_gradient_and_no_parameter() -> None:
    quantizer = quantizer_with_mapping()
    assert [name for name, _ in quantizer.named_parameters()] == ["mapping.weight"]
    assert not quantizer.basis.requires_grad
    assert not quantizer.usage.requires_grad


def test_autocast_changes_neither_indices_nor_vectors() -> None:
    quantizer, z = quantizer_with_mapping(), normal(2, 6, 8, 8)
    plain = quantizer(z)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = quantizer(z)
    assert half.quantized.dtype == torch.float32
    assert torch.equal(plain.indices, half.indices)
    assert torch.equal(plain.quantized, half.quantized)


# Usage


def test_usage_is_counted_in_training_mode_only_and_can_be_reset() -> None:
    quantizer, z = quantizer_with_mapping(), normal(2, 6, 5, 5)
    indices = quantizer.eval()(z).indices
    assert int(quantizer.usage.sum()) == 0
    quantizer.train()(z)
    quantizer(z)
    assert torch.equal(quantizer.usage, 2 * torch.bincount(indices.flatten(), minlength=40))
    assert "usage" not in quantizer.state_dict()
    quantizer.reset_usage()
    assert int(quantizer.usage.sum()) == 0


@pytest.mark.parametrize("size", [(0, 4), (1, 4), (4, 0)])
def test_impossible_sizes_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"got {size[0]} and {size[1]}"):
        VectorQuantizer(*size)


def test_features_of_another_dimension_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected features \(B, 6, h, w\), got \(2, 5, 3, 3\)"):
        quantizer_with_mapping()(normal(2, 5, 3, 3))


# Placing codewords


def nearest_gap(points: Tensor, features: Tensor) -> Tensor:
    return torch.cdist(points.double(), features.double()).amin(1)


def test_initialise_puts_every_codeword_on_a_feature_and_forgets_usage() -> None:
    quantizer = quantizer_with_mapping()
    quantizer.usage += 5
    features = normal(500, 6, seed=7) * 3 + 1
    quantizer.initialise(features, generator())
    torch.testing.assert_close(quantizer.mapping.weight, torch.eye(6))
    # The noise that parts duplicates has 1% of the features' deviation in each of 6 dimensions.
    assert float(nearest_gap(quantizer.codewords().detach(), features).max()) < 1e-2 * float(features.std()) * 6
    assert len(quantizer.codewords().unique(dim=0)) == 40
    assert int(quantizer.usage.sum()) == 0


def test_revived_codewords_land_on_features_through_the_mapping_and_the_others_stay() -> None:
    quantizer = quantizer_with_mapping()
    before = quantizer.codewords().detach().clone()
    dead = torch.zeros(40, dtype=torch.bool)
    dead[::3] = True
    quantizer.usage += (~dead).long()
    features = normal(500, 6, seed=7) * 3 + 1
    assert quantizer.revive(features, generator()) == int(dead.sum())
    after = quantizer.codewords().detach()
    assert torch.equal(after[~dead], before[~dead])
    assert float(nearest_gap(after[dead], features).max()) < 1e-2 * float(features.std()) * 6
    # Before, they were nowhere near.
    assert float(nearest_gap(before[dead], features).min()) > 1e-2 * float(features.std()) * 6
    assert int(quantizer.usage.sum()) == 0


def test_without_spread_there_is_no_noise_and_the_landing_is_exact() -> None:
    quantizer = quantizer_with_mapping()
    features = torch.full((20, 6), 0.7)
    quantizer.revive(features, generator())
    torch.testing.assert_close(quantizer.codewords().detach(), features[:1].expand(40, 6), atol=1e-5, rtol=0)


def test_revive_changes_nothing_when_every_codeword_is_used() -> None:
    quantizer = quantizer_with_mapping()
    quantizer.usage += 1
    before = quantizer.basis.clone()
    assert quantizer.revive(normal(10, 6), generator()) == 0
    assert torch.equal(quantizer.basis, before)


def test_placing_repeats_with_the_generator() -> None:
    books = []
    for seed in (0, 0, 1):
        quantizer = quantizer_with_mapping()
        quantizer.initialise(normal(200, 6), generator(seed))
        books.append(quantizer.basis.clone())
    assert torch.equal(books[0], books[1])
    assert not torch.equal(books[0], books[2])


def test_placing_without_features_is_refused() -> None:
    with pytest.raises(ValueError, match="no features"):
        quantizer_with_mapping().initialise(torch.empty(0, 6), generator())


def test_spread_sample_reaches_a_rare_far_cluster() -> None:
    # A plain sample of 32 out of 10,010 would miss the ten far features in 97 of 100 cases.
    features = torch.cat([0.1 * normal(10_000, 4), 50 + 0.1 * normal(10, 4, seed=1)])
    for seed in range(5):
        spots = spread_sample(features, 32, torch.empty(0, 4), generator(seed))
        assert spots.shape == (32, 4)
        assert int((spots.mean(1) > 25).sum()) >= 1


def test_spread_sample_avoids_what_is_covered() -> None:
    near, far = 0.1 * normal(1000, 4), 50 + 0.1 * normal(1000, 4, seed=1)
    spots = spread_sample(torch.cat([near, far]), 16, torch.zeros(1, 4), generator())
    # The first round has only the far cluster to cover; later rounds share what is left.
    assert int((spots[:2].mean(1) > 25).sum()) == 2


@pytest.mark.parametrize("count", [1, 7, 8, 9, 50])
def test_spread_sample_gives_as_many_as_asked_even_of_one_feature(count: int) -> None:
    spots = spread_sample(torch.ones(1, 3), count, torch.empty(0, 3), generator())
    assert spots.shape == (count, 3)
    torch.testing.assert_close(spots, torch.ones(count, 3))


# Statistics


def test_perplexity_is_the_number_of_equally_used_codewords() -> None:
    assert perplexity(torch.tensor([5, 5, 5, 0, 5])) == pytest.approx(4)
    assert perplexity(torch.tensor([0, 9, 0])) == pytest.approx(1)
    share = [0.7, 0.2, 0.1]
    assert perplexity(torch.tensor([7, 2, 1, 0])) == pytest.approx(math.exp(-sum(p * math.log(p) for p in share)))
    with pytest.raises(ValueError, match="at least one"):
        perplexity(torch.zeros(4, dtype=torch.int64))


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=30).filter(any))
def test_perplexity_lies_between_one_and_the_number_of_used_codewords(counts: list[int]) -> None:
    used = sum(count > 0 for count in counts)
    assert 1 - 1e-9 <= perplexity(torch.tensor(counts)) <= used + 1e-9
    assert utilisation(torch.tensor(counts)) == pytest.approx(used / len(counts))


def test_lookup_takes_any_shape() -> None:
    quantizer = quantizer_with_mapping()
    for shape in ((), (3,), (2, 3, 4)):
        indices = torch.zeros(shape, dtype=torch.int64) + 2
        looked = quantizer.lookup(indices)
        assert looked.shape == (*shape, 6)
        assert torch.equal(looked.reshape(-1, 6)[0], F.linear(quantizer.basis, quantizer.mapping.weight)[2])
