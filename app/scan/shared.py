"""Answers about bundled examples: computed once for all visitors, and kept up to a number of bytes.

Nothing of a visitor's own scan is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from itertools import count
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from app.scan.computing import COMPUTING
from app.scan.fair import Rank
from app.scan.lru import Lru

if TYPE_CHECKING:
    from app.scan.models import Served
    from app.scan.open_scan import OpenScan

Answer = dict[str, Any]

MOST_BYTES = 2**28
"""Of all kept answers. A frame of a heart takes about 80 kB."""
EPSILON_STEPS = 100
"""The slider of epsilon has steps of 1 / 100. Answers between them are computed for whoever asks, and not kept."""
# What an answer takes besides its texts.
_BYTES_AN_ANSWER = 2048


def on_grid(strength: float) -> bool:
    """Whether the slider can stand at this epsilon, so that others may ask for it too."""
    return round(strength * EPSILON_STEPS) / EPSILON_STEPS == strength


class SharedAnswers:
    """The answers by example, checkpoint, frame of a cine, and settings."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """Start empty.

        Args:
            most_bytes: Of all answers that are kept.
        """
        self._kept: Lru[Hashable, Answer] = Lru(most_bytes, _weight)
        # A checkpoint that was loaded again may have been trained further: it gets another number.
        self._numbers: WeakKeyDictionary[Served, int] = WeakKeyDictionary()
        self._next, self._lock = count(), Lock()

    def kept(self, scan: OpenScan, key: Hashable, make: Callable[[], Answer]) -> Answer:
        """An answer that takes little time: it needs no turn, and two visitors at once may both compute it.

        Args:
            scan: The scan that it is about.
            key: What is asked, with all settings.
            make: Computes it. The answer must not be changed later.

        Returns:
            The answer. That about a visitor's own scan is always computed.
        """
        if scan.example is None:
            return make()
        whole = self._whole(scan, key)
        return self._kept.get(whole) or self._kept.keep_first(whole, make())

    def computed(
        self,
        scan: OpenScan,
        key: Hashable,
        make: Callable[[], Answer],
        *,
        rank: Rank = Rank.BESIDE,
        lane: Hashable = None,
        keep: bool = True,
    ) -> Answer:
        """An answer that takes a turn of the processor, unless it is kept. Whoever wants the same at the same time waits for it.

        Args:
            scan: As for `kept`, like the next two.
            key: What is asked.
            make: Computes it.
            rank: As for Computing.turn, like the next one.
            lane: Whose waiting claim is replaced.
            keep: False for settings that nobody else will ask for.

        Returns:
            The answer.

        Raises:
            OutOfDateError: As for Computing.turn.
            LaterError: As for Computing.turn.
        """
        if scan.example is None or not keep:
            with COMPUTING.turn(rank, lane=lane):
                return make()
        whole = self._whole(scan, key)
        found = self._kept.get(whole)
        if found is not None:
            return found
        with COMPUTING.turn(rank, lane=lane, work=whole, ready=lambda: whole in self._kept):
            # Somebody else may have computed it since.
            return self._kept.get(whole) or self._kept.keep_first(whole, make())

    @property
    def byte_size(self) -> int:
        """Bytes of what is kept."""
        return self._kept.weight

    def __len__(self) -> int:
        return len(self._kept)

    def _whole(self, scan: OpenScan, key: Hashable) -> Hashable:
        with self._lock:
            number = self._numbers.setdefault(scan.model, next(self._next))
        return scan.example, number, scan.frame, scan.truth is not None, key


def _weight(answer: Answer) -> int:
    return _BYTES_AN_ANSWER + sum(len(value) for value in answer.values() if isinstance(value, str))


# All tabs share this one.
SHARED = SharedAnswers()
