"""How much and how often one visit may ask, and how long files wait. All such limits of the app stand here.

A visit that works as a person does never comes near them: a dragged slider asks some twenty times a second at most, with thirty frames
fetched ahead. A flood is told to wait.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from threading import Lock

from app.scan.lru import Lru

UNCLAIMED_SECONDS = 600.0
"""An upload that nobody has asked to open is deleted after this time: its sender has gone."""
UNFETCHED_SECONDS = 600.0
"""So long a file for a program may be fetched, whose visit does not tell of its end."""
MOST_SENT_BYTES = 16 * 2**30
"""Uploads that arrive, or wait to be read, may have so much together: the disk is everybody's."""
SWEEP_SECONDS = 20.0
"""How often is looked for such files."""
FINE_TUNING_SECONDS = 1200.0
"""So long a fine-tuning may take."""
TOO_MANY = "too many requests at once; wait a few seconds and try again"
_MOST_KEYS = 4096


@dataclass(frozen=True)
class Rate:
    """A bucket of `burst` requests that fills up again by `a_second`."""

    burst: int
    a_second: float


OPENINGS = Rate(120, 4)
"""Scans that a visit opens, and calls of the endpoints."""
ANSWERS = Rate(1200, 120)
"""Questions of the views about a visit's scan."""
UPLOADS = Rate(300, 10)
"""Uploads from one address, which a whole class may share. A folder comes in requests of up to a thousand files."""

ROOM_REQUESTS = Rate(40, 6)
"""Of one page of a class, a teacher's or a student's, which asks once a second."""
JOINS = Rate(240, 1)
"""Pages that join a class from one address, which two whole classes may share. Whoever tries codes as fast for three hours, while all rooms
are open, finds one with a chance of one in four thousand."""


class TooManyError(RuntimeError):
    """A visit asks too often."""


class Limiter:
    """A bucket for each key. Those that were not used for longest are forgotten, which fills them."""

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with full buckets.

        Args:
            rate: Of every bucket.
            clock: Gives seconds.
        """
        self.rate, self._clock = rate, clock
        # What is left in a bucket, and when that was so.
        self._buckets: Lru[Hashable, tuple[float, float]] = Lru(_MOST_KEYS)
        self._lock = Lock()

    def allows(self, key: Hashable) -> bool:
        """Take one request out of a bucket. False if it is empty: the request is refused, and costs nothing."""
        now = self._clock()
        with self._lock:
            left, since = self._buckets.get(key) or (float(self.rate.burst), now)
            left = min(float(self.rate.burst), left + (now - since) * self.rate.a_second)
            self._buckets.put(key, (left - 1 if left >= 1 else left, now))
        return left >= 1

    def check(self, key: Hashable) -> None:
        """Take one request out of a bucket. Raises TooManyError if it is empty."""
        if not self.allows(key):
            raise TooManyError(TOO_MANY)
