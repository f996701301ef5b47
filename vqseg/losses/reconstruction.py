"""Reconstruction loss L_rec (Eq. 8 and 9): mean absolute difference."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def reconstruction_loss(reconstruction: Tensor, image: Tensor) -> Tensor:
    """L1 between the decoded and the given image.

    Args:
        reconstruction: (B, C_in, H, W).
        image: The same shape.

    Returns:
        ().
    """
    return F.l1_loss(reconstruction.float(), image.float())
