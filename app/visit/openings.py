"""Scans that are being opened: whose turn it is, how far each has come, and which one was cancelled.

Encoding takes seconds to minutes, so the server encodes at most two scans at a time. Who waits holds no voxels: a file is read in its
turn. This module knows neither Gradio nor scans.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition
from time import monotonic
from typing import Any

from app.scan.lru import Lru
from app.visit.places import Places, Wait

AT_ONCE, MOST_WAITING, RESERVED = 2, 16, 8
_REMEMBERED = 256
_LONGEST_TICKET = 64
# Seconds after which work in spare time looks again whether it is still wanted.
_LOOK = 0.5


class CalledOffError(Exception):
    """The visitor cancelled, left, or chose something else. The work is dropped, and no message is needed."""


class Opening:
    """One scan that is being opened.

    Attributes:
        owner: The visit that it is opened for, and whose former opening it cancels.
        visit: Whose place it takes among those who wait.
        stage: What is being done: waiting, loading, reading or encoding.
        share: How much of the stage is done, from 0 to 1.
    """

    def __init__(self, owner: str, visit: str = "", told: Callable[[Wait], None] = lambda _: None) -> None:
        self.owner, self.visit, self.told = owner, visit or owner, told
        self.stage, self.share, self._called_off = "waiting", 0.0, False

    def tell(self, share: float = 0.0, stage: str | None = None) -> None:
        """Report progress. Long work calls this often, because a cancelled opening ends here.

        Args:
            share: How much of the stage is done, from 0 to 1.
            stage: The stage, if it is a new one.

        Raises:
            CalledOffError: If the opening was cancelled.
        """
        if self._called_off:
            raise CalledOffError
        self.stage, self.share = stage or self.stage, share

    def call_off(self) -> None:
        """Cancel: the next `tell` raises CalledOffError."""
        self._called_off = True

    @property
    def called_off(self) -> bool:
        """Whether it was cancelled."""
        return self._called_off


class Openings:
    """All scans that are being opened. A visit opens one scan at a time: a new one cancels the one before. See Places for the order."""

    def __init__(
        self,
        at_once: int = AT_ONCE,
        most_waiting: int = MOST_WAITING,
        reserved: int = RESERVED,
        *,
        after: Callable[[], None] = lambda: None,
    ) -> None:
        """Start empty.

        Args:
            at_once: As for Places, like the next two.
            most_waiting: Any further one is refused,
            reserved: unless it is its visit's only one.
            after: Called when a scan was opened, or a visit has left: there may be memory to give back.
        """
        self._after = after
        self._places: Places[Opening] = Places(at_once, most_waiting, reserved)
        self._by_ticket: dict[str, Opening] = {}
        # Tickets that ended, and whether they were cancelled. That may happen before the request to open arrives.
        self._over: Lru[str, bool] = Lru(_REMEMBERED)
        # The number of each visit's latest choice: requests of one page may arrive in another order than they were sent in.
        self._latest: Lru[str, int] = Lru(_REMEMBERED)
        self._aside = False
        self._changed = Condition()

    @contextmanager
    def opening(
        self, ticket: object = None, owner: str = "", *, visit: str = "", told: Callable[[Wait], None] = lambda _: None
    ) -> Iterator[Opening]:
        """Begin to open a scan, until the block ends. Whatever the visit was opening before is cancelled.

        Args:
            ticket: The key by which the visitor's page asks for the progress. The page makes it up, unguessable, and ends it with "-" and
                the number of the choice. None if nobody will ask. If a ticket is used again while its opening is under way, or after it
                was cancelled, the new opening is cancelled at once, as is one that arrives later than a later choice of its visit.
            owner: The visit; empty for a program, which may open several scans at a time.
            visit: Who the program is, for its place among those who wait.
            told: Called when its place changes while it waits. It must return at once.

        Yields:
            The opening, which the work reports to.
        """
        opening, key = Opening(owner, visit, told), _key(ticket)
        with self._changed:
            again = key is not None and (key in self._by_ticket or self._over.get(key))
            if again or self._is_late(owner, key):
                opening.call_off()
            else:
                self._call_off(owner)
            if key is not None and not again:
                self._by_ticket[key] = opening
        try:
            yield opening
        finally:
            with self._changed:
                if key is not None and not again:
                    del self._by_ticket[key]
                    self._over.put(key, opening.called_off)

    @contextmanager
    def turn(self, opening: Opening) -> Iterator[None]:
        """Wait for the opening's turn, which lasts until the block ends. Raises BusyError, or CalledOffError while it waits."""
        opening.tell()
        with self._changed:
            self._places.enter(opening)
        try:
            self._wait(opening)
            begun = monotonic()
            yield
            self._places.took(monotonic() - begun)
        finally:
            with self._changed:
                self._places.leave(opening)
                self._changed.notify_all()
            self._after()

    def _wait(self, opening: Opening) -> None:
        with self._changed:
            known = 0
            while ahead := self._places.ahead(opening):
                opening.tell(stage="waiting")
                if ahead != known:
                    opening.told(Wait(ahead, self._places.seconds(ahead)))
                known = ahead
                self._changed.wait()
            opening.tell()
            self._places.start(opening)
            # With one more at work, the others' places are other ones.
            self._changed.notify_all()

    @contextmanager
    def spare_time(self, wanted: Callable[[], bool]) -> Iterator[bool]:
        """Wait until no scan is being opened and no other work is done in spare time, which then lasts until the block ends.

        Args:
            wanted: Whether the work is still wanted. It is asked again and again.

        Yields:
            True, or False if the work is not wanted any more.
        """
        with self._changed:
            while wanted() and (self._aside or self._places):
                self._changed.wait(_LOOK)
            free = wanted()
            self._aside = self._aside or free
        try:
            yield free
        finally:
            if free:
                with self._changed:
                    self._aside = False
                    self._changed.notify_all()

    def progress(self, ticket: object) -> dict[str, Any]:
        """Progress for the page.

        Returns:
            "over", whether it has ended; "stage" and "share", as in Opening; "ahead" and "seconds", as in Wait, the latter None unless it
            waits.
        """
        with self._changed:
            opening = self._by_ticket.get(ticket) if isinstance(ticket, str) else None
            if opening is None:
                over = isinstance(ticket, str) and ticket in self._over
                return {"over": over, "stage": "waiting", "share": 0.0, "ahead": 0, "seconds": None}
            ahead = self._places.ahead(opening)
            told = {"stage": opening.stage, "share": opening.share, "ahead": ahead, "seconds": self._places.seconds(ahead)}
            return {"over": False, **told}

    def cancel(self, ticket: object) -> None:
        """Cancel the opening with this ticket, even if its request has not arrived yet."""
        key = _key(ticket)
        if key is None:
            return
        with self._changed:
            if key in self._by_ticket:
                self._by_ticket[key].call_off()
                self._changed.notify_all()
            else:
                self._over.put(key, True)

    def leave(self, owner: str) -> None:
        """Cancel what a visit is opening."""
        with self._changed:
            self._call_off(owner)
        self._after()

    def busy(self, owner: str) -> bool:
        """Whether the visit is opening something that was not cancelled."""
        with self._changed:
            return any(one.owner == owner and not one.called_off for one in self._by_ticket.values())

    def _is_late(self, owner: str, key: str | None) -> bool:
        _, dash, number = (key or "").rpartition("-")
        if not (owner and dash and number.isascii() and number.isdecimal()):
            return False
        latest = self._latest.get(owner) or 0
        self._latest.put(owner, max(latest, int(number)))
        return int(number) < latest

    def _call_off(self, owner: str) -> None:
        for opening in self._by_ticket.values():
            if owner and opening.owner == owner:
                opening.call_off()
        self._changed.notify_all()


def _key(ticket: object) -> str | None:
    """The ticket if it can be one. It comes from a browser, so nothing about it is certain."""
    return ticket if isinstance(ticket, str) and 0 < len(ticket) <= _LONGEST_TICKET else None
