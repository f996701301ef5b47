"""Perturbation in the continuous space, the paper's future work (Sec. 5): every token moves a part of the way to another codeword.

q' = q + strength * (c_j - c_i), j ~ pi(. | i, j != i) as for the QPM's swaps. The QPM moves some tokens all the way; this one moves all
tokens some of it, off the codebook. At strength 1 both are the same.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Generator, Tensor

from vqseg.quantization.perturbation.effect import shift_effect
from vqseg.quantization.perturbation.kind import FeaturePerturbation, PostVQ
from vqseg.quantization.perturbation.resample import RESAMPLE
from vqseg.types import Share


def _shift(tokens: PostVQ, strength: float, generator: Generator | None, share: Share) -> Tensor:
    codewords, temperature = tokens.codewords, tokens.temperature
    if codewords is None or temperature is None:
        raise ValueError("a shift is one along a difference of codewords, and there is no codebook")
    # Drawn as for swaps of all tokens: under one seed the goals are those of the QPM at any strength.
    goals = RESAMPLE.swapped(tokens.indices, codewords, 1.0, temperature, generator, share)
    way = F.embedding(goals, codewords) - F.embedding(tokens.indices, codewords)
    # The straight-through gradient to the encoder feature stays, as for a swap.
    return tokens.features + strength * way.permute(0, 3, 1, 2)


SHIFT = FeaturePerturbation(
    name="shift",
    title="continuous shift",
    change=_shift,
    closed_form=shift_effect,
    coupled=True,
    needs_codes=True,
    reaches=True,
    # The published table of strengths was measured without it.
    tabled=False,
    # The app has no words and no colours for it.
    compared=False,
)
