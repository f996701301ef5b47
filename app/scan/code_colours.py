"""A colour for every code. They turn a grid of tokens into a picture that can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from vqseg.codebook import CodebookStatistics


def code_places(statistics: CodebookStatistics) -> np.ndarray:
    """(K, 2) in [0, 1]: where each code lies on the map. Both axes are scaled by rank, so that no place is crowded."""
    return np.argsort(np.argsort(statistics.projection, axis=0), axis=0) / max(1, len(statistics.projection) - 1)


def code_colours(statistics: CodebookStatistics) -> np.ndarray:
    """(K, 3) uint8: codes that are close on the map have similar colours."""
    x, y = code_places(statistics).T
    return np.rint(40 + 195 * np.stack([x, y, 1 - (x + y) / 2], -1)).astype(np.uint8)
