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
from app.scan.lru import LruOfEach
from app.scan.open_scan import OpenScan
from app.scan.planes import PlaneView
from app.scan.tokens import owners
from vqseg.types import Array

LOOKALIKES = 32
"""The lesson's near reach. Few enough codewords to be synonyms."""
# What a lesson's first square should show: that most of the squares with similar features (of how many) have its label too, and that
# several codewords may take its place nearby. The squares closest to the middle of the labelled structures are tried, first those within.
_ALIKE, _SAME_LABEL = 20, 14
_REPLACED_BY, _OF_NEAREST = 3.0, 64
_TRIED = 256
# Slices of a scan whose first square is kept: it takes some tenths of a second.
_MOST_KEPT = 64
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
            values: Keys of a FrameRequest. "cell": [row, column], None for a square that shows what the steps say.
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
            return cls(scan, request, *_FIRST.of(scan).made(request.index, lambda: _first(cls(scan, request, 0, 0))))
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


_FIRST: LruOfEach[OpenScan, int, tuple[int, int]] = LruOfEach(lambda _: _MOST_KEPT)


def _first(place: Place) -> tuple[int, int]:
    """The square that a lesson begins with.

    It lies within a structure, as close to the middle of all structures as a square can that shows what the steps say; at the rim of one
    if none within it does. The middle of the slice if there is no structure.
    """
    labels = place.token_labels
    labelled = np.argwhere(labels > 0)
    if not len(labelled):
        rows, columns = owners(place.scan)
        return int(rows[len(rows) // 2]), int(columns[len(columns) // 2])
    surrounded = _surrounded(labels)[tuple(labelled.T)]
    away = np.square(labelled - labelled.mean(0)).sum(1)
    # In a small structure no square that is surrounded by its like may do.
    nearest = labelled[np.lexsort((away, ~surrounded))][:_TRIED]
    typical = [one for one in nearest if _like_its_kind(place, one) >= _SAME_LABEL]
    telling = next((one for one in typical if _replaced_by(place, one) >= _REPLACED_BY), None)
    row, column = nearest[0] if not typical else typical[0] if telling is None else telling
    return int(row), int(column)


def _surrounded(labels: Array) -> Array:
    """(h, w) bool: the tokens whose eight neighbours have the same label."""
    around = np.lib.stride_tricks.sliding_window_view(np.pad(labels, 1, mode="edge"), (3, 3))
    return (around == labels[..., None, None]).all((2, 3))


def _like_its_kind(place: Place, square: Array) -> int:
    """How many of the _ALIKE squares with the most similar features have the square's label."""
    z, labels, at = place.features, place.token_labels, tuple(square)
    away = np.square(z - z[at]).sum(-1)
    away[at] = np.inf
    return int((labels.ravel()[np.argsort(away, axis=None, kind="stable")[:_ALIKE]] == labels[at]).sum())


def _replaced_by(place: Place, square: Array) -> float:
    """How many codewords take the place of the square's, effectively, at the near reach: 1 / the sum of their squared shares."""
    segmented = place.scan.segmented
    reach = float(min(LOOKALIKES, segmented.codebook_size - 1))
    shares = segmented.neighbours(int(place.codes[tuple(square)]), _OF_NEAREST, reach=reach).probabilities
    return float(1 / max(np.square(shares).sum(), 1e-9))
