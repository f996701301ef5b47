"""Anatomical planes of an array: which axis to cut, and how to turn the slice so that it is shown as radiologists look at it.

Pure numpy. A world is RAS+: its axes point to the patient's Right, Anterior and Superior. "Closest" axes are chosen for
an oblique affine; voxels are never resampled.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np

from vqseg.types import Array, Scan

PLANES = ("axial", "coronal", "sagittal")

_POSITIVE, _NEGATIVE = "RAS", "LPI"
_NORMAL = {"axial": 2, "coronal": 1, "sagittal": 0}
# World axes along the rows' and the columns' direction; a displayed picture runs towards the negative end of both:
# downwards to P or I, rightwards to L or P (radiological convention, anterior to the left in sagittal pictures).
_DOWN_AND_RIGHT = {"axial": (1, 0), "coronal": (2, 0), "sagittal": (2, 1)}
# A direction names every world axis that it leans to by more than about 17 degrees.
_LEANS = 0.3


@dataclass(frozen=True)
class PlaneView:
    """How one plane of a volume is cut and shown.

    axis: array axis of the slice index, which counts 0 to count - 1 in the array's own order. shape: (rows, columns) as shown.
    ratio: width / height in millimetres. letters: what lies at the (top, right, bottom, left) edge, "" if that is unknown.
    """

    plane: str
    axis: int
    count: int
    shape: tuple[int, int]
    ratio: float
    letters: tuple[str, str, str, str]
    transpose: bool
    flip_rows: bool
    flip_columns: bool

    @property
    def middle(self) -> int:
        """Index of the middle slice."""
        return self.count // 2

    def orient(self, picture: Array) -> Array:
        """(A, B), a slice in the array's own order, as the (rows, columns) that are shown."""
        shown = picture.T if self.transpose else picture
        return shown[:: -1 if self.flip_rows else 1, :: -1 if self.flip_columns else 1]

    def cut(self, volume: Array, index: int) -> Array:
        """Slice `index` of a volume (X, Y, Z) as it is shown."""
        return self.orient(volume.take(index, self.axis))


def closest_axes(affine: Array) -> tuple[int, int, int]:
    """For the world axes R, A, S the array axis closest to each, every array axis used once."""
    directions = _directions(affine)
    r, a, s = max(permutations(range(3)), key=lambda order: sum(abs(directions[world, axis]) for world, axis in enumerate(order)))
    return r, a, s


def plane_views(scan: Scan) -> dict[str, PlaneView]:
    """The three planes of a scan. A file without geometry of its own (a picture, an array) gets no letters."""
    axes, directions = closest_axes(scan.affine), _directions(scan.affine)
    return {plane: _view(plane, scan, axes, directions) for plane in PLANES}


def acquisition_plane(views: dict[str, PlaneView], axis: int) -> str:
    """The plane whose slices were acquired: the one that is cut along the through-plane axis."""
    return next(plane for plane, view in views.items() if view.axis == axis)


def _view(plane: str, scan: Scan, axes: tuple[int, int, int], directions: Array) -> PlaneView:
    axis = axes[_NORMAL[plane]]
    down, right = _DOWN_AND_RIGHT[plane]
    rows, columns = axes[down], axes[right]
    flip_rows, flip_columns = directions[down, rows] > 0, directions[right, columns] > 0
    downwards = directions[:, rows] * (-1 if flip_rows else 1)
    rightwards = directions[:, columns] * (-1 if flip_columns else 1)
    letters = (_letters(-downwards), _letters(rightwards), _letters(downwards), _letters(-rightwards))
    shape = (scan.shape[rows], scan.shape[columns])
    return PlaneView(
        plane=plane,
        axis=axis,
        count=scan.shape[axis],
        shape=shape,
        ratio=shape[1] * scan.spacing[columns] / (shape[0] * scan.spacing[rows]),
        letters=letters if scan.header is not None else ("", "", "", ""),
        transpose=rows > columns,
        flip_rows=bool(flip_rows),
        flip_columns=bool(flip_columns),
    )


def _directions(affine: Array) -> Array:
    """(3, 3): column a is the unit vector of array axis a in the world."""
    columns = affine[:3, :3]
    return columns / np.linalg.norm(columns, axis=0)


def _letters(direction: Array) -> str:
    by_size = sorted(range(3), key=lambda world: -abs(direction[world]))
    return "".join((_POSITIVE if direction[world] > 0 else _NEGATIVE)[world] for world in by_size if abs(direction[world]) > _LEANS)
