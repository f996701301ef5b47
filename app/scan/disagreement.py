"""On which pixels of every slice a network contradicts itself: under the QPM's seeds, and when it reads the slice turned and magnified.

Where its answers disagree, a person's labels are worth most. It measures what the network does not know, not all that it has wrong.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np

from app.scan.computing import COMPUTING
from app.scan.lru import LruOfEach
from app.scan.open_scan import OpenScan
from app.scan.opening_reach import opening_reach
from app.scan.render import packed
from app.scan.replay import SECONDS
from vqseg.inference import VIEWS, vote_disagreement
from vqseg.types import Array

SEEDS = 8
"""Draws of the QPM at every slice."""
STRENGTH = 0.5
"""Epsilon of these draws; their reach is that at which the page opens a scan."""
# Views that are decoded in one turn of the processor: whoever comes next waits for a few tenths of a second at most.
_VIEWS_AT_ONCE = 3


@dataclass
class Disagreement:
    """The slices that were measured.

    Attributes:
        scores: Disagreement of every acquired slice: the sum over its pixels of the share of answers that differ from the most frequent
            one. In pixels; NaN for a slice that is still to be measured.
        maps: That share of every pixel as displayed, uint8 from 0 to 255, packed; by number of the slice.
        lock: Held while a slice is measured.
    """

    scores: Array
    maps: dict[int, str] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock, repr=False)

    @property
    def done(self) -> int:
        """How many slices are measured."""
        return len(self.maps)

    def following(self, index: int) -> int:
        """The slice to measure next: the nearest to this one that is still to be measured."""
        missing = np.flatnonzero(np.isnan(self.scores))
        return int(missing[np.abs(missing - index).argmin()])


class Disagreements:
    """The measurements of every open scan. They are forgotten together with their scan."""

    def __init__(self) -> None:
        self._kept: LruOfEach[OpenScan, None, Disagreement] = LruOfEach(lambda _: 1)

    def advance(self, scan: OpenScan, index: int, seconds: float = SECONDS) -> Disagreement:
        """Measure further slices, at least one if any is missing. Whoever does not call again has cancelled.

        Args:
            scan: The scan. A few draws at a time take a turn, so that other views are answered in between.
            index: The slice from which on it is measured, outwards.
            seconds: Return after this time, even if slices are missing.

        Returns:
            The measurement as far as it is.
        """
        slices = scan.segmented.slice_count
        found = self._kept.of(scan).made(None, lambda: Disagreement(np.full(slices, np.nan)))
        start = time.perf_counter()
        while found.done < slices:
            with found.lock:
                if found.done < slices:
                    _measure(scan, found, found.following(index))
            if time.perf_counter() - start >= seconds:
                break
        return found


def answers_of(scan: OpenScan, index: int) -> Array:
    """All labels that a slice gets: at strength 0, under SEEDS draws of the QPM, and in all VIEWS.

    Args:
        scan: The scan. Turns are taken for it.
        index: Of the acquired slice.

    Returns:
        (1 + SEEDS + len(VIEWS), A, B) uint8.
    """
    segmented, answers = scan.segmented, [scan.segmented.labels.take([index], scan.segmented.axis)]
    reach = opening_reach(scan)
    for seed in range(SEEDS):
        with COMPUTING.turn():
            answers.append(segmented.labels_at(index, [STRENGTH], seed=seed, reach=reach))
    for first in range(0, len(VIEWS), _VIEWS_AT_ONCE):
        with COMPUTING.turn():
            answers.append(segmented.labels_in_views(index, VIEWS[first : first + _VIEWS_AT_ONCE]))
    return np.concatenate([np.moveaxis(answers[0], segmented.axis, 0), *answers[1:]])


def told(found: Disagreement, index: int) -> dict[str, Any]:
    """A measurement for the browser.

    Args:
        found: As `Disagreements.advance` gives it.
        index: Of the slice on show.

    Returns:
        "done" and "of": numbers of slices. "scores": of every slice, None while it is not measured. "map": of the slice on show, None
        likewise.
    """
    scores = [None if np.isnan(score) else round(float(score), 1) for score in found.scores]
    return {"done": found.done, "of": len(scores), "scores": scores, "map": found.maps.get(index)}


def _measure(scan: OpenScan, found: Disagreement, index: int) -> None:
    share = vote_disagreement(answers_of(scan, index), len(scan.segmented.classes))
    found.maps[index] = packed(np.rint(255 * scan.views[scan.plane].orient(share)).astype(np.uint8))
    found.scores[index] = share.sum()


# Its contents belong to scans, never to a visitor.
DISAGREEMENTS = Disagreements()
