"""The place of a step of the lesson: one token of one acquired slice, shown as a marked square.

Shapes: a slice is (A, B) in the order of the array. Its grid of tokens is (h, w), at the deepest level and without the tokens beyond
the edge of the slice. Pictures are (rows, columns) as displayed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from app.scan.channels import grey_of
from app.scan.frame_request import FrameRequest, RequestError, whole_number
from app.scan.open_scan import OpenScan
from app.scan.planes import PlaneView
from app.scan.tokens import owners
from vqseg.types import Array

# Side of the enlarged part, as a multiple of that of the labelled structures.
_ROOM = 1.5


@dataclass(frozen=True)
class Place:
    """A checked place.

    Attributes:
        scan: The scan.
        request: A slice in the plane of the acquired slices.
        row: Row of the marked square in the grid of tokens.
        column: Its column.
    """

    scan: OpenScan
    request: FrameRequest
    row: int
    column: int

    @classmethod
    def checked(cls, values: Mapping[str, Any], scan: OpenScan) -> Place:
        """Check the place of a request.

        Args:
            values: Keys of a FrameRequest. "cell": [row, column], None for a square amid the labelled structures.
            scan: The scan.

        Returns:
            The place.

        Raises:
            RequestError: If a value is wrong, if the plane is not that of the acquired slices, or if the square has no pixel.
        """
        request = FrameRequest.checked(values, scan)
        if not scan.acquired(request.plane):
            raise RequestError(f"tokens lie in the acquired slices; choose plane {scan.plane}")
        cell = values.get("cell")
        if cell is None:
            return cls(scan, request, *_middle(scan, request.index))
        if not isinstance(cell, (list, tuple)) or len(cell) != 2:
            raise RequestError(f"cell must be [row, column], got {cell!r}")
        parts = zip(("row", "column"), cell, owners(scan), strict=True)
        row, column = (_owning(f"{name} of the cell", value, owned) for name, value, owned in parts)
        return cls(scan, request, row, column)

    @property
    def view(self) -> PlaneView:
        """How the slice is displayed."""
        return self.scan.views[self.request.plane]

    def _shown(self, grid: Array) -> Array:
        """The deepest level of a slice's grid, without the tokens beyond the edge, which have no pixel."""
        rows, columns = owners(self.scan)
        return grid[-(len(grid) // self.scan.segmented.levels) :][: rows[-1] + 1, : columns[-1] + 1]

    @property
    def codes(self) -> Array:
        """(h, w) int: the tokens of the slice before any perturbation."""
        return self._shown(self.scan.segmented.indices[self.request.index])

    @property
    def code(self) -> int:
        """The code of the marked square."""
        return int(self.codes[self.row, self.column])

    @cached_property
    def features(self) -> Array:
        """(h, w, D) float32: the features z of the slice."""
        return self._shown(self.scan.segmented.features(self.request.index))

    def taken(self, volume: Array) -> Array:
        """The slice (A, B) of a volume (X, Y, Z), with the channels of one that has several."""
        return volume.take(self.request.index, self.scan.segmented.axis)

    def grey(self, picture: Array) -> Array:
        """The channel of a picture that is on show."""
        return grey_of(self.scan, picture, self.request.channel)

    def spread(self, grid: Array) -> Array:
        """A grid (h, w) as a picture: every pixel has the value of its token."""
        rows, columns = owners(self.scan)
        return self.view.orient(grid[rows[:, None], columns[None, :]])

    @property
    def inside(self) -> Array:
        """(A, B) bool: the pixels of the marked square."""
        rows, columns = owners(self.scan)
        return (rows[:, None] == self.row) & (columns[None, :] == self.column)

    @property
    def focus(self) -> tuple[int, int, int, int]:
        """The part of the picture that is enlarged: left, top, width and height in displayed pixels.

        It holds the labelled structures and the marked square, and is square on the screen. If nothing is labelled, it is the whole
        picture.
        """
        (rows, columns), labels = self.view.shape, self.view.orient(self.taken(self.scan.segmented.labels))
        if not labels.any():
            return 0, 0, columns, rows
        wide = self.view.ratio * rows / columns  # of a pixel: width / height
        found = np.argwhere((labels > 0) | self.view.orient(self.inside))
        low, high = found.min(0), found.max(0) + 1
        side = max(_ROOM * float(max(high[0] - low[0], (high[1] - low[1]) * wide)), rows / 4)
        height, width = min(rows, round(side)), min(columns, round(side / wide))
        top, left = (
            int(np.clip(round((low[axis] + high[axis] - length) / 2), 0, most - length))
            for axis, length, most in ((0, height, rows), (1, width, columns))
        )
        return left, top, width, height

    @cached_property
    def token_labels(self) -> Array:
        """(h, w) uint8: the most frequent label in each token's pixels, the lower one if two are equally frequent."""
        return _majority(self.taken(self.scan.segmented.labels), self.scan)


def _owning(name: str, value: Any, owned: Array) -> int:
    number = whole_number(name, value, int(owned[-1]))
    # If a slice is smaller than its grid, some tokens have no pixel.
    if number not in owned:
        raise RequestError(f"{name} must be one that has a pixel, got {number}")
    return number


def _majority(labels: Array, scan: OpenScan) -> Array:
    rows, columns = owners(scan)
    h, w, classes = rows[-1] + 1, columns[-1] + 1, len(scan.segmented.classes)
    votes = np.zeros((h, w, classes), np.int64)
    np.add.at(votes, (rows[:, None], columns[None, :], labels), 1)
    return votes.argmax(-1).astype(np.uint8)


def _middle(scan: OpenScan, index: int) -> tuple[int, int]:
    """The labelled token that is closest to the mean place of all labelled tokens, or the middle of the slice if there is none."""
    labels = _majority(scan.segmented.labels.take(index, scan.segmented.axis), scan)
    labelled = np.argwhere(labels > 0)
    if not len(labelled):
        rows, columns = owners(scan)
        return int(rows[len(rows) // 2]), int(columns[len(columns) // 2])
    row, column = labelled[np.square(labelled - labelled.mean(0)).sum(1).argmin()]
    return int(row), int(column)
