"""Heavy work for one at a time, in the order in which they asked. Nobody is blocked: whoever is refused asks again."""

from __future__ import annotations

import time
from collections.abc import Hashable
from threading import Lock

# Longer than a browser waits before it asks again, with a slow network. One that does not come back holds up the others for this long.
_PATIENCE = 2.0


class Turns:
    """Who may work now. Threads may share it."""

    def __init__(self) -> None:
        """Start with nobody waiting."""
        self._busy = False
        # When each one was last refused, in the order in which they were first refused.
        self._refused: dict[Hashable, float] = {}
        self._lock = Lock()

    def take(self, who: Hashable) -> bool:
        """Begin to work, unless somebody else works or has waited for longer. Who may work has to call `end`.

        Args:
            who: Key of who asks.

        Returns:
            Whether it is their turn.
        """
        with self._lock:
            now = time.monotonic()
            self._refused = {one: last for one, last in self._refused.items() if now - last < _PATIENCE}
            if self._busy or next(iter(self._refused), who) != who:
                self._refused[who] = now
                return False
            self._refused.pop(who, None)
            self._busy = True
            return True

    def end(self) -> None:
        """End the turn."""
        with self._lock:
            self._busy = False
