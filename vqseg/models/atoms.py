"""Atoms: what a codeword decodes to on its own, one small picture a code. Knows nothing of scans or of how often a code is used."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from vqseg.models.vqseg import VQSeg
from vqseg.types import Array

ATOM_SIDE = 20
# In tokens: a code on a single cell is hardly seen, one that fills the map loses its edges and turns.
_PATCH, _SHOWN = 3, 5
# Wide enough that the decoder's own border, five tokens deep, lies outside of what is shown.
_MAP = 15
_CODES_AT_ONCE = 128


@torch.inference_mode()
def decode_atoms(model: VQSeg, codes: Sequence[int]) -> Array:
    """codes (n,) -> (n, ATOM_SIDE, ATOM_SIDE) uint8: the reconstruction decoder's answer to a patch of 3 x 3 tokens of each code.

    Around the patch lies the mean codeword; five tokens are shown, the patch in their middle. Raises ValueError for a code that is none.
    """
    wrong = [code for code in codes if not 0 <= code < model.config.codebook_size]
    if wrong:
        raise ValueError(f"code {wrong[0]} is outside the codebook; expected 0 to {model.config.codebook_size - 1}")
    codewords = model.quantizer.codewords().float()
    chosen = torch.tensor(codes, dtype=torch.int64, device=codewords.device)
    pictures = [_atoms(model, codewords[part], codewords.mean(0)) for part in chosen.split(_CODES_AT_ONCE)]
    return torch.cat(pictures).cpu().numpy()


def _atoms(model: VQSeg, codewords: Tensor, ground: Tensor) -> Tensor:
    """codewords (n, D) in a map of `ground` (D,), decoded -> (n, ATOM_SIDE, ATOM_SIDE) uint8."""
    grid = ground[None, :, None, None].repeat(len(codewords), 1, _MAP, _MAP)
    low, high = (_MAP - _PATCH) // 2, (_MAP + _PATCH) // 2
    grid[:, :, low:high, low:high] = codewords[:, :, None, None]
    # All levels of the encoder lie below each other; here they agree.
    pictures = model.image_decoder(grid.repeat(1, 1, model.levels, 1))[:, :1]
    low, high = ((_MAP + sign * _SHOWN) // 2 * model.pixels_per_token for sign in (-1, 1))
    shown = pictures[:, :, low:high, low:high].clamp(0, 1)
    return (F.interpolate(shown, (ATOM_SIDE, ATOM_SIDE), mode="area")[:, 0] * 255).round().to(torch.uint8)
