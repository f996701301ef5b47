"""What stands for a header where a file says nothing of where its voxels lie, or not enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PlaceKind = Literal["picture", "pictures", "sizes"]


@dataclass(frozen=True)
class Unplaced:
    """How such a scan came.

    kind: "picture", rows first, whose pages are slices; "pictures", an array (N, 1, H, W) as networks take them; "sizes", a file that knows
    how large voxels are, and not which side is left.
    """

    kind: PlaceKind
