"""Steps that were computed lately, by scan: a class that follows one link is answered once."""

from __future__ import annotations

from dataclasses import replace

from app.scan.lru import LruOfEach
from app.scan.open_scan import OpenScan
from app.tabs.learn.place import Place
from app.tabs.learn.steps import STEPS, Step

MOST_KEPT = 16


class KeptSteps:
    """Keeps the latest steps of each scan for as long as the scan itself is held; knows of no visitor."""

    def __init__(self) -> None:
        self._kept: LruOfEach[OpenScan, tuple[object, ...], Step] = LruOfEach(lambda _: MOST_KEPT)

    def step(self, name: str, place: Place) -> Step:
        """The step of that name at a place. Who asks while it is being computed waits for it."""
        # The lesson has strengths of its own, whatever is on show.
        key = (name, replace(place.request, strength=0.0, edits=()), place.row, place.column)
        return self._kept.of(place.scan).made(key, lambda: STEPS[name](place))
