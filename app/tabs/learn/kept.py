"""Steps that were computed lately, by scan: a class that follows one link is answered once."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from app.tabs.learn.place import Place
from app.tabs.learn.steps import STEPS, Step
from app.visit.session import OpenScan

MOST_KEPT = 16


class Answers:
    """Keeps the latest steps of each scan for as long as the scan itself is held; knows of no visitor."""

    def __init__(self) -> None:
        self._kept: WeakKeyDictionary[OpenScan, _Kept] = WeakKeyDictionary()
        self._lock = Lock()

    def step(self, name: str, place: Place) -> Step:
        """The step of that name. Who asks while it is being computed waits for it."""
        with self._lock:
            kept = self._kept.setdefault(place.scan, _Kept())
        # The lesson has strengths of its own, whatever is on show.
        key = (name, replace(place.request, strength=0.0, edits=()), place.row, place.column)
        with kept.lock:
            if key not in kept.steps:
                kept.steps[key] = STEPS[name](place)
            kept.steps.move_to_end(key)
            while len(kept.steps) > MOST_KEPT:
                kept.steps.popitem(last=False)
            return kept.steps[key]


class _Kept:
    def __init__(self) -> None:
        self.steps: OrderedDict[Any, Step] = OrderedDict()
        self.lock = Lock()
