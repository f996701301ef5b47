"""Segmentation losses. Shapes: logits (B, C, H, W), target (B, H, W) int64, mask (B, H, W) bool or float in {0, 1}."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

# The background outnumbers every structure; soft Dice leaves it to the cross-entropy.
_FIRST_STRUCTURE = 1


def cross_entropy(logits: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean cross-entropy over all pixels; pixels outside the mask count as zero, so few confident pixels pull little."""
    losses = F.cross_entropy(logits.float(), target, reduction="none")
    return losses.mean() if mask is None else (losses * mask).mean()


def soft_dice_loss(logits: Tensor, target: Tensor, mask: Tensor | None = None, total: Callable[[Tensor], Tensor] | None = None) -> Tensor:
    """1 - soft Dice, mean over the structures, pooled over the batch (a structure absent from one crop then does no harm).

    total: sums over the processes that share the batch, so that all of it is pooled.
    """
    probabilities = logits.float().softmax(1)[:, _FIRST_STRUCTURE:]
    truth = F.one_hot(target, logits.shape[1]).movedim(-1, 1)[:, _FIRST_STRUCTURE:].float()
    if mask is not None:
        probabilities, truth = probabilities * mask[:, None], truth * mask[:, None]
    axes = (0, 2, 3)
    sums = torch.stack([(probabilities * truth).sum(axes), probabilities.square().sum(axes) + truth.square().sum(axes)])
    overlap, size = sums if total is None else total(sums)
    loss: Tensor = (1 - (2 * overlap + 1) / (size + 1)).mean()
    return loss


def segmentation_loss(
    logits: Tensor, target: Tensor, *, dice: float, mask: Tensor | None = None, total: Callable[[Tensor], Tensor] | None = None
) -> Tensor:
    """L_seg: cross-entropy, plus `dice` times the soft Dice loss where asked for (the paper has cross-entropy alone)."""
    loss = cross_entropy(logits, target, mask)
    return loss + dice * soft_dice_loss(logits, target, mask, total) if dice > 0 else loss


def confidence_mask(probabilities: Tensor, *, threshold: float) -> Tensor:
    """Pixels whose largest class probability reaches the threshold: (B, C, H, W) -> (B, H, W) bool."""
    return probabilities.amax(1) >= threshold


def mean_structure_dice(prediction: Tensor, target: Tensor, classes: int) -> Tensor:
    """Hard Dice over the structures of a batch, for the log: prediction and target (B, H, W) -> ()."""
    scores = []
    for label in range(_FIRST_STRUCTURE, classes):
        one, other = prediction == label, target == label
        scores.append((2 * (one & other).sum() + 1) / (one.sum() + other.sum() + 1))
    return torch.stack(scores).mean()
