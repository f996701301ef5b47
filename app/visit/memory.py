"""Memory goes back to the system when scans are no longer held.

The C library keeps what a process has freed, in an arena for each thread: after many visits several times of what is in use. glibc can be
told to have few arenas, and to give free pages back. Elsewhere nothing is done.
"""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Callable
from threading import Lock, Timer

logger = logging.getLogger(__name__)

# Of mallopt, in glibc's malloc.h.
_M_ARENA_MAX = -8
# One for each scan that is being opened at a time. More of them would take more memory, and hardly less time.
_ARENAS = 2
# Seconds: a visit that begins soon takes the same memory again.
_DELAY = 15.0


def use_few_arenas() -> None:
    """Limit the arenas of this process. Call it before there are threads."""
    _glibc("mallopt", _M_ARENA_MAX, _ARENAS)


def give_back() -> None:
    """Give all free pages back to the system. It takes some milliseconds."""
    _glibc("malloc_trim", 0)


class GivingBack:
    """Gives memory back a while after scans were dropped, once for all of them."""

    def __init__(self, delay: float = _DELAY, give: Callable[[], None] = give_back) -> None:
        """Do nothing yet.

        Args:
            delay: Seconds from the first call of `soon` until memory is given back.
            give: Gives it back.
        """
        self._delay, self._give, self._lock = delay, give, Lock()
        self._timer: Timer | None = None

    def soon(self) -> None:
        """Something was dropped."""
        with self._lock:
            if self._timer is None:
                self._timer = Timer(self._delay, self._now)
                self._timer.daemon = True
                self._timer.start()

    def _now(self) -> None:
        with self._lock:
            self._timer = None
        self._give()


def _glibc(function: str, *arguments: int) -> None:
    try:
        getattr(ctypes.CDLL(None), function)(*arguments)
    except (AttributeError, OSError, TypeError):
        logger.debug("this C library has no %s", function)
