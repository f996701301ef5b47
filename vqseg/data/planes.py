"""Which way the slices of a volume lie."""

from __future__ import annotations

import numpy as np

from vqseg.types import Scan


def through_plane_axis(scan: Scan) -> int:
    """The axis across the slices.

    Args:
        scan: The scan.

    Returns:
        The axis of length 1, the last of them if there are several; else that of the largest spacing if it exceeds the others by more
        than 1 %, else the last.
    """
    thin = [axis for axis, length in enumerate(scan.shape) if length == 1]
    if thin:
        return thin[-1]
    order = np.argsort(scan.spacing)
    return int(order[2]) if scan.spacing[order[2]] > 1.01 * scan.spacing[order[1]] else 2
