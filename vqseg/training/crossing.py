"""Cross pseudo supervision (CPS; Chen et al., CVPR 2021): a baseline beside VQ-Seg.

Two networks of one form and of different random weights learn the same labelled images, and each learns the other's labels of the
unlabelled ones. As there, these labels are hard and come from the networks as they are, not from an average; with CutMix the labels are
made before mixing. Unlike there, each network labels the weak view and learns the strong one, as in every method of the frame; and labelled
images teach their truth alone, without the other network's labels.

The first network is the run's: the checkpoint is its average, as that of every method. The second, the partner, exists in training only.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from vqseg.models.vqseg import VQSeg
from vqseg.types import LossTerms


@torch.no_grad()
def own_answers(network: VQSeg, images: Tensor, *, quantize: bool = True) -> Tensor:
    """What a network in training answers by itself, with nothing perturbed.

    Args:
        network: The network itself, not its wrapper for several processes.
        images: (B, C_in, H, W), the weak views.
        quantize: As for `VQSeg.forward`.

    Returns:
        Probabilities (B, C, H, W), without gradient.
    """
    return network.segment(images, quantize=quantize).float().softmax(1)


def both(first: LossTerms, second: LossTerms) -> LossTerms:
    """The terms of two networks that share no weight: their sums, so that each learns as if alone; the figures of the first."""
    sums = {name: value + getattr(second, name) for name, value in vars(first).items() if name != "figures"}
    return replace(first, **sums)
