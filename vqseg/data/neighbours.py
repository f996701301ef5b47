"""The slices above and below a slice, as further channels of the network's image (`model.context_slices`).

One slice does not show that it is the last one of a ventricle; its neighbours do. Channels of an input, for n = context_slices and
slices of C channels: the slice itself, then for each distance from 1 to n: the slice before and the slice behind, and two maps that are
1 where that neighbour is missing and the slice itself stands in for it. With n = 0 an input is the slice alone.
Shapes: images (S, C, H, W), rows and missing (S, 2 n), inputs (S, C + 2 (C + 1) n, H, W).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vqseg.types import Scan

# Millimetres between a slice and the neighbour that is looked for: what cardiac short-axis stacks have. Thinner slices are skipped.
_DISTANCE = 8.0
_ALL = slice(None)
# Thinner slices than a quarter of a millimetre are no spacing in millimetres.
_FARTHEST = 32


@dataclass(frozen=True)
class Neighbours:
    """Which slices lie beside a slice: rows (S, 2 n) int64, some row of the volume where there is none, and missing (S, 2 n) bool.

    Columns 2 k and 2 k + 1 hold the slice before and the slice behind in k + 1 steps.
    """

    rows: Tensor
    missing: Tensor

    def __getitem__(self, part: slice | Tensor) -> Neighbours:
        return Neighbours(self.rows[part], self.missing[part])


def missing_channels(context: int, own: int = 1) -> list[int]:
    """The channels of an input that say whether a neighbour is missing.

    Args:
        context: n.
        own: C, channels of a slice.
    """
    ends = [own + 2 * (own + 1) * distance for distance in range(1, context + 1)]
    return [channel for end in ends for channel in (end - 2, end - 1)]


def slice_step(scan: Scan, axis: int) -> int:
    """How many slices further the neighbour of a slice is: 1 for thick slices, more for thin ones.

    Args:
        scan: The scan. A spacing of 1 in all directions is taken as unknown, and so is one that cannot be in millimetres.
        axis: The axis across its slices.

    Returns:
        At least 1.
    """
    if set(scan.spacing) == {1.0}:
        return 1
    step = max(1, round(_DISTANCE / scan.spacing[axis]))
    return step if step <= _FARTHEST else 1


def neighbours(count: int, context: int, step: int = 1) -> Neighbours:
    """The neighbours of all slices of one volume.

    Args:
        count: S, how many slices it has.
        context: n, neighbours on either side.
        step: Slices from one neighbour to the next, from `slice_step`.
    """
    offsets = torch.tensor([sign * step * distance for distance in range(1, context + 1) for sign in (-1, 1)], dtype=torch.int64)
    wanted = torch.arange(count)[:, None] + offsets
    rows = wanted.clamp(0, count - 1)
    return Neighbours(rows, rows != wanted)


def with_neighbours(images: Tensor, beside: Neighbours, part: slice = _ALL) -> Tensor:
    """The inputs of slices of a volume.

    Args:
        images: (S, C, H, W), all of them.
        beside: The neighbours of these slices; rows count within `images`.
        part: The slices wanted.

    Returns:
        (part, C + 2 (C + 1) n, H, W).
    """
    wanted = beside[part]
    return joined(torch.cat([images[part], images[wanted.rows.to(images.device)].flatten(1, 2)], 1), wanted.missing)


def joined(pictures: Tensor, missing: Tensor) -> Tensor:
    """Bring pictures and the maps of what is missing into the order of channels.

    Args:
        pictures: (S, (1 + 2 n) C, H, W): each slice and its neighbours; what lies in the place of a missing one does not matter.
        missing: (S, 2 n) bool.

    Returns:
        (S, C + 2 (C + 1) n, H, W) of the type of `pictures`.
    """
    sides = missing.shape[1]
    if sides == 0:
        return pictures
    slices = pictures.unflatten(1, (1 + sides, -1))
    own, gone = slices[:, :1], missing.to(pictures.device)[:, :, None, None, None]
    around = torch.where(gone, own, slices[:, 1:])
    maps = gone.to(pictures.dtype).expand_as(around[:, :, :1])
    # For each distance the channels of both sides and then their maps, so that a wider context appends channels and moves none.
    pairs = [part.unflatten(1, (-1, 2)).flatten(2, 3) for part in (around, maps)]
    return torch.cat([own.flatten(1, 2), torch.cat(pairs, 2).flatten(1, 2)], 1)


def alone(images: Tensor, context: int) -> Tensor:
    """The inputs of slices that have no neighbours, as those of single pictures.

    Args:
        images: (S, C, H, W).
        context: n.

    Returns:
        (S, C + 2 (C + 1) n, H, W), each slice in the place of its neighbours, and all of these marked as missing.
    """
    missing = torch.ones(len(images), 2 * context, dtype=torch.bool)
    return joined(images.repeat(1, 1 + 2 * context, 1, 1), missing)
