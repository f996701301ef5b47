"""Whose computation comes next. Fair to visitors, whatever each of them asks for; nothing is computed twice at a time.

Only the order is decided here: no threads, no clock, no scans. app/scan/computing.py lets threads wait for it.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from enum import IntEnum
from itertools import count

from app.scan.lru import Lru

# Visitors whose last turn is remembered. A forgotten one counts as new, and new ones come first.
_REMEMBERED = 4096


class Rank(IntEnum):
    """What a computation is for. Of one visitor's computations the lower rank comes first."""

    SHOWN = 0
    """The picture that the visitor looks at."""
    BESIDE = 1
    """Something else that was asked for: a slice of a volume, a point of a curve."""
    AHEAD = 2
    """A picture that may be wanted later. It is refused while anybody waits, and never waits itself."""


@dataclass(frozen=True, eq=False)
class Claim:
    """One computation that somebody asks for. Each is another one, whatever it says.

    Attributes:
        who: The visitor.
        rank: What it is for.
        lane: A newer claim of the same visitor in the same lane takes the place of one that waits. None leaves all others.
        work: What is computed, if it is computed for all visitors: equal work is not under way twice. None for one's own.
    """

    who: Hashable
    rank: Rank = Rank.BESIDE
    lane: Hashable = None
    work: Hashable = None


class FairQueue:
    """The computations that wait, and those that are under way.

    The next turn is that of the visitor whose last turn is longest ago. So nobody waits for more than one turn of every other.
    """

    def __init__(self, at_once: int) -> None:
        """Start empty.

        Args:
            at_once: How many computations are under way at most.
        """
        self.at_once = at_once
        self._working: list[Claim] = []
        # With the number of its arrival, or that of the claim whose place it took.
        self._waiting: dict[Claim, int] = {}
        self._arrivals, self._turns = count(), count(1)
        # The number of each visitor's last turn.
        self._served: Lru[Hashable, int] = Lru(_REMEMBERED)

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def refuses(self, claim: Claim) -> bool:
        """Whether there is no room for a claim now: only what is fetched ahead is ever refused."""
        return claim.rank is Rank.AHEAD and (bool(self._waiting) or len(self._working) >= self.at_once or self._is_under_way(claim))

    def enter(self, claim: Claim) -> Claim | None:
        """Let a claim wait for its turn.

        Args:
            claim: One that is not refused.

        Returns:
            The waiting claim whose place it took, which is out of date. None if there was none.
        """
        former = None
        if claim.lane is not None:
            former = next((one for one in self._waiting if (one.who, one.lane) == (claim.who, claim.lane)), None)
        self._waiting[claim] = next(self._arrivals) if former is None else self._waiting.pop(former)
        return former

    def drop(self, who: Hashable) -> None:
        """A visitor has gone, or shows another scan: what waits in a lane is out of date."""
        for claim in [one for one in self._waiting if one.who == who and one.lane is not None]:
            del self._waiting[claim]

    def following(self) -> Claim | None:
        """The claim whose turn it is; None if there is no room, or if all that wait are for work that is under way."""
        if len(self._working) >= self.at_once:
            return None
        able = [claim for claim in self._waiting if not self._is_under_way(claim)]
        return min(able, key=lambda claim: (self._served.get(claim.who) or 0, claim.rank, self._waiting[claim]), default=None)

    def start(self, claim: Claim) -> None:
        """From waiting to work."""
        del self._waiting[claim]
        self._working.append(claim)
        self._served.put(claim.who, next(self._turns))

    def leave(self, claim: Claim) -> None:
        """The computation is done, or nobody needs it any more."""
        if self._waiting.pop(claim, None) is None and claim in self._working:
            self._working.remove(claim)

    def __contains__(self, claim: object) -> bool:
        """Whether a claim waits or is under way."""
        return claim in self._waiting or claim in self._working

    def _is_under_way(self, claim: Claim) -> bool:
        return claim.work is not None and any(one.work == claim.work for one in self._working)
