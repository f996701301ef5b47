"""A class: a teacher leads through the lesson, and the students' pages follow. How long until they have what she shows?"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import httpx
import numpy as np

from crowd.tally import Tally
from crowd.visitor import Page, Visitor

STEPS = ("pixels", "features", "codeword", "tokens", "swap", "decoders", "consistency", "radii")
ANSWERS: dict[str, Any] = {"codeword": "a", "swap": {"near": 5, "far": 50}, "decoders": {"near": 50, "far": 50}}
ANSWERS |= {"consistency": "border", "radii": "same"}
# As the pages do.
_PACE = 1.0


@dataclass
class Taught:
    """What came of it.

    Attributes:
        students: How many.
        told: By step, how long after the teacher's move each student's page knew of it, in seconds.
        followed: By step, how long until it had the step's numbers and the frame.
        replies: How many replies the teacher was told of, by step.
        failed: Requests that were answered otherwise.
        requests: Of the students' pages about the class.
    """

    students: int
    told: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in STEPS})
    followed: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in STEPS})
    replies: dict[str, int] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    requests: int = 0

    def __str__(self) -> str:
        lines = [
            f"{self.students} students",
            "| step | told s: 50 % | 95 % | has numbers and frame s: 50 % | 95 % | replies |",
            "|" + "---|" * 6,
        ]
        for name in (*STEPS, "all"):
            told, followed = ([*chain(*one.values())] if name == "all" else one[name] for one in (self.told, self.followed))
            figures = [np.percentile(values or [np.nan], share) for values in (told, followed) for share in (50, 95)]
            replies = sum(self.replies.values()) if name == "all" else self.replies.get(name, 0)
            lines.append(f"| {name} | {' | '.join(f'{value:.2f}' for value in figures)} | {replies} |")
        lines.append(f"{self.requests} requests about the class; {len(self.failed)} failed {self.failed[:3]}")
        return "\n".join(lines)


async def lesson(
    url: str, students: int, rest: float, mark: Callable[[str], None] = lambda _: None, steps: tuple[str, ...] = STEPS
) -> Taught:
    """Teach a class.

    Args:
        url: Where the app listens.
        students: How many pages follow.
        rest: Seconds that a step lasts at least after all have what it shows.
        mark: Called with "before" when all have joined, and with "taught".
        steps: Which steps.

    Returns:
        What came of it.
    """
    taught = Taught(students)
    async with AsyncExitStack() as stack:
        stop, alive, visits = asyncio.Event(), [], list[tuple[Visitor, dict[str, Any]]]()
        for number in range(students + 1):
            client = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=600))
            page = Page((await client.get("/config")).raise_for_status().json())
            visitor = Visitor(client, page, Tally(), random.Random(number), 0.0)
            alive.append(asyncio.create_task(visitor.stay(stop)))
            visits.append((visitor, await visitor.shown(None)))
        (teacher, shown), *others = visits
        keys = await teacher.in_class("open", token=shown["token"])
        codes = [await visitor.in_class("join", code=keys["code"]) for visitor, _ in others]
        mark("before")
        moved: dict[str, float] = {}
        following = [
            asyncio.create_task(_follow(taught, *one, {"code": keys["code"], "student": joined["student"]}, moved, stop))
            for one, joined in zip(others, codes, strict=True)
        ]
        for step in steps:
            moved[step] = time.monotonic()
            view = {"case": shown["name"], "step": STEPS.index(step) + 1}
            await teacher.in_class("lead", **keys, lead={"view": view, "follows": True, "rounds": {}, "revealed": []})
            while len(taught.followed[step]) + len(taught.failed) < students:
                await asyncio.sleep(0.1)
            await asyncio.sleep(rest)
            taught.replies[step] = (await teacher.in_class("lead", **keys, question=step))["answered"]
        mark("taught")
        stop.set()
        await asyncio.gather(*following, *alive)
    return taught


async def _follow(
    taught: Taught, visitor: Visitor, shown: dict[str, Any], keys: dict[str, str], moved: dict[str, float], stop: asyncio.Event
) -> None:
    """A student's page: it asks once a second, fetches what a new step shows, and replies."""
    # Pages are not loaded in the same moment.
    await asyncio.sleep(random.random() * _PACE)
    seen = -1
    while not stop.is_set():
        begun = time.monotonic()
        try:
            taught.requests += 1
            news = await visitor.in_class("news", **keys, seen=seen)
            seen = news["version"]
            if step := news.get("lead", {}).get("view", {}).get("step"):
                await _take(taught, visitor, shown, keys, STEPS[int(step) - 1], moved)
        except (httpx.HTTPError, RuntimeError) as error:
            taught.failed.append(repr(error))
        await asyncio.sleep(max(0.0, begun + _PACE - time.monotonic()))


async def _take(taught: Taught, visitor: Visitor, shown: dict[str, Any], keys: dict[str, str], name: str, moved: dict[str, float]) -> None:
    taught.told[name].append(time.monotonic() - moved[name])
    epsilon = 0.1 * STEPS.index(name)
    await asyncio.gather(visitor.step(shown, name), visitor.frame(shown, round(epsilon, 1)))
    taught.followed[name].append(time.monotonic() - moved[name])
    await visitor.in_class("answer", **keys, question=name, round=0, reply=ANSWERS.get(name, 10))
