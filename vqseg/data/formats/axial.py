"""Where voxels lie if their file does not say: one convention for pictures and plain arrays.

voxels[row, column, slice], 1 mm apart. Rows run from anterior to posterior and columns from the patient's right to the left,
as radiologists look at an axial slice.
"""

from __future__ import annotations

import numpy as np

from vqseg.types import Array, Scan

AXIAL = np.array([[0.0, -1, 0, 0], [-1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
"""The affine of voxels[row, column, slice], 1 mm apart."""


def axial_scan(name: str, voxels: Array) -> Scan:
    """A scan of voxels without geometry.

    Args:
        name: The file's name without its folder.
        voxels: (X, Y, Z) float32.
    """
    return Scan(voxels, AXIAL.copy(), (1.0, 1.0, 1.0), name, spacing_known=False)
