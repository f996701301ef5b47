"""The composition: sizes, what the decoders can see, and the paths of the gradients."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.tiny import tiny_model
from vqseg.config import ConfigError, ModelConfig
from vqseg.models.vqseg import VQSeg


def images_of(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# Sizes


@settings(max_examples=25, deadline=None)
@given(height=st.integers(1, 70), width=st.integers(1, 70), stride=st.sampled_from([4, 8]), strength=st.sampled_from([0.0, 0.7]))
def test_any_height_and_width_come_back(height: int, width: int, stride: int, strength: float) -> None:
    model = tiny_model(token_stride=stride)
    with torch.no_grad():
        out = model(images_of(2, 1, height, width), strength=strength)
    assert out.logits.shape == (2, 4, height, width)
    assert out.reconstruction.shape == (2, 1, height, width)
    # Tokens of the image padded to a multiple of 16.
    grid = (-(-height // 16) * 16 // stride, -(-width // 16) * 16 // stride)
    assert out.indices.shape == out.replaced.shape == (2, *grid)
    assert out.quantized.shape == (2, 16, *grid)
    assert bool(out.logits.isfinite().all())


def test_padding_repeats_the_edge() -> None:
    model, image = tiny_model(), images_of(1, 1, 17, 23)
    padded = torch.cat([image, image[:, :, -1:].expand(-1, -1, 15, -1)], 2)
    padded = torch.cat([padded, padded[..., -1:].expand(-1, -1, -1, 9)], 3)
    assert padded.shape[-2:] == (32, 32)
    with torch.no_grad():
        torch.testing.assert_close(model(image).logits, model(padded).logits[..., :17, :23])


def test_more_channels_and_classes_are_possible() -> None:
    model = tiny_model(in_channels=3, classes=("background", "nodule"))
    with torch.no_grad():
        out = model(images_of(1, 3, 32, 32))
    assert out.logits.shape == (1, 2, 32, 32)
    assert out.reconstruction.shape == (1, 3, 32, 32)


def test_the_default_has_about_two_million_parameters() -> None:
    count = sum(parameter.numel() for parameter in VQSeg(ModelConfig()).parameters())
    assert 1.5e6 < count < 2.5e6


@pytest.mark.parametrize("width", [8, 24])
def test_a_decoder_width_that_no_network_can_have_is_refused_by_the_configuration(width: int) -> None:
    with pytest.raises(ConfigError, match=f"multiple of 16, got {width}"):
        ModelConfig(decoder_width=width)


# What the decoders see


@pytest.mark.parametrize("stride", [4, 8])
def test_outputs_are_those_of_the_indices_alone(stride: int) -> None:
    model, image = tiny_model(token_stride=stride), images_of(2, 1, 40, 56)
    with torch.no_grad():
        out = model(image)
        looked = model.quantizer.lookup(out.indices).permute(0, 3, 1, 2)
        logits, reconstruction = model.decode(looked, (40, 56))
    torch.testing.assert_close(out.logits, logits, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(out.reconstruction, reconstruction, atol=1e-5, rtol=1e-4)


def test_images_of_the_same_indices_give_the_same_outputs() -> None:
    model, image = tiny_model(), images_of(1, 1, 48, 48)
    with torch.no_grad():
        first = model(image)
        other = image + 1e-4 * images_of(1, 1, 48, 48, seed=1)
        second = model(other)
        assert torch.equal(first.indices, second.indices)
        assert not torch.equal(model.encode(image), model.encode(other))
    torch.testing.assert_close(first.logits, second.logits, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(first.reconstruction, second.reconstruction, atol=1e-5, rtol=1e-4)


def test_the_images_gradient_flows_through_z_only() -> None:
    model, image = tiny_model(), images_of(1, 1, 32, 32).requires_grad_()
    out = model(image)
    direction = images_of(1, 4, 32, 32, seed=2)
    (whole,) = torch.autograd.grad((out.logits * direction).sum(), image, retain_graph=True)
    (at_codes,) = torch.autograd.grad((out.logits * direction).sum(), out.quantized)
    # Straight through: the decoder's gradient at the codewords, sent into the encoder as it is.
    z = model.encode(image)
    (through_z,) = torch.autograd.grad((z * at_codes).sum(), image)
    assert float(whole.abs().max()) > 0
    torch.testing.assert_close(whole, through_z)


def test_a_local_change_of_one_image_leaves_the_others_alone() -> None:
    # GroupNorm, not BatchNorm: no image of a batch looks at another.
    model, batch = tiny_model().train(), images_of(3, 1, 32, 32)
    with torch.no_grad():
        alone = model(batch[1:2])
        together = model(batch)
    assert torch.equal(alone.indices[0], together.indices[1])
    torch.testing.assert_close(alone.logits[0], together.logits[1], atol=1e-5, rtol=1e-4)


# Perturbation


def test_replaced_marks_exactly_the_tokens_with_another_codeword() -> None:
    model, image = tiny_model(), images_of(2, 1, 48, 48)
    with torch.no_grad():
        clean, out = model(image), model(image, strength=0.6, generator=generator())
        swapped = model.perturbation(clean.indices, model.quantizer.codewords(), 0.6, generator())
    assert torch.equal(out.indices, clean.indices)
    assert torch.equal(out.replaced, swapped != clean.indices)
    assert 0.4 < float(out.replaced.float().mean()) < 0.8
    torch.testing.assert_close(out.quantized, model.quantizer.lookup(swapped).permute(0, 3, 1, 2), atol=1e-5, rtol=1e-5)


def test_strength_zero_is_the_clean_network() -> None:
    model, image = tiny_model(), images_of(1, 1, 32, 32)
    with torch.no_grad():
        assert torch.equal(model(image).logits, model(image, strength=0.0, generator=generator()).logits)
    assert not bool(model(image).replaced.any())


@pytest.mark.parametrize("quantize", [True, False])
@pytest.mark.parametrize("continuous", [True, False])
def test_segmenting_alone_gives_the_logits_of_the_whole_network(quantize: bool, continuous: bool) -> None:
    model, images = tiny_model(continuous=continuous), images_of(2, 1, 50, 70)
    with torch.no_grad():
        assert torch.equal(model.segment(images, quantize=quantize), model(images, quantize=quantize).logits)


def test_segmenting_alone_leaves_the_image_decoder_out() -> None:
    model = tiny_model()
    model.image_decoder.register_forward_hook(lambda *_: pytest.fail("the image decoder ran"))
    with torch.no_grad():
        assert model.segment(images_of(1, 1, 32, 32)).shape == (1, 4, 32, 32)


def test_perturbation_keeps_the_straight_through_gradient() -> None:
    model, z = tiny_model(), torch.randn(1, 16, 6, 6, generator=generator()).requires_grad_()
    codes = model.quantizer(z)
    perturbed, replaced = model.perturb(codes.quantized, codes.indices, 1.0, generator())
    assert bool(replaced.all())
    direction = torch.randn(z.shape, generator=generator(1))
    (gradient,) = torch.autograd.grad((perturbed * direction).sum(), z)
    torch.testing.assert_close(gradient, direction)
    assert not torch.equal(perturbed, codes.quantized)


def test_a_replaced_token_is_a_codeword_in_mixed_precision_too() -> None:
    model, z = tiny_model(), torch.randn(1, 16, 6, 6, generator=generator())
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        codes = model.quantizer(z)
        perturbed, _ = model.perturb(codes.quantized, codes.indices, 1.0, generator())
    with torch.no_grad():
        gaps = torch.cdist(perturbed.permute(0, 2, 3, 1).reshape(-1, 16), model.quantizer.codewords()).amin(1)
    assert float(gaps.max()) < 1e-3


# Without the codebook


def test_features_can_by_pass_the_codebook() -> None:
    model, image = tiny_model().train(), images_of(1, 1, 32, 32).requires_grad_()
    out = model(image, quantize=False)
    assert torch.equal(out.quantized, model.encode(image))
    assert float(out.quantizer_loss) == 0.0
    assert bool((out.indices == -1).all())
    assert not bool(out.replaced.any())
    assert int(model.quantizer.usage.sum()) == 0
    out.logits.sum().backward()
    assert float(image.grad.abs().max()) > 0


def test_tokens_have_zero_mean_and_unit_variance() -> None:
    with torch.no_grad():
        z = tiny_model().encode(5 * images_of(1, 1, 32, 32))
    torch.testing.assert_close(z.mean(1), torch.zeros(1, 8, 8), atol=1e-5, rtol=0)
    torch.testing.assert_close(z.var(1, unbiased=False), torch.ones(1, 8, 8), atol=1e-3, rtol=0)


# Repeatability


def test_evaluation_repeats_exactly() -> None:
    model, image = tiny_model(), images_of(2, 1, 48, 40)
    with torch.no_grad():
        first, second = (model(image, strength=0.5, generator=generator(3)) for _ in range(2))
    assert torch.equal(first.logits, second.logits)
    assert torch.equal(first.reconstruction, second.reconstruction)


def test_channels_last_equals_contiguous() -> None:
    model, image = tiny_model(), images_of(2, 1, 48, 48)
    with torch.no_grad():
        plain = model(image)
        last = model.to(memory_format=torch.channels_last)(image.contiguous(memory_format=torch.channels_last))
    agree = plain.indices == last.indices
    # Sums in another order may decide a tie between two codewords otherwise.
    assert float(agree.float().mean()) > 0.99
    if bool(agree.all()):
        torch.testing.assert_close(plain.logits, last.logits, atol=1e-4, rtol=1e-3)
