"""How far codewords lie from each other. Shapes: codewords (K, D)."""

from __future__ import annotations

import numpy as np
import torch

from vqseg.quantization.perturbation.transitions import CodewordDistances
from vqseg.quantization.search import nearest_codewords
from vqseg.types import Array

# A block has as many columns as the codebook has codewords.
_ROWS_AT_ONCE = 256


@torch.inference_mode()
def nearest_others(codewords: Array) -> tuple[Array, Array]:
    """The nearest other codeword of every codeword.

    Args:
        codewords: (K, D) float32, K at least 2.

    Returns:
        Their codes (K,) int32 and their Euclidean distances (K,) float32.
    """
    distances = CodewordDistances(torch.from_numpy(codewords))
    blocks = [distances.finish_(distances.products(rows), rows).argmin(1) for rows in torch.arange(len(codewords)).split(_ROWS_AT_ONCE)]
    codes = torch.cat(blocks).numpy().astype(np.int32)
    # From the difference itself: a sum of squares and products loses small distances.
    return codes, np.linalg.norm(codewords - codewords[codes], axis=1).astype(np.float32)


def nearest_outside(codewords: Array, codes: Array) -> Array:
    """For each of some codes the nearest codeword that is none of them: what takes their place if they are removed together.

    Args:
        codewords: (K, D) float32.
        codes: (n,) integers, each once.

    Returns:
        (n,) int64.

    Raises:
        ValueError: If no codeword is left.
    """
    rest = np.setdiff1d(np.arange(len(codewords)), codes)
    if len(rest) == 0:
        raise ValueError("at least one codeword must be left outside")
    found = nearest_codewords(torch.from_numpy(codewords[codes]), torch.from_numpy(codewords[rest]))
    chosen: Array = rest[found.numpy()]
    return chosen
