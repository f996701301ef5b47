"""Codebook-usage entropy loss of the published code: each token decides for few codewords, all tokens together use many."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from vqseg.transfer import to_device


def usage_loss(features: Tensor, codewords: Tensor, *, generator: Generator, tokens: int = 512, temperature: float = 1.0) -> Tensor:
    """Mean entropy of q(k|z) minus the entropy of its mean, where q(k|z) = softmax(-|z - c_k|^2 / temperature).

    Args:
        features: (B, D, h, w), z before the codebook.
        codewords: (K, D).
        generator: Draws the tokens.
        tokens: How many tokens are drawn. It bounds memory: one table of tokens x K is held at once.
        temperature: Divides the squared distances.

    Returns:
        (), in nats: from -log K (every token is sure, all codewords are used evenly) to 0.
    """
    flat = features.float().permute(0, 2, 3, 1).flatten(0, 2)
    if len(flat) > tokens:
        flat = flat[to_device(torch.randperm(len(flat), generator=generator, device=generator.device)[:tokens], flat.device)]
    codewords = codewords.float()
    # |z|^2 is the same for all codewords: the softmax does not see it. The differences need float32.
    with torch.autocast(flat.device.type, enabled=False):
        logits = (2 * flat @ codewords.T - codewords.square().sum(1)) / temperature
    logarithms = logits.log_softmax(1)
    each: Tensor = -(logarithms.exp() * logarithms).sum(1).mean()
    together: Tensor = torch.special.entr(logarithms.exp().mean(0)).sum()
    return each - together
