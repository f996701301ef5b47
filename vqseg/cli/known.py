"""Segmenting for `predict`, with a warning of every scan that the checkpoint does not know."""

from __future__ import annotations

import sys
from pathlib import Path

from vqseg.checkpoint import CheckpointError
from vqseg.codebook import Familiarity, Reference, SliceMeasures, judge_measured, read_reference, slice_measures
from vqseg.data.scan import through_plane_axis
from vqseg.inference import Segmenter, SlicePart
from vqseg.types import Array, Scan


class KnownScans:
    """Labels scans, and remembers which of them the checkpoint does not know. last: the verdict on the scan that was labelled last."""

    last: Familiarity = Familiarity("unknown")

    def __init__(self, segmenter: Segmenter, folder: Path, *, average_views: bool) -> None:
        """Take a network and its folder.

        Args:
            segmenter: The network.
            folder: Where its reference lies; without one, only the card is checked.
            average_views: Whether labels are averaged over views of each slice.
        """
        self._segmenter, self._average_views = segmenter, average_views
        self._reference, self._missing = _reference(segmenter, folder)
        # By the scan's name: of a cine one warning is enough.
        self._warnings: dict[str, str] = {}

    def segment(self, scan: Scan) -> Array:
        """Labels (X, Y, Z) uint8 of a scan."""
        # A network without a codebook has no tokens to compare, and can only be averaged.
        if self._average_views and not self._segmenter.indexed:
            self.last = Familiarity("unknown")
            return self._segmenter.average_views(scan)
        measured: list[SliceMeasures] = []

        def look(part: SlicePart) -> None:
            measured.append(slice_measures(part.distances, part.pooled, part.pictures, part.images))

        labels = self._segmenter.labels_in_parts(scan, None if self._reference is None else look)
        slices = SliceMeasures.joined(measured) if measured else None
        found = self.last = judge_measured(scan, through_plane_axis(scan), slices, self._segmenter.reads, self._reference)
        if found.verdict in ("doubtful", "foreign"):
            self._warnings.setdefault(scan.name, in_words(found))
        return self._segmenter.average_views(scan) if self._average_views else labels

    def tell(self) -> None:
        """Print the warnings, one line each."""
        if self._missing:
            print(f"scans were not compared with training scans: {self._missing}", file=sys.stderr)
        for name, words in self._warnings.items():
            print(f"warning: {name} is {words}", file=sys.stderr)


def in_words(found: Familiarity) -> str:
    """A verdict with its reasons, in one line."""
    return f"{found.verdict} to this checkpoint: " + "; ".join(found.reasons) + (f". {found.places}" if found.places else "")


def _reference(segmenter: Segmenter, folder: Path) -> tuple[Reference | None, str]:
    """What the checkpoint's training scans were like, or None and why that is not known."""
    if not segmenter.indexed:
        return None, "this network has no codebook"
    try:
        return read_reference(folder, segmenter), ""
    except (FileNotFoundError, CheckpointError) as error:
        return None, str(error)
