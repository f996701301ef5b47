"""Anatomical planes of an array: which axis is cut, and how a slice is turned to be shown in radiological convention.

World coordinates are RAS+: the axes point to the patient's Right, Anterior and Superior. With an oblique affine each plane uses
the closest array axes. Voxels are never resampled.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np

from vqseg.data.scan import has_geometry
from vqseg.types import Array, Scan

PLANES = ("axial", "coronal", "sagittal")

_POSITIVE, _NEGATIVE = "RAS", "LPI"
_NORMAL = {"axial": 2, "coronal": 1, "sagittal": 0}
# World axes of the rows' and of the columns' direction. A displayed picture runs towards the negative end of both: downwards to P or I,
# rightwards to L or P. This is the radiological convention; sagittal pictures have anterior on the left.
_DOWN_AND_RIGHT = {"axial": (1, 0), "coronal": (2, 0), "sagittal": (2, 1)}
# A direction gets the letter of every world axis towards which it leans by more than about 17 degrees.
_LEANS = 0.3


@dataclass(frozen=True)
class PlaneView:
    """How one plane of a volume is cut and shown.

    Attributes:
        plane: One of PLANES.
        axis: Array axis along which the slices are counted.
        count: Number of slices. Their index runs from 0 to count - 1 in the order of the array.
        shape: (rows, columns) as shown.
        ratio: Width / height, both in millimetres.
        letters: Anatomical directions at the (top, right, bottom, left) edge, empty if they are unknown.
        transpose: Whether the slice is transposed before it is flipped.
        flip_rows: Whether the rows are reversed.
        flip_columns: Whether the columns are reversed.
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
        """Turn a slice (A, B) in the order of the array into the (rows, columns) that are shown; further axes stay."""
        shown = picture.swapaxes(0, 1) if self.transpose else picture
        return shown[:: -1 if self.flip_rows else 1, :: -1 if self.flip_columns else 1]

    def restore(self, picture: Array) -> Array:
        """Undo `orient`: a picture (rows, columns) as it is shown, in the order of the array (A, B)."""
        turned = picture[:: -1 if self.flip_rows else 1, :: -1 if self.flip_columns else 1]
        return turned.T if self.transpose else turned

    def cut(self, volume: Array, index: int) -> Array:
        """A slice as it is shown.

        Args:
            volume: (X, Y, Z) or (X, Y, Z, C), of any type.
            index: Of the slice, from 0 to count - 1.

        Returns:
            (rows, columns) or (rows, columns, C), of the same type.
        """
        # ndarray.take would copy the whole of a volume that does not lie in the order of its axes.
        return self.orient(np.ascontiguousarray(np.moveaxis(volume, self.axis, 0)[index]))


def closest_axes(affine: Array) -> tuple[int, int, int]:
    """The array axis that is closest to each of the world axes R, A and S. Each array axis is used once."""
    directions = _directions(affine)
    r, a, s = max(permutations(range(3)), key=lambda order: sum(abs(directions[world, axis]) for world, axis in enumerate(order)))
    return r, a, s


def plane_views(scan: Scan) -> dict[str, PlaneView]:
    """The three planes of a scan by name. A file without geometry (a picture, a plain array) gets no letters."""
    axes, directions = closest_axes(scan.affine), _directions(scan.affine)
    return {plane: _view(plane, scan, axes, directions) for plane in PLANES}


def acquisition_plane(views: dict[str, PlaneView], axis: int) -> str:
    """The plane of the acquired slices.

    Args:
        views: As `plane_views` gives them.
        axis: The through-plane axis of the array.

    Returns:
        One of PLANES.
    """
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
        letters=letters if has_geometry(scan) else ("", "", "", ""),
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
