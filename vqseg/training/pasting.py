"""Copy-paste in both directions, as in BCP (Bai et al., CVPR 2023): a baseline beside VQ-Seg.

A rectangle with 2/3 of either side of a labelled image is pasted into an unlabelled one, and the other way round. The pasted picture's
target is the truth in one part and the teacher's labels in the other, which count half.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor

SIDE, OTHERS = 2 / 3, 0.5

Loss = Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor]


def rectangle(size: tuple[int, int], generator: Generator) -> Tensor:
    """A rectangle at a random place, (H, W) bool: true inside.

    Args:
        size: (H, W).
        generator: Of its place.
    """
    sides = [max(1, round(SIDE * length)) for length in size]
    places = [int(torch.randint(length - side + 1, (), generator=generator)) for length, side in zip(size, sides, strict=True)]
    inside = torch.zeros(size, dtype=torch.bool)
    inside[places[0] : places[0] + sides[0], places[1] : places[1] + sides[1]] = True
    return inside


def pasted(inside: Tensor, within: Tensor, around: Tensor) -> Tensor:
    """One batch inside the rectangle, the other around it.

    Args:
        inside: (H, W) bool.
        within: (B, ..., H, W).
        around: The same shape.
    """
    return torch.where(inside, within, around)


def pasted_loss(
    loss: Loss, logits: Tensor, truth: Tensor, made: Tensor, is_true: Tensor, sure: Tensor, labelled: Tensor | None = None
) -> Tensor:
    """The loss of a pasted picture: the part with the truth, and half of the part with the teacher's labels.

    Args:
        loss: (logits, target, mask, labelled) -> ().
        logits: (B, C, H, W) of the pasted picture.
        truth: (B, H, W) int64, the labelled images' labels.
        made: (B, H, W) int64, the teacher's.
        is_true: (H, W) bool, where the labelled image shows.
        sure: (B, H, W), where the teacher's labels count: bool, or weights in [0, 1].
        labelled: (B, C) bool, the classes that the truth of each image shows; None where it leaves nothing open.

    Returns:
        ().
    """
    shown = is_true.expand_as(sure)
    return loss(logits, truth, shown, labelled) + OTHERS * loss(logits, made, ~shown * sure, None)
