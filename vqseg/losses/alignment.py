"""Alignment loss L_align (Eq. 11): patch-wise InfoNCE between adapted post-VQ features and a foundation model's."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def patch_infonce(adapted: Tensor, target: Tensor, *, temperature: float, centred: bool = False) -> Tensor:
    """L_align (Eq. 11): each patch must recognise its own foundation feature among those of the same image.

    Args:
        adapted: (B, C, H', W'), post-VQ features after the adapter.
        target: The foundation model's features, of the same shape.
        temperature: tau > 0; the similarity is the cosine over tau.
        centred: Take the mean over the patches of each image off its target first.

    Returns:
        (), the mean over the images of the mean over the H'W' patches; between 0 and about log(H'W') + 2 / tau.

    Raises:
        ValueError: The shapes differ.
    """
    if adapted.shape != target.shape:
        raise ValueError(f"adapted and foundation features must have one shape, got {tuple(adapted.shape)} and {tuple(target.shape)}")
    # Divided by a small tau, half precision's error in a cosine would be as large as the differences.
    with torch.autocast(adapted.device.type, enabled=False):
        ours = F.normalize(adapted.float().flatten(2), dim=1)
        wanted = target.float().flatten(2)
        theirs = F.normalize(wanted - wanted.mean(2, keepdim=True) if centred else wanted, dim=1)
        similarities = ours.transpose(1, 2) @ theirs / temperature
    own = torch.arange(similarities.shape[1], device=similarities.device).expand(len(similarities), -1)
    return F.cross_entropy(similarities.transpose(1, 2), own)
