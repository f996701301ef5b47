"""QPM by resampling (Eq. 4): a code i moves to j != i with probability strength * pi(j|i, j != i)."""

from __future__ import annotations

import torch
from torch import Tensor

from vqseg.quantization.perturbation.coarse import RowDraws, cumulative_weights
from vqseg.quantization.perturbation.effect import perturbation_effect
from vqseg.quantization.perturbation.kind import CodePerturbation
from vqseg.quantization.perturbation.outwards import Neighbourhood
from vqseg.quantization.perturbation.radius import perturbation_radii
from vqseg.quantization.perturbation.search import cut
from vqseg.quantization.perturbation.transitions import CodewordDistances, Temperature, squared_distances, temperature_of

# Elements of one block of rows x K distances (64 MB in float32).
_BLOCK = 1 << 24
# The same on a CPU, where memory is slow (16 MB), and the rows that a block has in any case: products of fewer take longer.
_BLOCK_ON_CPU, _FEWEST_ROWS = 1 << 22, 128


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
    step = min(len(codes), max(_FEWEST_ROWS, _BLOCK_ON_CPU // len(codewords)))
    draws = RowDraws(CodewordDistances(codewords.float()), temperature_of(codewords, temperature), step)
    first_row, first_token = 0, 0
    for rows in codes.split(step):
        tokens = int(counts[first_row : first_row + len(rows)].sum())
        part = slice(first_token, first_token + tokens)
        # Both tokens and rows are sorted by code here.
        flat[moving[part]] = draws.draw(rows, owner[part] - first_row, uniform[1, moving[part]])
        first_row, first_token = first_row + len(rows), first_token + tokens
    return flat.view_as(indices)


def _with_own_rows(indices: Tensor, codewords: Tensor, uniform: Tensor, strength: float, temperature: Temperature) -> Tensor:
    """The same with one row of pi for every token, replaced or not: more arithmetic, but no shape depends on what is drawn."""
    flat, codewords = indices.flatten(), codewords.float()
    scale, drawn = temperature_of(codewords, temperature), []
    rows = max(1, _BLOCK // len(codewords))
    for codes, place in zip(flat.split(rows), uniform[1].split(rows), strict=True):
        cumulative = cumulative_weights(squared_distances(codes, codewords), codes, scale)
        drawn.append(torch.searchsorted(cumulative, cut(place, cumulative[:, -1])[:, None], right=True).squeeze(1))
    return torch.where(uniform[0] < strength, torch.cat(drawn), flat).view_as(indices)


RESAMPLE = CodePerturbation(
    name="resample",
    title="QPM",
    swap=_resample,
    coupled=True,
    closed_form=perturbation_effect,
    radius=perturbation_radii,
    outwards=Neighbourhood.draw,
)
