"""The one fine-tuning that a server does at a time, for whoever sits at the machine. It ends with the visit that has begun it."""

from __future__ import annotations

import re
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock, Thread
from typing import Literal

from app.scan.corrections import Corrections
from app.scan.fine_tuning import FineTuning
from app.scan.frame_request import RequestError
from app.scan.models import Served, load_served
from app.scan.open_scan import OpenScan
from app.visit.limits import FINE_TUNING_SECONDS
from app.visit.listening import fine_tunes
from app.visit.session import SessionStore
from app.visit.unforeseen import told
from vqseg.types import Array

STEPS = (40, 100, 300)
"""Numbers of steps that may be asked for."""
BUSY = "Another fine-tuning is under way on this machine. Try again when it has ended."
OFF = (
    "Fine-tuning takes minutes of a processor, so it is switched off on a server that many people share. "
    "It runs with the app on your own machine."
)
# In the name of a network that was fine-tuned, before the end of its folder's name.
_MARK = " fine-tuned "
# How often is looked whether the visit is still here.
_LOOK_SECONDS = 0.5

Stage = Literal["training", "done", "failed", "cancelled"]


@dataclass
class Tuned:
    """A fine-tuning of a visit.

    Attributes:
        work: The run.
        owner: The visit.
        stage: How far it is.
        message: What went wrong; empty if nothing did.
        before, after: Dice of every structure against the corrections; `after` when it is done.
        labels: (X, Y, Z) uint8, what the trained network makes of the scan; when it is done.
        served: The trained checkpoint, likewise. Nobody else knows its name.
    """

    work: FineTuning
    owner: str
    stage: Stage = "training"
    message: str = ""
    before: list[float | None] | None = None
    after: list[float | None] | None = None
    labels: Array | None = None
    served: Served | None = None


class FineTunings:
    """At most one is under way. What it leaves is kept until the next one, or until its visit ends."""

    def __init__(self, store: SessionStore, seconds: float = FINE_TUNING_SECONDS) -> None:
        """Start nothing.

        Args:
            store: Knows which visits hold a scan.
            seconds: The longest time of a run.
        """
        self._store, self._seconds, self._lock = store, seconds, Lock()
        self._latest: Tuned | None = None

    def begin(self, scan: OpenScan, token: object, corrections: Corrections, steps: object) -> Tuned:
        """Begin a run.

        Args:
            scan: The scan on show.
            token: The visit's key to it.
            corrections: Its corrected slices.
            steps: One of STEPS.

        Returns:
            The run.

        Raises:
            RequestError: If fine-tuning is off, if another one is under way, or if there is nothing to learn from.
            SessionError: If the visit does not hold the scan any more.
        """
        if not fine_tunes():
            raise RequestError(OFF)
        if steps not in STEPS or not isinstance(steps, int):
            raise RequestError(f"steps must be one of {', '.join(map(str, STEPS))}, got {steps!r}")
        if not any(labels.any() for labels in corrections.slices.values()):
            raise RequestError("Correct at least one slice that shows a structure; without one there is nothing to learn from.")
        with self._lock:
            former = self._latest
            if former is not None and former.stage == "training":
                raise RequestError(BUSY)
            work = FineTuning(scan, corrections, Path(tempfile.mkdtemp(prefix="vqseg-fine-tuning-")), steps)
            tuned = self._latest = Tuned(work, self._store.owner(token), before=work.dice(scan.segmented.labels))
        # A run may start from the checkpoint of the one before.
        if former is not None and scan.model is not former.served:
            former.work.delete()
        for task, name in ((self._work, "fine-tuning"), (self._watch, "visit of a fine-tuning")):
            Thread(target=task, args=(tuned,), name=name, daemon=True).start()
        return tuned

    def of(self, scan: OpenScan, token: object) -> Tuned | None:
        """The latest run of a visit for a scan, under whatever checkpoint it is on show. None if there was none."""
        latest = self._latest
        if latest is None or latest.work.scan.identity != scan.identity or latest.owner != self._store.owner(token):
            return None
        return latest

    def cancel(self, tuned: Tuned) -> None:
        """End a run; what it has learnt so far is dropped."""
        if tuned.stage == "training":
            tuned.stage = "cancelled"
            tuned.work.stop()

    def _work(self, tuned: Tuned) -> None:
        work = tuned.work
        try:
            work.prepare()
            failure = work.train(self._seconds, lambda: tuned.stage == "training")
            if failure and tuned.stage == "training":
                tuned.message, tuned.stage = failure, "failed"
            elif tuned.stage == "training":
                tuned.labels = work.labels()
                tuned.after, tuned.served = work.dice(tuned.labels), _served(work)
                work.scan.model.lend(tuned.served)
                tuned.stage = "done"
        except Exception as error:
            tuned.message, tuned.stage = told(error), "failed"

    def _watch(self, tuned: Tuned) -> None:
        """Wait for the end of the visit, or for the next run."""
        while self._latest is tuned and self._store.holds(tuned.owner):
            time.sleep(_LOOK_SECONDS)
        if self._latest is tuned:
            self.cancel(tuned)
            tuned.work.scan.model.lend(None)
            tuned.work.delete()
            self._latest = None


def was_fine_tuned(name: str) -> bool:
    """Whether a checkpoint's name is that of a network that was fine-tuned during a visit, which may be over."""
    return re.search(rf"{_MARK}\w{{8}}$", name) is not None


def _served(work: FineTuning) -> Served:
    model = work.scan.model
    # The name is as hard to guess as that of the folder.
    name = model.name.partition(_MARK)[0] + _MARK + work.folder.name.rpartition("-")[2]
    return replace(load_served(name, f"{model.title}, fine-tuned", work.checkpoint, model.others), lend=model.lend)
