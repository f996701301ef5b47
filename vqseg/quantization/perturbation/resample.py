"""QPM by resampling (Eq. 4): a code i moves to j != i with probability strength * pi(j|i, j != i)."""

from __future__ import annotations

import torch
from torch import Tensor

from vqseg.quantization.perturbation.coarse import block_sums, cumulative_weights, draw
from vqseg.quantization.perturbation.effect import perturbation_effect
from vqseg.quantization.perturbation.kind import CodePerturbation
from vqseg.quantization.perturbation.outwards import Neighbourhood
from vqseg.quantization.perturbation.radius import perturbation_radii
from vqseg.quantization.perturbation.search import cut
from vqseg.quantization.perturbation.transitions import CodewordDistances, Temperature, squared_distances, temperature_of

# Elements of one block of rows x K distances (64 MB in float32), and of the strip of it that stays in a CPU's cache (1 MB).
_BLOCK, _STRIP = 1 << 24, 1 << 18
# Weights below e^-80 of the largest are lost in the sum anyway, and denormal results make exp ten times slower.
_LOST = -80.0


def _resample(indices: Tensor, codewords: Tensor, uniform: Tensor, strength: float, temperature: Temperature) -> Tensor:
    # Sharing rows saves work, but only the device knows how many there are: the host would have to wait for an accelerator.
    way = _with_shared_rows if indices.device.type == "cpu" else _with_own_rows
    return way(indices, codewords, uniform, strength, temperature)


def _with_shared_rows(indices: Tensor, codewords: Tensor, uniform: Tensor, strength: float, temperature: Temperature) -> Tensor:
    flat = indices.flatten().clone()
    moving = (uniform[0] < strength).nonzero().squeeze(1)
    if len(moving) == 0:
        return indices.clone()
    # Tokens with the same code share one row of pi: sort them by code and look only at the codes that occur.
    codes, owner = flat[moving].unique(return_inverse=True)
    order = owner.argsort(stable=True)
    moving, owner = moving[order], owner[order]
    counts = torch.bincount(owner, minlength=len(codes))
    distances = CodewordDistances(codewords.float())
    scale, first_row, first_token = temperature_of(codewords, temperature), 0, 0
    for rows in codes.split(max(1, _BLOCK // len(codewords))):
        tokens = int(counts[first_row : first_row + len(rows)].sum())
        part = slice(first_token, first_token + tokens)
        exponents, sums = _strips(distances, rows, scale)
        # Both tokens and rows are sorted by code here.
        flat[moving[part]] = draw(exponents, sums, rows, owner[part] - first_row, uniform[1, moving[part]])
        first_row, first_token = first_row + len(rows), first_token + tokens
    return flat.view_as(indices)


def _with_own_rows(indices: Tensor, codewords: Tensor, uniform: Tensor, strength: float, temperature: Temperature) -> Tensor:
    """The same with one row of pi for every token, replaced or not: more arithmetic, but no shape depends on what is drawn."""
    flat, codewords = indices.flatten(), codewords.float()
    scale, drawn = temperature_of(codewords, temperature), []
    rows = max(1, _BLOCK // len(codewords))
    for codes, place in zip(flat.split(rows), uniform[1].split(rows), strict=True):
        cumulative = _cumulative_weights(codes, codewords, scale)
        drawn.append(torch.searchsorted(cumulative, cut(place, cumulative[:, -1])[:, None], right=True).squeeze(1))
    return torch.where(uniform[0] < strength, torch.cat(drawn), flat).view_as(indices)


def _strips(distances: CodewordDistances, rows: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """Exponents (R, K) of some codewords, and their block sums: all that is done to a strip of rows is done while it is in the cache."""
    exponents, sums = distances.products(rows), []
    step = max(1, _STRIP // exponents.shape[1])
    for own, strip in zip(rows.split(step), exponents.split(step), strict=True):
        sums.append(block_sums(_exponents(distances.finish_(strip, own), scale)))
    return exponents, torch.cat(sums)


def _exponents(distances: Tensor, scale: Tensor) -> Tensor:
    """log pi up to a constant a row, in the memory of the distances (R, K)."""
    return distances.sub_(distances.amin(1, keepdim=True)).div_(-scale).clamp_(min=_LOST)


def _cumulative_weights(codes: Tensor, codewords: Tensor, scale: Tensor) -> Tensor:
    """Running sums of exp(-d / scale) from codewords[codes] (R,) to all (K, D), up to a factor a row and without j = i: (R, K)."""
    return cumulative_weights(_exponents(squared_distances(codes, codewords), scale), codes)


RESAMPLE = CodePerturbation(
    name="resample",
    title="QPM",
    swap=_resample,
    coupled=True,
    closed_form=perturbation_effect,
    radius=perturbation_radii,
    outwards=Neighbourhood.draw,
)
