"""The latest steps of each scan. A class that follows one link asks for the same step many times; it is computed once."""

from __future__ import annotations

from dataclasses import replace

from app.scan.lru import LruOfEach
from app.scan.open_scan import OpenScan
from app.tabs.learn.place import Place
from app.tabs.learn.steps import STEPS, SWAPS, Step

MOST_KEPT = 16


class KeptSteps:
    """The latest steps of every open scan. They are forgotten together with their scan."""

    def __init__(self) -> None:
        self._kept: LruOfEach[OpenScan, tuple[object, ...], Step] = LruOfEach(lambda _: MOST_KEPT)

    def step(self, name: str, place: Place) -> Step:
        """A step, computed if it is not kept. Others who ask for it meanwhile wait.

        Args:
            name: One of STEPS.
            place: Its place.

        Returns:
            The step.
        """
        # The lesson swaps in its own way, at strengths and reaches of its own: of what is on show, only the slice and the seed count.
        request = replace(place.request, strength=0.0, mode=SWAPS, edits=(), reach=None)
        key = (name, request, place.row, place.column)
        return self._kept.of(place.scan).made(key, lambda: STEPS[name](place))
