"""Segmentation losses. Shapes: logits (B, C, H, W), target (B, H, W) int64, mask (B, H, W) bool or float in [0, 1]."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from vqseg.losses.partial import marginal_cross_entropy, possible_classes, surely

# The background outnumbers every structure; soft Dice leaves it to the cross-entropy.
_FIRST_STRUCTURE = 1


def cross_entropy(logits: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean cross-entropy over all pixels. Pixels outside the mask count as zero, so a few confident pixels weigh little.

    Args:
        logits: (B, C, H, W).
        target: (B, H, W) int64.
        mask: (B, H, W), the pixels that count; None for all.

    Returns:
        ().
    """
    losses = F.cross_entropy(logits.float(), target, reduction="none")
    return losses.mean() if mask is None else (losses * mask).mean()


def soft_dice_loss(
    logits: Tensor,
    target: Tensor,
    mask: Tensor | None = None,
    total: Callable[[Tensor], Tensor] | None = None,
    possible: Tensor | None = None,
) -> Tensor:
    """1 - soft Dice, the mean over the structures. The batch is pooled, so that a structure absent from one crop does no harm.

    Args:
        logits: (B, C, H, W).
        target: (B, H, W) int64.
        mask: (B, H, W), the pixels that count; None for all.
        total: All-reduce to the sum with gradient, so that the batch of all ranks is pooled; None for one process.
        possible: (B, C, H, W) bool, from `possible_classes`, in place of the target; None where every pixel has one class.

    Returns:
        ().
    """
    probabilities = logits.float().softmax(1)[:, _FIRST_STRUCTURE:]
    if possible is None:
        truth = F.one_hot(target, logits.shape[1]).movedim(-1, 1)[:, _FIRST_STRUCTURE:].float()
    else:
        there, known = (which[:, _FIRST_STRUCTURE:].float() for which in surely(possible))
        probabilities, truth = probabilities * known, there
    if mask is not None:
        probabilities, truth = probabilities * mask[:, None], truth * mask[:, None]
    axes = (0, 2, 3)
    sums = torch.stack([(probabilities * truth).sum(axes), probabilities.square().sum(axes) + truth.square().sum(axes)])
    overlap, size = sums if total is None else total(sums)
    loss: Tensor = (1 - (2 * overlap + 1) / (size + 1)).mean()
    return loss


def segmentation_loss(
    logits: Tensor,
    target: Tensor,
    *,
    dice: float,
    mask: Tensor | None = None,
    total: Callable[[Tensor], Tensor] | None = None,
    labelled: Tensor | None = None,
) -> Tensor:
    """L_seg: cross-entropy (Eq. 8 and 9), plus the soft Dice loss if it has a weight. The paper has cross-entropy alone.

    Args:
        logits: (B, C, H, W).
        target: (B, H, W) int64.
        dice: Weight of the soft Dice loss; 0 leaves it out.
        mask: (B, H, W), the pixels that count; None for all.
        total: As for `soft_dice_loss`.
        labelled: (B, C) bool, the classes that the labels of each image show: the target may leave something open
            (`vqseg.losses.partial`). None where every pixel has one class.

    Returns:
        ().
    """
    possible = None if labelled is None else possible_classes(target, labelled)
    loss = cross_entropy(logits, target, mask) if possible is None else marginal_cross_entropy(logits, possible, mask, total)
    return loss + dice * soft_dice_loss(logits, target, mask, total, possible) if dice > 0 else loss


def confidence_mask(probabilities: Tensor, *, threshold: float) -> Tensor:
    """Pixels whose largest class probability reaches a threshold.

    Args:
        probabilities: (B, C, H, W).
        threshold: In [0, 1].

    Returns:
        (B, H, W) bool.
    """
    return probabilities.amax(1) >= threshold


def mean_structure_dice(prediction: Tensor, target: Tensor, classes: int, labelled: Tensor | None = None) -> Tensor:
    """Hard Dice over the structures of a batch, for the log.

    Args:
        prediction: (B, H, W) labels.
        target: (B, H, W) labels.
        classes: C, the background included.
        labelled: As for `segmentation_loss`; what the target leaves open does not count.

    Returns:
        ().
    """
    scores = []
    known = None if labelled is None else surely(possible_classes(target, labelled))[1]
    for label in range(_FIRST_STRUCTURE, classes):
        one, other = prediction == label, target == label
        if known is not None:
            one = one & known[:, label]
        scores.append((2 * (one & other).sum() + 1) / (one.sum() + other.sum() + 1))
    return torch.stack(scores).mean()
