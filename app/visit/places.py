"""The places of those whose scans are being opened: who is at work, who waits, in which order, and for how long about.

Plain bookkeeping: app/visit/openings.py holds the lock.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import ceil
from typing import Generic, Protocol, TypeVar

# Of so many that succeeded last, the duration gives the estimate of the wait.
_MEASURED = 16
# After so many turns the second scan of a visit goes before the first one of a visit that comes then.
_PATIENCE = 64


class BusyError(RuntimeError):
    """Too many visitors are waiting already."""


@dataclass(frozen=True)
class Wait:
    """What whoever waits is told.

    Attributes:
        ahead: How many scans have to be done before its turn comes.
        seconds: How long that may take, at least 1. None before any scan was opened.
    """

    ahead: int
    seconds: int | None = None

    def __str__(self) -> str:
        scans = f"{self.ahead} scan{'s' if self.ahead > 1 else ''} before this one"
        return scans if self.seconds is None else f"{scans}, about {self.seconds} s"


class Placed(Protocol):
    """What takes a place. visit: for whom; all that name none count as one visit."""

    @property
    def visit(self) -> str: ...


PlacedT = TypeVar("PlacedT", bound=Placed)


class Places(Generic[PlacedT]):
    """Who is at work and who waits.

    A program may ask for several scans at a time. The turns then go in rounds: the second scan of a visit comes after the first ones of
    all others that wait. (Start-time fair queueing, Goyal et al. 1996, with visits as flows.)
    """

    def __init__(self, at_once: int, most_waiting: int, reserved: int) -> None:
        """Start empty.

        Args:
            at_once: How many work at a time.
            most_waiting: How many may wait for their turn.
            reserved: How many more may wait if their visits have nothing else here, so that no visit can take all places.
        """
        self.at_once, self.most_waiting, self.reserved = at_once, most_waiting, reserved
        self._working: list[PlacedT] = []
        self._waiting: list[PlacedT] = []
        # The round of each that is here, by its identity, and the present one.
        self._rounds: dict[int, float] = {}
        self._round = 0.0
        self._took: deque[float] = deque(maxlen=_MEASURED)

    def __bool__(self) -> bool:
        """Whether anybody is at work or waits."""
        return bool(self._working or self._waiting)

    def enter(self, one: PlacedT) -> None:
        """Take a place among those who wait. Raises BusyError if there is none."""
        waiting = max(0, len(self._working) + len(self._waiting) - self.at_once)
        is_new = bool(one.visit) and all(other.visit != one.visit for other in (*self._working, *self._waiting))
        if waiting >= self.most_waiting + (self.reserved if is_new else 0):
            scans, about = "1 scan is" if waiting == 1 else f"{waiting} scans are", self.seconds(waiting)
            told = "" if about is None else f"; they take about {about} s"
            raise BusyError(f"The server is busy: {scans} waiting already{told}. Please try again in a minute.")
        former = [self._rounds[id(other)] + 1 for other in (*self._working, *self._waiting) if other.visit == one.visit]
        self._rounds[id(one)] = max([self._round, *former])
        self._waiting.append(one)

    def start(self, one: PlacedT) -> None:
        """From waiting to work."""
        self._waiting.remove(one)
        self._working.append(one)
        self._round = max(self._round, self._rounds[id(one)]) + 1 / _PATIENCE

    def leave(self, one: PlacedT) -> None:
        """Give the place up."""
        (self._working if one in self._working else self._waiting).remove(one)
        del self._rounds[id(one)]

    def ahead(self, one: PlacedT) -> int:
        """How many have to be done before this one's turn comes: 0 if it may begin, or is at work."""
        if one not in self._waiting:
            return 0
        return max(0, len(self._working) + self._order().index(one) - self.at_once + 1)

    def seconds(self, ahead: int) -> int | None:
        """How long it takes about until so many are done. None for 0, and before anything was measured."""
        return ceil(ahead * sum(self._took) / len(self._took) / self.at_once) if ahead and self._took else None

    def took(self, seconds: float) -> None:
        """Somebody's work has succeeded in that time."""
        self._took.append(seconds)

    def _order(self) -> list[PlacedT]:
        """Those who wait, the next one first: by round, then as they came."""
        return sorted(self._waiting, key=lambda one: self._rounds[id(one)])
