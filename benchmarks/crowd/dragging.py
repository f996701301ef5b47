"""Visitors who drag epsilon: how many frames each of them gets."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import httpx
import numpy as np

from crowd.tally import Tally
from crowd.visitor import Page, Visitor

# There and back, by the steps of the slider.
SWEEP = [step / 100 for step in (*range(100), *range(100, 0, -1))]


@dataclass
class Drags:
    """What came of it.

    Attributes:
        seconds: How long they dragged.
        alone: How long each frame of a lone visitor took, who came first.
        waits: By visitor, how long each frame took.
        others: Requests that were answered otherwise: refused, failed, or out of date.
        worked: Processor time of the app meanwhile, in seconds; NaN if it is not known.
    """

    seconds: float
    alone: list[float] = field(default_factory=list)
    waits: list[list[float]] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    worked: float = np.nan

    def __str__(self) -> str:
        rates = np.array([len(waits) / self.seconds for waits in self.waits])
        waits = np.concatenate([*map(np.array, self.waits), [np.nan]])[:-1]
        each = " | ".join(f"{value:.2f}" for value in (np.median(rates), rates.min(), rates.max(), rates.sum()))
        took = " | ".join(f"{value:.2f}" for value in (np.median(waits), np.percentile(waits, 95), waits.max()))
        lines = [
            "| visitors | frames/s of each: median | least | most | of all | a frame took s: median | 95 % | longest |",
            "|" + "---|" * 8,
        ]
        lines.append(f"| {len(self.waits)} | {each} | {took} |")
        lines.append(f"{len(self.others)} answers were no frames {self.others[:3]}")
        lines.append(f"the app had {1000 * self.worked / max(1, len(waits)):.1f} ms of processor time a frame")
        lines.append(f"before them a lone visitor's {len(self.alone)} new frames took {np.median(self.alone):.2f} s each (median)")
        return "\n".join(lines)


async def dragging(
    urls: Sequence[str], scans: Sequence[Path], visitors: int, seconds: float, worked: Callable[[], float] = lambda: np.nan
) -> Drags:
    """Let visitors open something, one after the other, and then all drag epsilon at the same time.

    Args:
        urls: Where the processes of the app listen. The visitors are spread over them, as by a proxy that keeps to one for each visit.
        scans: Visitor i opens scan i of these as its own; all open the first example if there are none.
        visitors: How many.
        seconds: How long they drag.
        worked: Gives the processor time that the app has had so far, in seconds.

    Returns:
        What came of it.
    """
    drags, tally = Drags(seconds), Tally()
    async with AsyncExitStack() as stack:
        stop, alive, some = asyncio.Event(), [], list[tuple[Visitor, dict]]()
        for number in range(visitors):
            # Each keeps cookies of its own, as browsers do.
            client = await stack.enter_async_context(httpx.AsyncClient(base_url=urls[number % len(urls)], timeout=600))
            (await client.get("/")).raise_for_status()
            page = Page((await client.get("/config")).raise_for_status().json())
            visitor = Visitor(client, page, tally, random.Random(number), 0.0)
            alive.append(asyncio.create_task(visitor.stay(stop)))
            some.append((visitor, await visitor.shown(scans[number % len(scans)] if scans else None)))
        # Everything that visitors of one example ask for is known afterwards: they are measured as those who come after somebody else.
        drags.alone = await _drag(*some[0], SWEEP[: 30 if scans else 101], np.inf, drags.others)
        before, until = worked(), time.monotonic() + seconds
        drags.waits = await asyncio.gather(*(_drag(*one, _from(17 * number), until, drags.others) for number, one in enumerate(some)))
        drags.worked = worked() - before
        stop.set()
        await asyncio.gather(*alive)
    return drags


def _from(place: int) -> Iterable[float]:
    """There and back without end, from a place of one's own."""
    place %= len(SWEEP)
    return cycle(SWEEP[place:] + SWEEP[:place])


async def _drag(visitor: Visitor, shown: dict, epsilons: Iterable[float], until: float, others: list[str]) -> list[float]:
    """Ask for one frame after the other, as a page does. Returns how long each took."""
    waits = list[float]()
    for epsilon in epsilons:
        if (begun := time.monotonic()) >= until:
            break
        try:
            answer = await visitor.frame(shown, epsilon)
        except (httpx.HTTPError, RuntimeError) as error:
            others.append(repr(error))
            continue
        if "labels" in answer:
            waits.append(time.monotonic() - begun)
        else:
            others.append(str(answer))
    return waits
