"""A codebook that finds its own size during training: it grows while nearly all of it is used and drops codewords that are not used.

Not of the paper. It is an alternative to revival, which keeps the size and moves idle codewords instead.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from vqseg.quantization.quantizer import VectorQuantizer, utilisation

# Between the two the size stays: otherwise new codewords would be dropped at the next look.
_GROW_FROM, _PRUNE_BELOW = 0.9, 0.7
_GROWTH = 0.5


@torch.no_grad()
def adapt_codebook(quantizer: VectorQuantizer, features: Tensor, generator: Generator, *, smallest: int, largest: int) -> int:
    """Grow by half if at least 90 % of the codewords were chosen since `reset_usage`; below 70 %, drop the idle ones. Then count anew.

    Args:
        quantizer: Changed in place.
        features: (N, D). New codewords are placed where they are far from every codeword.
        generator: Draws the places.
        smallest: Smallest K that dropping may reach; a smaller codebook can still grow.
        largest: Largest K that growth may reach; a larger codebook can still shrink.

    Returns:
        The new K.

    Raises:
        ValueError: The codebook should grow and there are no features.
    """
    size, share = quantizer.codebook_size, utilisation(quantizer.usage)
    if share >= _GROW_FROM and size < largest:
        quantizer.grow(min(max(1, round(size * _GROWTH)), largest - size), features, generator)
    elif share < _PRUNE_BELOW and size > smallest:
        # A stable order: the most used codewords stay, then the idle ones of lowest index.
        order = quantizer.usage.argsort(descending=True, stable=True)
        keep = quantizer.usage > 0
        keep[order[:smallest]] = True
        quantizer.prune(keep)
    quantizer.reset_usage()
    return quantizer.codebook_size
