"""Frames of cines are encoded in the background, while somebody watches and no scan is being opened."""

from __future__ import annotations

import time
from threading import Thread

from app.scan.cine import FrameNotReadyError, OpenCine, UnwatchedError
from app.visit.openings import Openings
from app.visit.unforeseen import told
from vqseg.data.scan import ScanError


class Cines:
    """Encodes frames, one at a time over all cines. It keeps nothing of them."""

    def __init__(self, openings: Openings, rest: float = 0.0) -> None:
        """Start nothing yet.

        Args:
            openings: The scans that are being opened, which go first.
            rest: Seconds before the work begins, in which the visitor's first picture is made.
        """
        self._openings, self._rest = openings, rest

    def watch(self, cine: OpenCine, owner: str) -> None:
        """A visit watches a cine from now on, until the session store drops its scan."""
        cine.join(owner)
        self.go_on(cine)

    def go_on(self, cine: OpenCine) -> None:
        """Encode what is missing, on a thread of its own, unless that is under way."""
        if cine.begin():
            Thread(target=self._work, args=(cine,), name="cine", daemon=True).start()

    def _work(self, cine: OpenCine) -> None:
        time.sleep(self._rest)
        while (index := cine.following()) is not None:
            try:
                with self._openings.spare_time(cine.watched) as free:
                    if free:
                        cine.encode(index)
            except (UnwatchedError, FrameNotReadyError):
                continue
            except ScanError as error:
                cine.fail(str(error.args[0]))
            except Exception as error:
                cine.fail(f"a frame could not be encoded. {told(error)}")
