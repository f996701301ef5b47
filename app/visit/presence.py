"""Which visits are here. A page, and gradio_client, hold a connection open for as long as they last: the heartbeat."""

from __future__ import annotations

from collections import Counter
from threading import Lock

from app.scan.lru import Lru

_REMEMBERED = 4096


class Presence:
    """Counts the heartbeats of every visit, and remembers for a while who has left."""

    def __init__(self) -> None:
        self._here: Counter[str] = Counter()
        self._at: Counter[str] = Counter()
        self._left: Lru[str, bool] = Lru(_REMEMBERED)
        self._lock = Lock()

    def arrive(self, owner: str, address: str = "") -> None:
        """A heartbeat of this visit has begun, from this address. A visit whose connection broke down may come back."""
        with self._lock:
            self._here[owner] += 1
            self._at[address] += 1
            self._left.pop(owner)

    def leave(self, owner: str, address: str = "") -> bool:
        """A heartbeat of this visit has ended. Returns whether it was the last one: the visit has ended."""
        with self._lock:
            self._here[owner] -= 1
            self._at[address] -= 1
            if self._at[address] <= 0:
                del self._at[address]
            if self._here[owner] > 0:
                return False
            del self._here[owner]
            self._left.put(owner, True)
            return True

    def has_left(self, owner: str) -> bool:
        """Whether this visit was here and has ended. What is being made for it comes too late."""
        return self._left.get(owner) is not None

    def anybody_at(self, address: str) -> bool:
        """Whether a visit is here from this address."""
        return address in self._at

    def __len__(self) -> int:
        return len(self._here)
