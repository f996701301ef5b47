"""A clock that a test sets."""

from __future__ import annotations


class Clock:
    """Called as time.monotonic is: gives `now`, in seconds, which the test moves on."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now
