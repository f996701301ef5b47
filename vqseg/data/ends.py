"""The ends of the structures of a volume: where one slice cannot tell whether a structure goes on.

A short-axis slice at the base shows the same blood with or without a ventricle's wall around it. A segmentation made slice by slice is
most often wrong there, and by a whole region.
"""

from __future__ import annotations

import numpy as np

from vqseg.types import Array


def structure_ends(labels: Array, step: int = 1) -> Array:
    """Mark the first and the last slice of every structure, and the same places one slice beyond them.

    Args:
        labels: (S, A, B) of a volume, 0 for the background.
        step: Thin slices that count as one (`vqseg.data.neighbours.slice_step`).

    Returns:
        (S, A, B) bool. A volume of one slice has no ends: nothing is marked.
    """
    marked = np.zeros(labels.shape, bool)
    if len(labels) < 2:
        return marked
    for structure in np.unique(labels[labels > 0]):
        inside = labels == structure
        there = np.flatnonzero(inside.any((1, 2)))
        for end, outwards in ((there[0], -1), (there[-1], 1)):
            for distance in range(step):
                inner, outer = end - outwards * distance, end + outwards * (distance + 1)
                if 0 <= inner < len(labels):
                    marked[inner] |= inside[inner]
                if 0 <= outer < len(labels):
                    marked[outer] |= inside[end]
    return marked
