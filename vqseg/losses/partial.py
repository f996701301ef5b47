"""Labels that leave something open: pixels without a label, and structures that were not labelled.

A pixel's label then stands for a set of classes. A pixel without a label may be any class, and one that an image calls background may be
the background or any structure that was not labelled in that image. The cross-entropy is that of the set's whole probability, as in the
marginal loss of Shi et al. (Medical Image Analysis 2021) and the target adaptive loss of Fang and Yan (IEEE TMI 2020): nothing pushes the
structures of the set down against each other. The soft Dice loss of a structure counts the pixels that surely are it or surely are not.

Shapes: possible (B, C, H, W) bool, the classes that each pixel may be.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from vqseg.types import UNSURE


def possible_classes(target: Tensor, labelled: Tensor) -> Tensor:
    """The classes that each pixel may be.

    Args:
        target: (B, H, W) int64, UNSURE where a pixel has no label.
        labelled: (B, C) bool, the classes that the labels of each image show.

    Returns:
        (B, C, H, W) bool; a single class where nothing is open.
    """
    classes = labelled.shape[1]
    named = F.one_hot(target.clamp(max=classes - 1), classes).movedim(-1, 1).bool()
    hidden = (target == 0)[:, None] & ~labelled[:, :, None, None]
    return named | hidden | (target == UNSURE)[:, None]


def surely(possible: Tensor) -> tuple[Tensor, Tensor]:
    """What is known of every class: possible (B, C, H, W) -> where a pixel is that class, and where it is known whether, both as bool."""
    decided = possible.sum(1, keepdim=True) == 1
    return possible & decided, ~possible | decided


def marginal_cross_entropy(
    logits: Tensor, possible: Tensor, mask: Tensor | None = None, total: Callable[[Tensor], Tensor] | None = None
) -> Tensor:
    """-log of the probability of a pixel's classes together: the mean over the pixels that have a label.

    Args:
        logits: (B, C, H, W).
        possible: From `possible_classes`.
        mask: (B, H, W), the pixels that count; the others count as zero, as in `cross_entropy`. None for all.
        total: As for `soft_dice_loss`.

    Returns:
        ().
    """
    told = ~possible.all(1)
    losses = -F.log_softmax(logits.float(), 1).masked_fill(~possible, -torch.inf).logsumexp(1)
    count = told.sum().float()
    counts = torch.stack([count, torch.full_like(count, told.numel())])
    pixels, everything = counts if total is None else total(counts)
    counted = told if mask is None else told & mask.bool()
    mean: Tensor = (losses * counted).mean() * everything / pixels.clamp_min(1)
    return mean
