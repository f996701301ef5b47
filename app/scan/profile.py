"""Scores slice by slice, as far as the volume is decoded: in which slices the labels are worst."""

from __future__ import annotations

import time
from dataclasses import dataclass

from app.scan.computing import LaterError
from app.scan.curves import mean_score
from app.scan.fair import Rank
from app.scan.frame_request import FrameRequest
from app.scan.open_scan import OpenScan
from app.scan.replay import REPLAYS
from app.scan.truth import truth_dice
from vqseg.inference import changed_share, label_agreement
from vqseg.types import Array

SECONDS = 0.2
"""After this time a call returns. It is short, because nobody waits for a profile as for a picture."""


@dataclass(frozen=True)
class SliceScore:
    """How well one displayed slice fits. Each figure is None where neither side has a structure.

    Attributes:
        clean: Dice against the labels at strength 0.
        changed: Share of the structures' pixels with another label than at strength 0; see vqseg.inference.changed_share.
        truth: Mean Dice of the structures against the ground truth; None without one, too.
    """

    clean: float | None
    changed: float | None
    truth: float | None


@dataclass(frozen=True)
class ProfilePart:
    """The next slices of a profile.

    Attributes:
        scores: Of the slices that follow those which were known.
        of: How many slices the plane has.
        busy: Whether others wait, so that nothing was decoded for this.
    """

    scores: tuple[SliceScore, ...]
    of: int
    busy: bool


def next_scores(scan: OpenScan, request: FrameRequest, known: int, seconds: float = SECONDS) -> ProfilePart:
    """Score further slices of a plane. The volume is decoded on the way, but never before what anybody looks at.

    Args:
        scan: The scan.
        request: The plane and the settings. Forced tokens count in the slice of the request.
        known: How many slices from the first on are scored already.
        seconds: Return after this time, even if slices are missing.

    Returns:
        The scores as far as they go. Planes that cut through the acquired slices have none until the last of these is decoded.
    """
    start, busy, count = time.perf_counter(), False, scan.views[request.plane].count
    if not REPLAYS.ready(scan, request):
        try:
            REPLAYS.advance(scan, request, seconds, rank=Rank.AHEAD)
        except LaterError:
            busy = True
    labels, decoded = REPLAYS.reached(scan, request)
    if not scan.acquired(request.plane) and decoded < scan.segmented.slice_count:
        return ProfilePart((), count, busy)
    scores: list[SliceScore] = []
    # At least one of those that can be, so that the caller gets on.
    for index in range(known, decoded if scan.acquired(request.plane) else count):
        scores.append(_score(scan, request.plane, index, labels))
        if time.perf_counter() - start >= 2 * seconds:
            break
    return ProfilePart(tuple(scores), count, busy)


def slice_scores(scan: OpenScan, plane: str, labels: Array) -> list[SliceScore]:
    """The scores of every slice of a plane, from a volume (X, Y, Z) uint8 that is completely decoded."""
    return [_score(scan, plane, index, labels) for index in range(scan.views[plane].count)]


def _score(scan: OpenScan, plane: str, index: int, volume: Array) -> SliceScore:
    view = scan.views[plane]
    labels, clean = view.cut(volume, index), view.cut(scan.segmented.labels, index)
    truth = None if scan.truth is None else mean_score(truth_dice(scan, labels, view.cut(scan.truth, index)))
    changed = changed_share(labels, clean)
    return SliceScore(None if changed is None else label_agreement(labels, clean), changed, truth)
