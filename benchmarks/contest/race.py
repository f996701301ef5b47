"""One race: several pieces of work that take turns, and what they took."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

Work = Callable[[], object]
# Work that measures itself, such as a process of its own, gives seconds of the clock and of the processor.
Clock = Callable[[], tuple[float, float]]
OURS, FLOOR, PEER = "ours", "floor", "peer"


@dataclass(frozen=True)
class Entry:
    """One of a race.

    Attributes:
        name: As the table has it.
        work: What is measured. Its first call is not counted.
        kind: OURS, FLOOR (what the task takes at the least) or PEER (another way to do it).
        per: How many times the task is done in one call.
        measures: Whether `work` returns its own (seconds, processor seconds).
    """

    name: str
    work: Work | Clock
    kind: str = PEER
    per: float = 1
    measures: bool = False


@dataclass(frozen=True)
class Times:
    """Milliseconds of a piece of work, one value a turn: by the clock and of the processor."""

    name: str
    kind: str
    clock: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Of the processor's milliseconds."""
        return float(np.median(self.processor))

    @property
    def quartiles(self) -> tuple[float, float]:
        """Between which half of the processor's milliseconds lie."""
        low, high = np.percentile(self.processor, [25, 75])
        return float(low), float(high)


@dataclass(frozen=True)
class Race:
    """Entries that do the same, or of which one is the floor of the others.

    Attributes:
        title: A heading.
        what: One sentence: the task and its size.
        entries: The first one is compared with all others.
        slow: A third of the turns is enough.
    """

    title: str
    what: str
    entries: Sequence[Entry]
    slow: bool = False


def run(race: Race, rounds: int, seed: int = 0) -> list[Times]:
    """Let all entries take turns, in another order each time.

    Args:
        race: The race.
        rounds: Turns of each entry that count; one more at first does not.
        seed: Of the order.

    Returns:
        What each entry took, in the order of the race.
    """
    found, order = [Times(entry.name, entry.kind) for entry in race.entries], random.Random(seed)
    for turn in range(rounds + 1):
        places = list(range(len(race.entries)))
        order.shuffle(places)
        for place in places:
            clock, processor = _measured(race.entries[place])
            if turn:
                found[place].clock.append(clock)
                found[place].processor.append(processor)
    return found


def _measured(entry: Entry) -> tuple[float, float]:
    if entry.measures:
        seconds = entry.work()
        assert isinstance(seconds, tuple)
        clock, processor = seconds
    else:
        begun, worked = time.perf_counter(), time.process_time()
        entry.work()
        clock, processor = time.perf_counter() - begun, time.process_time() - worked
    return 1000 * clock / entry.per, 1000 * processor / entry.per
