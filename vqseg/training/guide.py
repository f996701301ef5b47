"""The foundation model's part in training: its features are targets, and an adapter learns to match them (Eq. 11)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vqseg.losses.alignment import patch_infonce
from vqseg.models.adapter import PostVQAdapter


@dataclass(frozen=True)
class Guide:
    """foundation: frozen, (B, C_in, H, W) -> (B, C, H', W'). adapter: (features, grid) -> the same shape, trained with the student."""

    foundation: nn.Module
    adapter: nn.Module

    def alignment(self, images: Tensor, post_vq: Tensor, *, temperature: float, centred: bool = False) -> Tensor:
        """L_align (Eq. 11) between post-VQ features and the foundation model's features of the same images.

        Args:
            images: (B, C_in, H, W).
            post_vq: (B, D, h, w), before any perturbation.
            temperature: tau > 0.
            centred: As for `patch_infonce`.

        Returns:
            ().
        """
        target = self.foundation(images)
        return patch_infonce(self.adapter(post_vq, (target.shape[-2], target.shape[-1])), target, temperature=temperature, centred=centred)


def make_guide(source: str, dim: int, device: torch.device) -> Guide:
    """Load a foundation model and build its adapter.

    Args:
        source: A Hub id, a local folder, or "random".
        dim: D, channels of the post-VQ features.
        device: Where both run.

    Raises:
        FoundationError: The model cannot be loaded.
    """
    # transformers takes seconds to import: only runs with an alignment pay for it.
    from vqseg.models.foundation import FoundationModel

    foundation = FoundationModel(source).to(device)
    return Guide(foundation, PostVQAdapter(dim, foundation.channels).to(device))
