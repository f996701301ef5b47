"""Atoms against the decoder run by hand, and one size of them for every size of token."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.tiny import tiny_model
from vqseg.config import BackboneConfig, ModelConfig
from vqseg.models.atoms import ATOM_SIDE, atom_labels, decode_atoms
from vqseg.models.vqseg import VQSeg


def test_an_atom_is_a_patch_of_its_code_in_the_mean_codeword_as_the_decoder_shows_it() -> None:
    model = tiny_model()
    codewords = model.quantizer.codewords().detach()
    grid = codewords.mean(0)[None, :, None, None].repeat(1, 1, 15, 15)
    grid[:, :, 6:9, 6:9] = codewords[40][None, :, None, None]
    with torch.no_grad():
        expected = model.image_decoder(grid)[0, 0, 20:40, 20:40].clamp(0, 1).numpy()
    atoms = decode_atoms(model, [9, 40, 9])
    assert atoms.dtype == np.uint8
    np.testing.assert_allclose(atoms[1] / 255, expected, atol=1 / 255)
    np.testing.assert_array_equal(atoms[0], atoms[2])
    assert (atoms[0] != atoms[1]).any()


def test_an_atoms_label_is_the_most_probable_class_of_its_middle_token() -> None:
    model = tiny_model()
    codewords = model.quantizer.codewords().detach()
    found = atom_labels(model, range(64))
    for code in (3, 40):
        grid = codewords.mean(0)[None, :, None, None].repeat(1, 1, 15, 15)
        grid[:, :, 6:9, 6:9] = codewords[code][None, :, None, None]
        with torch.no_grad():
            probabilities = model.segmentation_decoder(grid)[0].softmax(0)[:, 28:32, 28:32].mean((1, 2))
        assert found[code] == int(probabilities.argmax())
    assert found.dtype == np.uint8 and len(set(found.tolist())) > 1


@pytest.mark.parametrize("code", [-1, 64])
def test_a_code_outside_the_codebook_has_no_atom(code: int) -> None:
    with pytest.raises(ValueError, match=f"code {code} is outside the codebook; expected 0 to 63"):
        decode_atoms(tiny_model(), [0, code])


def test_many_codes_are_decoded_as_few_are() -> None:
    model = tiny_model(codebook_size=200)
    np.testing.assert_allclose(decode_atoms(model, range(200))[150].astype(int), decode_atoms(model, [150])[0], atol=1)


def test_a_network_with_larger_tokens_and_several_levels_has_atoms_of_the_same_size() -> None:
    pytest.importorskip("transformers", reason="the ViT encoder needs transformers")
    backbone = BackboneConfig(hidden_size=16, layers=4, heads=2, patch=14, image_size=56, taps=(1, 2, 3, 4))
    model = VQSeg(ModelConfig(encoder="vit", backbone=backbone, codebook_size=64, codebook_dim=8, decoder_width=16)).eval()
    assert decode_atoms(model, [3, 60]).shape == (2, ATOM_SIDE, ATOM_SIDE)
