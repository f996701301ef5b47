"""The curves of a slice for print, decoded a few points at a time: nobody waits unseen, and not to ask again is to cancel."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from app.scan.frames import FrameRequest
from app.scan.replay import SECONDS, of_visit
from app.tabs.export.lines import STEPS, columns, dropout_point, strength_point
from app.visit.session import OpenScan

POINTS = 2 * len(STEPS)


@dataclass
class CurveReplay:
    """points: by number, those over the rate of dropout first, then those over epsilon. key: the settings that they belong to."""

    key: tuple[object, ...]
    points: dict[int, dict[str, Any]] = field(default_factory=dict)

    @property
    def done(self) -> int:
        return len(self.points)

    def curves(self) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
        """Once all points are there: the curve over epsilon and the one over the rate of dropout, as `curve` and `dropout_curve`."""
        rows = [self.points[number] for number in range(POINTS)]
        return columns(rows[len(STEPS) :]), columns(rows[: len(STEPS)])


def advance_curves(scan: OpenScan, token: str, request: FrameRequest, seconds: float = SECONDS) -> CurveReplay:
    """Decode further points for `seconds`, one at least; begin anew if the visit with this token asked for others before.

    Raises RequestError across the acquired slices, which dropout is not decoded for.
    """
    key = (request.plane, request.index, request.mode, request.seed, request.edits, id(scan.truth))
    start = time.perf_counter()
    with scan.lock:
        replay = of_visit(scan.curves, token, key, lambda: CurveReplay(key))
    # Without the lock, which every point takes for itself: other visitors of an example are let in between.
    for number in range(POINTS):
        if number in replay.points:
            continue
        step = float(STEPS[number % len(STEPS)])
        replay.points[number] = (strength_point if number >= len(STEPS) else dropout_point)(scan, request, step)
        if time.perf_counter() - start >= seconds:
            break
    return replay
