"""Consistency where the teacher is certain, as in UA-MT (Yu et al., MICCAI 2019): a baseline beside VQ-Seg.

The teacher answers several times, each time with noise on its image and dropout on its features; the mean of its answers is the target, and
pixels of high entropy are left out. There the limit of the entropy rises over the training from 3/4 of its largest value to all of it, and
dropout is part of the network; here the limit stays at 3/4.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from vqseg.models.vqseg import VQSeg
from vqseg.types import Share

PASSES, RATE, NOISE, LIMIT = 8, 0.5, 0.1, 0.75


@torch.no_grad()
def uncertain_answers(model: VQSeg, images: Tensor, generator: Generator, share: Share, *, quantize: bool = True) -> tuple[Tensor, Tensor]:
    """What a teacher answers on average, and where it is certain.

    Args:
        model: The teacher, in evaluation mode.
        images: (B, C_in, H, W), the weak views.
        generator: Of the noise and the dropout.
        share: Rank and world size.
        quantize: As for `VQSeg.forward`.

    Returns:
        Probabilities (B, C, H, W), and a mask (B, H, W) bool of the pixels whose entropy is below LIMIT of the largest, ln C.
    """
    total: Tensor | None = None
    for _ in range(PASSES):
        shape = (len(images) * share.count, *images.shape[1:])
        noise = torch.randn(shape, generator=generator, device=generator.device)[share.rows(len(images))].to(images)
        disturbed = images + (NOISE * noise).clamp(-2 * NOISE, 2 * NOISE)
        output = model(disturbed, quantize=quantize, strength=RATE, perturbation="dropout", generator=generator, share=share)
        answer = output.logits.float().softmax(1)
        total = answer if total is None else total + answer
    assert total is not None
    mean: Tensor = total / PASSES
    entropy = -(mean * mean.clamp_min(1e-6).log()).sum(1)
    return mean, entropy < LIMIT * math.log(mean.shape[1])


def certain_consistency(logits: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Mean squared difference to the target's probabilities, over the classes and the pixels of the mask.

    Args:
        logits: (B, C, H, W).
        target: (B, C, H, W) probabilities.
        mask: (B, H, W) bool.

    Returns:
        ().
    """
    difference = (logits.float().softmax(1) - target).square().mean(1) * mask
    return difference.sum() / mask.sum().clamp_min(1)
