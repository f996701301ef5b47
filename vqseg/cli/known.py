"""Segmenting for `predict`, with a warning of every scan that the checkpoint does not know."""

from __future__ import annotations

import sys
from pathlib import Path

from vqseg.checkpoint import CheckpointError
from vqseg.codebook import Familiarity, Reference, judge_measured, measure_in_parts, read_reference, surely_known
from vqseg.inference import LabelledScan, Segmenter
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

    @property
    def channels(self) -> int:
        """How many channels of a scan the network reads."""
        return self._segmenter.channels

    def segment(self, scan: Scan) -> Array:
        """Labels (X, Y, Z) uint8 of a scan."""
        # A network without a codebook has no tokens to compare, and can only be averaged.
        if self._average_views and not self._segmenter.indexed:
            self.last = Familiarity("unknown")
            return self._segmenter.average_views(scan)
        read = self._segmenter.label(scan)
        found = self.last = self._judged(read)
        if found.verdict in ("doubtful", "foreign"):
            self._warnings.setdefault(scan.name, in_words(found))
        return self._segmenter.average_views(scan) if self._average_views else read.labels

    def _judged(self, read: LabelledScan) -> Familiarity:
        reads, reference = self._segmenter.reads, self._reference
        # Most scans are known: the pictures of a few slices show it, and the others need no decoding.
        known = None if reference is None else surely_known(read, reads, reference)
        if known is not None:
            return known
        return judge_measured(read.scan, read.axis, None if reference is None else measure_in_parts(read), reads, reference)

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
