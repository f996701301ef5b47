"""How the app bears many visitors at once: python benchmarks/load.py [--visitors 16] [--seconds 300] [--rest 120] [--scan FILE ...]

Starts the app, or asks one that runs under --url. First a lone visitor asks everything once. Then all visitors ask at the same time:
each opens examples, uploads a scan of its own, moves epsilon on both, and sends its scan to /segment, one thing after the other. Every
answer is compared with that of the lone visitor, so a wrong answer, or one that belongs to somebody else, is found. Without --scan the
scans are phantoms of ACDC's size, another one for each visitor.

Prints for each kind of request how many were answered and refused, and how long they took in seconds; the memory of the app when it is
fresh, after the lone visitor (before), at the most and after all visitors have left and --rest seconds have passed; the seconds of
processor time that it had; and the machine's load. Exit status 1 if an answer was wrong
or if a request has failed. The times mean something only on an idle machine.

python benchmarks/load.py --drag own|example [--processes 2] measures frames instead: each visitor opens a scan, its own or all the same
example, and then all drag epsilon for --seconds, each asking for the next frame when it has the one before.

python benchmarks/load.py --students 30 teaches a class: a teacher leads through all steps of the lesson, and as many pages follow, each of
which asks once a second, fetches the numbers and the frame of every step, and replies.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import httpx
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from crowd.dragging import dragging
from crowd.lesson import lesson
from crowd.running import app
from crowd.scans import write_scans
from crowd.tally import KINDS, Tally
from crowd.visitor import Page, Visitor


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--rest", type=float, default=120, help="seconds after the last visit, until the memory is read again")
    parser.add_argument("--pause", type=float, default=0.5, help="mean seconds between two requests of a visitor")
    parser.add_argument("--scan", type=Path, nargs="+", default=None)
    parser.add_argument("--port", type=int, default=7898)
    parser.add_argument("--url", default=None, help="of an app that runs already; its memory is not read")
    parser.add_argument("--drag", choices=("own", "example"), default=None, help="measure the frames of visitors who drag epsilon")
    parser.add_argument("--processes", type=int, default=1, help="of the app, over which those who drag are spread")
    parser.add_argument("--students", type=int, default=None, help="teach a class of so many")
    known = parser.parse_args()
    if known.students:
        return teach(known)
    with tempfile.TemporaryDirectory() as folder:
        scans = known.scan or write_scans(Path(folder), known.visitors)
        if known.drag:
            return drag(known, scans if known.drag == "own" else [])
        if known.url:
            tally = asyncio.run(crowd(known.url, scans, known.visitors, known.seconds, known.pause))
        else:
            with app(known.port) as (url, process), Memory(process) as memory:
                memory.mark("fresh")
                tally = asyncio.run(crowd(url, scans, known.visitors, known.seconds, known.pause, memory.mark))
                memory.mark("left")
                time.sleep(known.rest)
                memory.mark("rested")
            print(memory)
    print(report(tally))
    print(f"{os.cpu_count()} cores, load average {' '.join(f'{value:.1f}' for value in os.getloadavg())}")
    return 1 if tally.wrong or tally.failed else 0


def drag(known: argparse.Namespace, scans: Sequence[Path]) -> int:
    """Let visitors drag epsilon, and print what came of it."""
    with ExitStack() as stack:
        ports = range(known.port, known.port + known.processes)
        apps = [(known.url, None)] if known.url else [stack.enter_context(app(port)) for port in ports]
        worked = (lambda: float("nan")) if known.url else lambda: sum(processor_seconds(process) for _, process in apps)
        drags = asyncio.run(dragging([url for url, _ in apps], scans, known.visitors, known.seconds, worked))
    print(drags)
    print(f"{known.processes} processes, {os.cpu_count()} cores, load average {' '.join(f'{value:.1f}' for value in os.getloadavg())}")
    return 1 if drags.others else 0


def teach(known: argparse.Namespace) -> int:
    """Teach a class, and print what came of it."""
    if known.url:
        taught = asyncio.run(lesson(known.url, known.students, known.pause))
    else:
        with app(known.port) as (url, process), Memory(process) as memory:
            memory.mark("fresh")
            taught = asyncio.run(lesson(url, known.students, known.pause, memory.mark))
            memory.mark("left")
            print(
                f"memory in MiB: {', '.join(f'{name} {value:.0f}' for name, value in memory.marks.items())}, at the most {memory.most:.0f}"
            )
            (begun, at), (ended, until) = memory.seconds["before"], memory.seconds["taught"]
            print(f"the lesson's {until - at:.0f} s had {ended - begun:.0f} s of processor time")
    print(taught)
    print(f"{os.cpu_count()} cores, load average {' '.join(f'{value:.1f}' for value in os.getloadavg())}")
    return 1 if taught.failed else 0


class Memory:
    """The memory of a process in MiB, read every second until the block ends, and its processor time."""

    def __init__(self, process: int) -> None:
        self._process, self._over, self.values, self.marks = process, threading.Event(), list[float](), dict[str, float]()
        self.seconds: dict[str, tuple[float, float]] = {}

    def read(self) -> float:
        """What the process holds now."""
        lines = Path(f"/proc/{self._process}/status").read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))

    def mark(self, name: str) -> None:
        """Keep the present values under a name."""
        self.marks[name] = self.read()
        self.seconds[name] = processor_seconds(self._process), time.monotonic()

    @property
    def most(self) -> float:
        """The largest of all values."""
        return max(self.values, default=0.0)

    def __enter__(self) -> Memory:
        self._thread = threading.Thread(target=self._follow)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def __str__(self) -> str:
        marks = ", ".join(f"{name} {value:.0f}" for name, value in self.marks.items())
        before, after = self.marks["before"], self.marks["rested"]
        (begun, at), (ended, until) = self.seconds["before"], self.seconds["left"]
        worked = f"the crowd's {until - at:.0f} s had {ended - begun:.0f} s of processor time"
        return f"memory in MiB: {marks}, at the most {self.most:.0f}; {100 * (after / before - 1):+.1f} % of before\n{worked}"

    def _follow(self) -> None:
        while not self._over.wait(1):
            self.values.append(self.read())


def processor_seconds(process: int) -> float:
    """The processor time that a process has had, in seconds."""
    # The 14th and 15th field: in user and system mode. The 2nd, the program's name, may have spaces, and ends with a parenthesis.
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def crowd(
    url: str, scans: Sequence[Path], visitors: int, seconds: float, pause: float, mark: Callable[[str], None] = lambda _: None
) -> Tally:
    """All visitors at once, after a lone one.

    Args:
        url: Where the app listens.
        scans: Visitor i has scan i of these, from the start again if there are fewer.
        visitors: How many.
        seconds: How long they go on; what is under way then is finished.
        pause: Mean seconds between two requests of a visitor.
        mark: Called with "before" when the lone visitor has left.

    Returns:
        What came of their requests, without those of the lone visitor.
    """
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=4 * visitors)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=600) as client:
        page = Page((await client.get("/config")).raise_for_status().json())
        lone = Tally()
        for number, scan in enumerate(dict.fromkeys(scans)):
            await _visit(Visitor(client, page, lone, random.Random(number), 0.0), scan, None)
        if lone.wrong or lone.failed or any(lone.refused.values()):
            raise SystemExit(f"a lone visitor was not served: {lone.wrong} {lone.failed} {lone.refused}")
        mark("before")
        tally, deadline = Tally(expected=lone.expected), time.monotonic() + seconds
        some = [Visitor(client, page, tally, random.Random(number), pause) for number in range(visitors)]
        await asyncio.gather(*(_visit(one, scans[number % len(scans)], deadline) for number, one in enumerate(some)))
    return tally


async def _visit(visitor: Visitor, scan: Path, deadline: float | None) -> None:
    stop = asyncio.Event()
    alive = asyncio.create_task(visitor.stay(stop))
    try:
        await (visitor.everything(scan) if deadline is None else visitor.until(deadline, scan))
    finally:
        stop.set()
        await alive


def report(tally: Tally) -> str:
    """What came of the requests, as a table."""
    lines = ["| request | answered | refused | median s | 95 % s | longest s |", "|---|---|---|---|---|---|"]
    for kind in KINDS:
        taken = np.array(tally.seconds[kind] or [np.nan])
        figures = " | ".join(f"{value:.2f}" for value in (np.median(taken), np.percentile(taken, 95), taken.max()))
        lines.append(f"| {kind} | {len(tally.seconds[kind])} | {tally.refused[kind]} | {figures} |")
    lines.append(
        f"{len(tally.wrong)} wrong answers {tally.wrong[:3]}, {len(tally.failed)} failed {tally.failed[:3]}; {tally.waits} told to wait"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
