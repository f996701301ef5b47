"""Atoms: what a codeword decodes to on its own, one small picture per code. Knows nothing of scans or of how often a code is used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from vqseg.models.vqseg import VQSeg
from vqseg.types import Array

ATOM_SIDE = 20
# In tokens. A code on a single cell is hardly visible; one that fills the map shows no edges.
_PATCH, _SHOWN = 3, 5
# Wide enough that the decoder's own border, five tokens deep, lies outside of what is shown.
_MAP = 15
_CODES_AT_ONCE = 128


@torch.inference_mode()
def decode_atoms(model: VQSeg, codes: Sequence[int]) -> Array:
    """Decode a patch of 3 x 3 tokens of each code with the reconstruction decoder.

    The mean codeword surrounds the patch. The picture shows five tokens a side, the patch in the middle.

    Args:
        model: A network with a codebook.
        codes: n codes in [0, K).

    Returns:
        (n, ATOM_SIDE, ATOM_SIDE) uint8.

    Raises:
        ValueError: A code lies outside the codebook.
    """
    return torch.cat([_picture(model, features) for features in _maps(model, codes)]).cpu().numpy()


@torch.inference_mode()
def atom_labels(model: VQSeg, codes: Sequence[int]) -> Array:
    """The class of each code's atom: the one of highest mean probability over the middle token of the patch.

    Args:
        model: A network with a codebook.
        codes: n codes in [0, K).

    Returns:
        (n,) uint8.

    Raises:
        ValueError: A code lies outside the codebook.
    """
    low, high = (place * model.pixels_per_token for place in (_MAP // 2, _MAP // 2 + 1))
    labels = []
    for features in _maps(model, codes):
        middle = model.segmentation_decoder(features)[:, :, low:high, low:high]
        labels.append(middle.softmax(1).mean((2, 3)).argmax(1).to(torch.uint8))
    return torch.cat(labels).cpu().numpy()


def _maps(model: VQSeg, codes: Sequence[int]) -> Iterator[Tensor]:
    """Post-VQ features of a patch of each code in the mean codeword, some codes at a time: (n, D, levels * _MAP, _MAP)."""
    wrong = [code for code in codes if not 0 <= code < model.config.codebook_size]
    if wrong:
        raise ValueError(f"code {wrong[0]} is outside the codebook; expected 0 to {model.config.codebook_size - 1}")
    codewords = model.quantizer.codewords().float()
    chosen = torch.tensor(codes, dtype=torch.int64, device=codewords.device)
    low, high = (_MAP - _PATCH) // 2, (_MAP + _PATCH) // 2
    for part in chosen.split(_CODES_AT_ONCE):
        grid = codewords.mean(0)[None, :, None, None].repeat(len(part), 1, _MAP, _MAP)
        grid[:, :, low:high, low:high] = codewords[part][:, :, None, None]
        # All levels of the encoder lie below each other; here they agree.
        yield grid.repeat(1, 1, model.levels, 1)


def _picture(model: VQSeg, features: Tensor) -> Tensor:
    """Features of `_maps` decoded -> (n, ATOM_SIDE, ATOM_SIDE) uint8."""
    low, high = ((_MAP + sign * _SHOWN) // 2 * model.pixels_per_token for sign in (-1, 1))
    # Of several channels the mean: an atom is a small grey picture.
    shown = model.image_decoder(features)[:, :, low:high, low:high].mean(1, keepdim=True).clamp(0, 1)
    return (F.interpolate(shown, (ATOM_SIDE, ATOM_SIDE), mode="area")[:, 0] * 255).round().to(torch.uint8)
