"""Turns of the processor for pictures: threads wait here until it is their visitor's turn. Opening scans has turns of its own.

A computation here takes a tenth of a second at most: a slice, or a few cells of a diagram. No lock of a scan is held meanwhile, so
visitors of one example are computed for at the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Condition, local

from app.scan.fair import Claim, FairQueue, Rank

AT_ONCE = 2
"""As many as scans that are opened at a time. The network uses all cores for each; two fill the gaps that one leaves."""

_ASKER: ContextVar[Hashable] = ContextVar("asker", default="programs")


class OutOfDateError(Exception):
    """A newer wish of the same visitor has come, or the visitor has gone: nothing is computed."""


class LaterError(Exception):
    """Others wait, so nothing is computed ahead now."""


@contextmanager
def asking(who: Hashable) -> Iterator[None]:
    """Everything that this thread asks for until the block ends is for one visitor.

    Args:
        who: Key of the visitor. Outside of such a block one key stands for all programs.
    """
    former = _ASKER.set(who)
    try:
        yield
    finally:
        _ASKER.reset(former)


class Computing:
    """Lets threads wait for the turns that a FairQueue decides."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        """Start with nobody waiting.

        Args:
            at_once: How many computations are under way at most.
        """
        self._queue, self._changed, self._own = FairQueue(at_once), Condition(), local()

    @contextmanager
    def turn(
        self,
        rank: Rank = Rank.BESIDE,
        *,
        lane: Hashable = None,
        work: Hashable = None,
        ready: Callable[[], bool] = lambda: False,
    ) -> Iterator[bool]:
        """Wait for a turn, which lasts until the block ends. A thread that has one already goes on with it.

        Args:
            rank: As for Claim, like the next two.
            lane: Whose waiting claim it replaces.
            work: What is computed for all.
            ready: Whether another visitor's computation has meanwhile brought what is wanted. Then no turn is needed.

        Yields:
            Whether there is something to compute: False if it is ready.

        Raises:
            OutOfDateError: A newer claim in the same lane has come, or the visitor has gone.
            LaterError: The rank is AHEAD, and there is no room now.
        """
        if getattr(self._own, "has_turn", False):
            yield True
            return
        claim = Claim(_ASKER.get(), rank, lane, work)
        if not self._wait(claim, ready):
            yield False
            return
        self._own.has_turn = True
        try:
            yield True
        finally:
            self._own.has_turn = False
            self._leave(claim)

    def drop(self, who: Hashable) -> None:
        """A visitor has gone: whoever waits in one of its lanes gets an OutOfDateError."""
        with self._changed:
            self._queue.drop(who)
            self._changed.notify_all()

    @property
    def waiting(self) -> int:
        """How many wait for a turn."""
        return self._queue.waiting

    def _wait(self, claim: Claim, ready: Callable[[], bool]) -> bool:
        """Wait. False if what is wanted is there without a turn."""
        queue = self._queue
        with self._changed:
            if queue.refuses(claim):
                raise LaterError
            if queue.enter(claim) is not None:
                self._changed.notify_all()
            while queue.following() is not claim:
                self._changed.wait()
                if claim not in queue:
                    raise OutOfDateError
                if ready():
                    queue.leave(claim)
                    # It may have stood before others.
                    self._changed.notify_all()
                    return False
            queue.start(claim)
            # There may be room for another one.
            self._changed.notify_all()
            return True

    def _leave(self, claim: Claim) -> None:
        with self._changed:
            self._queue.leave(claim)
            self._changed.notify_all()


# All tabs share this one. It knows visitors by their keys only, and keeps nothing of a scan.
COMPUTING = Computing()
