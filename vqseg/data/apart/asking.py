"""The caller's end: a file is read by another process, and comes back as if it had been read here."""

from __future__ import annotations

import logging
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any, TypeVar

from vqseg.data.apart import wire
from vqseg.data.apart.processes import FreshProcesses, Nursery, Running, StartError
from vqseg.data.limits import MAX_BYTES, ScanError
from vqseg.data.scan import Source
from vqseg.types import Scan

logger = logging.getLogger(__name__)

_LOOK = 0.1
"""Seconds after which the clock and the caller are looked at again."""
_SLOWEST = 5e6
"""Bytes a second below which no format reads, on a busy server either."""
_CPU_LIMIT = -24

Answer = TypeVar("Answer")

processes: Nursery | FreshProcesses = Nursery() if hasattr(os, "fork") else FreshProcesses()
"""Those that read for this process."""


@dataclass(frozen=True)
class Bounds:
    """What reading may take. memory: bytes beside the loaded readers; None for what the largest volume takes in any format.

    seconds: of the clock; None for a minute and as long as it takes to read so many bytes slowly.
    """

    memory: int | None = None
    seconds: float | None = None

    def of(self, paths: Sequence[Path], most_bytes: int) -> tuple[int, float]:
        """Both, for files that hold a volume of at most so many bytes."""
        # A reader takes the result and at most three times as much besides (tests/test_reader_peaks.py), or what a limit counts for more.
        memory = (1 << 29) + 4 * most_bytes if self.memory is None else self.memory
        seconds = 60 + sum(map(_size, paths)) / _SLOWEST if self.seconds is None else self.seconds
        return memory, seconds


def prepare() -> None:
    """Load the readers of the other process now, so that nobody waits for them. Raises OSError if there can be no process."""
    processes.prepare()


def read_apart(
    path: Source, frame: int | None = None, *, channels: int = 1, series: int | None = None, most_bytes: int = MAX_BYTES,
    bounds: Bounds = Bounds(), labels: bool = False, scratch: Path | None = None, wanted: Callable[[], object] = lambda: None,
) -> Scan:  # fmt: skip
    """Read a scan as `read_scan` does, or labels as `read_numbers` does, by the same readers, in a process of its own.

    Args:
        path: As for `read_scan`, and so are `frame`, `channels`, `series` and `most_bytes`.
        frame: Number of the frame, from 0.
        channels: How many the scan has.
        series: Number of the DICOM series, from 1.
        most_bytes: Largest volume.
        bounds: What it may take.
        labels: Whether the numbers of a label file are read.
        scratch: In which a folder for temporary files is made and deleted; None for the system's.
        wanted: Called several times a second; whatever it raises ends the reading and is raised here.

    Raises:
        ScanError: As `read_scan`; also if reading takes too long or too much memory, or ends its process.
    """
    asked = {"task": "numbers" if labels else "read", "frame": frame, "channels": channels, "series": series, "most_bytes": most_bytes}

    def take(running: Running, told: dict[str, Any], name: str) -> Scan:
        return wire.receive_scan(running.answers, told["scan"], name, most_bytes, finite=not labels)

    return _asked(path, asked, most_bytes, bounds, scratch, wanted, take)


def series_apart(
    path: Source, *, bounds: Bounds = Bounds(), scratch: Path | None = None, wanted: Callable[[], object] = lambda: None
) -> tuple[tuple[str, ...], int]:
    """A line for every DICOM series as `list_series` gives it, and the number of the one with the most images, 0 without any.

    Args:
        path: As for `read_apart`, and so are the others.
        bounds: What it may take.
        scratch: In which a folder for temporary files is made.
        wanted: Whatever it raises ends the reading.

    Raises:
        ScanError: As `list_series` and `read_apart`.
    """

    def take(_: Running, told: dict[str, Any], __: str) -> tuple[tuple[str, ...], int]:
        labels, largest = told["series"], told["largest"]
        if not isinstance(labels, list) or not all(isinstance(one, str) for one in labels) or not isinstance(largest, int):
            raise wire.WireError("no series")
        return tuple(labels), largest

    return _asked(path, {"task": "list"}, MAX_BYTES // 4, bounds, scratch, wanted, take)


def _asked(
    path: Source, asked: dict[str, Any], most_bytes: int, bounds: Bounds, scratch: Path | None, wanted: Callable[[], object],
    take: Callable[[Running, dict[str, Any], str], Answer],
) -> Answer:  # fmt: skip
    files = [Path(path)] if isinstance(path, (str, Path)) else [Path(one) for one in path]
    name = min((one.name for one in files), default="scan")
    memory, seconds = bounds.of(files, most_bytes)
    paths = [str(one.absolute()) for one in files]
    asked = {**asked, "paths": paths[0] if len(paths) == 1 else paths, "memory": memory, "seconds": seconds}
    try:
        with tempfile.TemporaryDirectory(prefix="vqseg-read-", dir=scratch) as own:
            return _exchanged({**asked, "scratch": own}, name, wanted, take)
    except StartError as error:
        raise ScanError(f"{name} could not be read: the server has no room for a process that reads it; try again") from error
    except OSError as error:
        # The folder may be gone, with the visit. The error's own text has its path.
        raise ScanError(f"cannot read {name}: {error.strerror or type(error).__name__}") from error


def _exchanged(
    asked: dict[str, Any], name: str, wanted: Callable[[], object], take: Callable[[Running, dict[str, Any], str], Answer]
) -> Answer:
    running = processes.start()
    watch = _Watch(running, asked["seconds"], wanted)
    try:
        wire.send(running.request, asked)
        told = wire.receive(running.answers)
        _require_answer(told, name, asked["memory"])
        return take(running, told, name)
    except (wire.WireError, OSError, KeyError) as error:
        watch.stop()
        raise _why(name, watch, running.end(), asked["seconds"], asked["memory"]) from error
    finally:
        watch.stop()
        running.end()
        _close(running)


class _Watch(Thread):
    """Ends a process when its time is over, or when nobody wants its answer any more."""

    def __init__(self, running: Running, seconds: float, wanted: Callable[[], object]) -> None:
        super().__init__(name="reading", daemon=True)
        self._running, self._until, self._wanted, self._over = running, time.monotonic() + seconds, wanted, Event()
        self.late = False
        self.unwanted: BaseException | None = None
        self.start()

    def run(self) -> None:
        while not self._over.wait(_LOOK):
            try:
                self._wanted()
            except BaseException as error:  # Whatever it is, it is raised to whoever waits for the scan.
                self.unwanted = error
            self.late = time.monotonic() > self._until
            if self.late or self.unwanted is not None:
                self._running.end()
                return

    def stop(self) -> None:
        self._over.set()
        self.join()


def _require_answer(told: dict[str, Any], name: str, memory: int) -> None:
    """Raise ScanError if the answer is why there is none."""
    if isinstance(told.get("error"), str):
        raise ScanError(told["error"][:2000])
    if "memory" in told:
        raise _too_much(name, memory)
    if "fault" in told:
        logger.error("a reader failed: %s", str(told["fault"])[:500])
        raise ScanError(f"{name} could not be read: it is damaged in a way that its reader does not expect")


def _why(name: str, watch: _Watch, status: int, seconds: float, memory: int) -> BaseException:
    """Why a process gave no answer."""
    if watch.unwanted is not None:
        return watch.unwanted
    if watch.late or status == _CPU_LIMIT:
        return ScanError(f"{name} took more than {seconds:.0f} s to read; it was given up")
    logger.error("a process that reads has ended with status %d", status)
    return ScanError(
        f"{name} has ended the process that read it: it is damaged, or takes more than {_amount(memory)} to read; it was given up"
    )


def _too_much(name: str, memory: int) -> ScanError:
    return ScanError(f"{name} takes more than {_amount(memory)} of memory to read; it was given up")


def _amount(memory: int) -> str:
    return f"{memory / 2**30:.1f} GiB" if memory >= 2**30 else f"{memory / 2**20:.0f} MiB"


def _close(running: Running) -> None:
    for one in (running.request, running.answers):
        try:
            one.close()
        except OSError:
            continue


def _size(path: Path) -> int:
    try:
        return sum(one.stat().st_size for one in path.rglob("*") if one.is_file()) if path.is_dir() else path.stat().st_size
    except OSError:
        return 0
