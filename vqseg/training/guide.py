"""The foundation model's part in training: its features as targets, and the adapter that learns to meet them (Eq. 11)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vqseg.losses.alignment import patch_infonce
from vqseg.models.adapter import PostVQAdapter


@dataclass(frozen=True)
class Guide:
    """foundation: frozen, (B, 1, H, W) -> (B, C, H', W'). adapter: (features, grid) -> the same shape, trained with the student."""

    foundation: nn.Module
    adapter: nn.Module

    def alignment(self, images: Tensor, post_vq: Tensor, *, temperature: float) -> Tensor:
        """L_align between the post-VQ features of some images and what the foundation model sees in the same images. -> ()"""
        target = self.foundation(images)
        return patch_infonce(self.adapter(post_vq, (target.shape[-2], target.shape[-1])), target, temperature=temperature)


def make_guide(source: str, dim: int, device: torch.device) -> Guide:
    """A guide for post-VQ features of `dim` channels. Raises FoundationError if the model cannot be had."""
    # transformers takes seconds to import: only runs with an alignment pay for it.
    from vqseg.models.foundation import FoundationModel

    foundation = FoundationModel(source).to(device)
    return Guide(foundation, PostVQAdapter(dim, foundation.channels).to(device))
