"""QPM by shuffling: a share `strength` of the positions of each image is permuted among itself, so that the histogram stays."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from vqseg.quantization.perturbation.effect import shuffle_effect
from vqseg.quantization.perturbation.kind import CodePerturbation
from vqseg.quantization.perturbation.radius import shuffle_radii
from vqseg.quantization.perturbation.transitions import Temperature


def _shuffle(indices: Tensor, codewords: Tensor, uniform: Tensor, strength: float, temperature: Temperature) -> Tensor:
    """Rotate the chosen positions of each image one step along a random order: every chosen position gets another's index."""
    count = len(indices) if indices.dim() > 1 else 1
    flat = indices.reshape(count, -1)
    order = uniform[1].view(count, -1).argsort(dim=1)
    in_order = flat.gather(1, order)
    chosen = uniform[0].view(count, -1).gather(1, order) < strength
    places = torch.arange(flat.shape[1], device=flat.device).expand_as(flat)
    # The chosen place before each place, -1 where there is none: the first of them takes from the last.
    before = F.pad(places.where(chosen, -1).cummax(1).values[:, :-1], (1, 0), value=-1)
    last = places.where(chosen, -1).amax(1, keepdim=True)
    source = torch.where(chosen, before.where(before >= 0, last), places)
    return torch.empty_like(flat).scatter_(1, order, in_order.gather(1, source)).view_as(indices)


# Not coupled: a larger strength only adds positions, but which code a position gets depends on the other positions.
SHUFFLE = CodePerturbation(
    name="shuffle",
    title="QPM, shuffled",
    swap=_shuffle,
    closed_form=shuffle_effect,
    radius=shuffle_radii,
    reaches=False,
    becomes="another token of the slice",
)
