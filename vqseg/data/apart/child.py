"""Runs in the process of its own: sets its limits, reads one request, answers it by the same readers that everybody uses.

As a program it answers one request on its standard streams, where processes cannot be forked.
"""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from typing import Any, BinaryIO

from vqseg.data.apart import wire
from vqseg.data.handed_over import largest_series
from vqseg.data.limits import ScanError, UnforeseenError
from vqseg.data.scan import read_numbers, read_scan, series_of

_LARGEST_FILE = 1 << 33
"""Bytes of a temporary file: what an archive unpacks to at most."""
_ADDRESSES = 1 << 34
"""Bytes of address space beside the memory: mapped files and libraries, which cost none."""


def answer(request: BinaryIO, answers: BinaryIO) -> None:
    """Answer one request.

    Args:
        request: Its message.
        answers: Gets {"scan": ...} and the voxels, {"series": ...}, or {"error": what the person reads}; {"memory": true} where the limit
            was met, and {"fault": where} where a reader raised what it should not.
    """
    asked = wire.receive(request)
    _limit(asked["memory"], asked["seconds"])
    # A process that is ended leaves its temporary files; whoever asked deletes this folder.
    tempfile.tempdir = asked["scratch"]
    try:
        _TASKS[asked["task"]](asked, answers)
    except ScanError as error:
        if isinstance(error.__cause__, MemoryError):
            wire.send(answers, {"memory": True})
        elif isinstance(error, UnforeseenError) and isinstance(error.__cause__, Exception):
            wire.send(answers, {"fault": _place(error.__cause__)})
        else:
            wire.send(answers, {"error": str(error.args[0])})
    except MemoryError:
        wire.send(answers, {"memory": True})
    except OSError as error:
        wire.send(answers, {"fault": type(error).__name__})
    except Exception as error:
        wire.send(answers, {"fault": _place(error)})


def _read(asked: dict[str, Any], answers: BinaryIO) -> None:
    scan = read_scan(asked["paths"], asked["frame"], channels=asked["channels"], series=asked["series"], most_bytes=asked["most_bytes"])
    wire.send_scan(answers, scan)


def _read_numbers(asked: dict[str, Any], answers: BinaryIO) -> None:
    wire.send_scan(answers, read_numbers(asked["paths"], asked["frame"], most_bytes=asked["most_bytes"]))


def _list(asked: dict[str, Any], answers: BinaryIO) -> None:
    series = series_of(asked["paths"])
    wire.send(answers, {"series": [one.label for one in series], "largest": largest_series(series) if series else 0})


_TASKS: dict[str, Callable[[dict[str, Any], BinaryIO], None]] = {"read": _read, "numbers": _read_numbers, "list": _list}


def _limit(memory: int, seconds: float) -> None:
    """As far as the platform has such limits: Linux has all of them, macOS some, Windows none. Whoever asked also looks at the clock."""
    try:
        import resource
    except ImportError:
        return
    processor = int(seconds) + 1
    for name, value in {
        # Of memory that is written to: a mapped file and the libraries do not count.
        "RLIMIT_DATA": memory,
        "RLIMIT_AS": memory + _ADDRESSES,
        "RLIMIT_CPU": processor,
        "RLIMIT_FSIZE": _LARGEST_FILE,
        "RLIMIT_CORE": 0,
    }.items():
        kind = getattr(resource, name, None)
        if kind is None:
            continue
        try:
            hard = resource.getrlimit(kind)[1]
            most = value if hard == resource.RLIM_INFINITY else min(value, hard)
            # A second more until the processor's time is over for good: the first signal says why.
            resource.setrlimit(kind, (most, most + 1 if name == "RLIMIT_CPU" and hard == resource.RLIM_INFINITY else most))
        except (ValueError, OSError):
            continue


def _place(error: Exception) -> str:
    """What was raised, and at which lines of code: nothing of a file's content, name or place."""
    lines = traceback.extract_tb(error.__traceback__)[-4:]
    return f"{type(error).__name__} at " + " < ".join(f"{os.path.basename(one.filename)}:{one.lineno}" for one in reversed(lines))


def main() -> None:
    """Answer the request on the standard input; nothing else reaches the standard output."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    answer(sys.stdin.buffer, answers)
    answers.close()


if __name__ == "__main__":
    main()
