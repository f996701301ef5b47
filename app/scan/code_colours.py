"""A colour for every code, so that a grid of tokens can be read as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from vqseg.codebook import CodebookStatistics


def code_colours(statistics: CodebookStatistics) -> np.ndarray:
    """(K, 3) uint8: codes that lie together on the map look alike. The map's two axes go from 0 to 1 by rank."""
    places = np.argsort(np.argsort(statistics.projection, axis=0), axis=0) / max(1, len(statistics.projection) - 1)
    x, y = places.T
    return np.rint(40 + 195 * np.stack([x, y, 1 - (x + y) / 2], -1)).astype(np.uint8)
