"""The codes of one scan: which, where, and which under a marked region. Arrays only.

Shapes: indices (..., h, w) integers, as a SegmentedScan has them.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from vqseg.types import Array


def scan_usage(indices: Array, size: int) -> Array:
    """How often each codeword occurs in a scan.

    Args:
        indices: Integers of any shape.
        size: K, the number of codewords.

    Returns:
        (K,) int64.

    Raises:
        ValueError: An index lies outside [0, K).
    """
    flat = np.asarray(indices).ravel()
    if flat.size and not 0 <= flat.min() <= flat.max() < size:
        raise ValueError(f"indices lie in {flat.min()} to {flat.max()}; the codebook has 0 to {size - 1}")
    return np.bincount(flat, minlength=size).astype(np.int64)


def where(indices: Array, codes: Iterable[int]) -> Array:
    """The tokens that carry one of some codes.

    Args:
        indices: Integers of any shape.
        codes: Those looked for.

    Returns:
        bool of the indices' shape.
    """
    wanted = np.unique(np.fromiter(codes, dtype=np.int64))
    return np.isin(indices, wanted)


def codes_under(indices: Array, mask: Array) -> tuple[Array, Array]:
    """The codes of marked tokens, the most frequent first.

    Args:
        indices: Integers of any shape.
        mask: bool of the same shape.

    Returns:
        The codes (n,) int64, and how often each occurs (n,) int64.
    """
    codes, counts = np.unique(np.asarray(indices)[mask], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return codes[order].astype(np.int64), counts[order].astype(np.int64)
