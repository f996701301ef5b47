"""The slices above and below a slice, as further channels of the network's image (`model.context_slices`).

One slice does not show that it is the last one of a ventricle; its neighbours do. Channels of an input, for n = context_slices:
the slice itself, then for each distance from 1 to n four more: the slice before and the slice behind, and two maps that are 1 where
that neighbour is missing and the edge of the volume stands in for it. With n = 0 an input is the slice alone.
Shapes: images (S, 1, H, W), rows and missing (S, 2 n), inputs (S, 1 + 4 n, H, W).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vqseg.types import Scan

# Millimetres between a slice and the neighbour that is looked for: what cardiac short-axis stacks have. Thinner slices are skipped.
_DISTANCE = 8.0
# An axis whose spacing exceeds the others by less has no thickness of its own: `through_plane_axis` could not tell it either.
_THICKER = 1.01


@dataclass(frozen=True)
class Neighbours:
    """Which slices lie beside a slice: rows (S, 2 n) int64, the edge's own row repeated beyond it, and missing (S, 2 n) bool.

    Columns 2 k and 2 k + 1 hold the slice before and the slice behind in k + 1 steps.
    """

    rows: Tensor
    missing: Tensor

    def __getitem__(self, part: slice | Tensor) -> Neighbours:
        return Neighbours(self.rows[part], self.missing[part])


def channels(context: int) -> int:
    """How many channels an input with `context` neighbours on either side has."""
    return 1 + 4 * context


def missing_channels(context: int) -> list[int]:
    """The channels of an input that say whether a neighbour is missing."""
    return [channel for distance in range(context) for channel in (4 * distance + 3, 4 * distance + 4)]


def slice_step(scan: Scan, axis: int) -> int:
    """How many slices further the neighbour of a slice is: 1 for thick slices, more for thin ones.

    Args:
        scan: The scan. Where its spacing across the slices is not the largest by 1 %, the spacing is taken as unknown.
        axis: The axis across its slices.

    Returns:
        At least 1.
    """
    gap, within = scan.spacing[axis], [length for other, length in enumerate(scan.spacing) if other != axis]
    return max(1, round(_DISTANCE / gap)) if gap > _THICKER * max(within) else 1


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


def with_neighbours(images: Tensor, beside: Neighbours) -> Tensor:
    """The inputs of all slices of a volume.

    Args:
        images: (S, 1, H, W).
        beside: The neighbours of these slices; rows count within `images`.

    Returns:
        (S, 1 + 4 n, H, W); `images` itself for n = 0.
    """
    if beside.rows.shape[1] == 0:
        return images
    return joined(torch.cat([images, images[beside.rows.to(images.device), 0]], 1), beside.missing)


def joined(pictures: Tensor, missing: Tensor) -> Tensor:
    """Bring pictures and the maps of what is missing into the order of channels.

    Args:
        pictures: (S, 1 + 2 n, H, W): each slice and its neighbours.
        missing: (S, 2 n) bool.

    Returns:
        (S, 1 + 4 n, H, W) of the type of `pictures`.
    """
    own, around = pictures[:, :1], pictures[:, 1:]
    if around.shape[1] == 0:
        return own
    maps = missing.to(pictures.device, pictures.dtype)[:, :, None, None].expand_as(around)
    # (S, n, 2, ...) of both kinds, so that a wider context appends channels and moves none.
    pairs = [part.unflatten(1, (-1, 2)) for part in (around, maps)]
    return torch.cat([own, torch.cat(pairs, 2).flatten(1, 2)], 1)


def alone(images: Tensor, context: int) -> Tensor:
    """The inputs of slices that have no neighbours, as those of single pictures.

    Args:
        images: (S, 1, H, W).
        context: n.

    Returns:
        (S, 1 + 4 n, H, W), each slice in the place of its neighbours, and all of these marked as missing.
    """
    missing = torch.ones(len(images), 2 * context, dtype=torch.bool)
    return joined(images.expand(-1, 1 + 2 * context, -1, -1), missing)
