"""Scans that are being opened: whose turn it is, how far each is, and which of them was called off.

Encoding takes seconds to minutes and every visitor shares two of them at a time. Knows nothing of Gradio nor of scans.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition
from typing import Any

from app.scan.lru import Lru

AT_ONCE, MOST_WAITING = 2, 8
_REMEMBERED = 256
_LONGEST_TICKET = 64


class CalledOffError(Exception):
    """The visitor cancelled, left, or chose something else: what was under way is to be dropped, and nobody need be told."""


class BusyError(RuntimeError):
    """So many visitors wait already that another one is better told so at once."""


class Opening:
    """One scan on its way. stage: what is done at present; share: how much of it, 0 to 1."""

    def __init__(self, owner: str) -> None:
        self.owner, self.stage, self.share, self._called_off = owner, "waiting", 0.0, False

    def tell(self, share: float = 0.0, stage: str | None = None) -> None:
        """Say how far it is. Raises CalledOffError if it shall go no further."""
        if self._called_off:
            raise CalledOffError
        self.stage, self.share = stage or self.stage, share

    def call_off(self) -> None:
        self._called_off = True

    @property
    def called_off(self) -> bool:
        return self._called_off


class Openings:
    """At most `at_once` scans are worked on, `most_waiting` wait in their order, a visit has one at a time: its newest."""

    def __init__(self, at_once: int = AT_ONCE, most_waiting: int = MOST_WAITING) -> None:
        self.at_once, self.most_waiting = at_once, most_waiting
        self._by_ticket: dict[str, Opening] = {}
        # Tickets that are over, or were called off before the server heard of them.
        self._over: Lru[str, bool] = Lru(_REMEMBERED)
        self._queue: list[Opening] = []
        self._changed = Condition()

    @contextmanager
    def opening(self, ticket: Any = None, owner: str = "") -> Iterator[Opening]:
        """Something to be opened for a visit; what the visit was opening before is called off.

        ticket: by which the visitor's page asks for the progress, unguessable and made there; None if nobody will ask. The same
        one again, while the first is under way or after it was called off, is called off itself.
        """
        opening, known = Opening(owner), isinstance(ticket, str) and 0 < len(ticket) <= _LONGEST_TICKET
        with self._changed:
            again = known and (ticket in self._by_ticket or self._over.get(ticket))
            if again:
                opening.call_off()
            else:
                self._call_off(owner)
            if known and not again:
                self._by_ticket[ticket] = opening
        try:
            yield opening
        finally:
            with self._changed:
                if known and not again:
                    del self._by_ticket[ticket]
                    self._over.put(ticket, opening.called_off)

    @contextmanager
    def turn(self, opening: Opening) -> Iterator[None]:
        """Wait for the opening's turn and have it until the block ends. Raises BusyError, or CalledOffError while waiting."""
        opening.tell()
        with self._changed:
            if len(self._queue) >= self.at_once + self.most_waiting:
                raise BusyError(f"The server is busy: {self.most_waiting} scans are waiting already. Please try again in a minute.")
            self._queue.append(opening)
        try:
            with self._changed:
                while self._queue.index(opening) >= self.at_once:
                    opening.tell(stage="waiting")
                    self._changed.wait()
            yield
        finally:
            with self._changed:
                self._queue.remove(opening)
                self._changed.notify_all()

    def progress(self, ticket: Any) -> dict[str, Any]:
        """{"over": True}, or stage, share and, while it waits, how many are ahead of it."""
        with self._changed:
            opening = self._by_ticket.get(ticket) if isinstance(ticket, str) else None
            if opening is None:
                return {"over": isinstance(ticket, str) and ticket in self._over, "stage": "waiting", "share": 0.0, "ahead": 0}
            place = self._queue.index(opening) if opening in self._queue else 0
            return {"over": False, "stage": opening.stage, "share": opening.share, "ahead": max(0, place - self.at_once + 1)}

    def cancel(self, ticket: Any) -> None:
        """Call off what has this ticket, even before it has begun."""
        if not isinstance(ticket, str) or not 0 < len(ticket) <= _LONGEST_TICKET:
            return
        with self._changed:
            if ticket in self._by_ticket:
                self._by_ticket[ticket].call_off()
                self._changed.notify_all()
            else:
                self._over.put(ticket, True)

    def leave(self, owner: str) -> None:
        """Call off what a visit was opening."""
        with self._changed:
            self._call_off(owner)

    def busy(self, owner: str) -> bool:
        """Whether the visit is opening something that was not called off."""
        with self._changed:
            return any(one.owner == owner and not one.called_off for one in self._by_ticket.values())

    def _call_off(self, owner: str) -> None:
        for opening in self._by_ticket.values():
            if owner and opening.owner == owner:
                opening.call_off()
        self._changed.notify_all()
