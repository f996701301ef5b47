"""How many channels the scans of a folder have, and what they are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vqseg.data.formats import format_of_name
from vqseg.data.limits import ScanError
from vqseg.data.scan import read_scan
from vqseg.planning.layout import Layout

COLOURS = ("red", "green", "blue")
_LOOKED_AT = 24
"""Pictures that are opened to see whether they are in colour."""
_TINTED, _SHARE = 16, 0.01
"""By how much of 255 the colours of a pixel differ, and in what share of a picture's pixels."""


@dataclass(frozen=True)
class Channels:
    """names: in their order, empty if nobody has named them. why: one sentence."""

    count: int = 1
    names: tuple[str, ...] = ()
    why: str = "one number a voxel"


def find_channels(layout: Layout, wanted: int | None = None) -> Channels:
    """The channels of a folder's scans.

    Args:
        layout: The cases.
        wanted: How many there are, by whoever knows it; None to find it out by the files of a case, what dataset.json names, and whether
            pictures are in colour. The volumes of a file are taken for channels only if dataset.json names as many.
    """
    files = max((1 + len(case.further) for case in layout.cases), default=1)
    named = layout.channels
    if wanted is not None:
        return Channels(wanted, named if len(named) == wanted else (), "as asked for")
    if files > 1:
        return Channels(files, named if len(named) == files else (), f"a case has {files} files, one for each channel")
    if len(named) > 1:
        return Channels(len(named), named, "as dataset.json names them")
    if not named and _are_coloured([case.image for case in layout.cases]):
        return Channels(len(COLOURS), COLOURS, "the pictures are in colour")
    return Channels()


def _are_coloured(images: Sequence[Path]) -> bool:
    """Whether all of these are pictures that keep colours, and one of them shows more colour than a mark or compression leaves."""
    if not all(kind is not None and kind.read_colours for kind in map(format_of_name, (path.name for path in images))):
        return False
    picks = np.unique(np.linspace(0, len(images) - 1, min(len(images), _LOOKED_AT)).round().astype(int))
    shown = False
    for pick in picks:
        try:
            voxels = read_scan(images[pick], channels=len(COLOURS)).voxels
        except ScanError:
            return False
        shown |= bool((np.ptp(voxels, -1) > _TINTED).mean() > _SHARE)
    return shown
