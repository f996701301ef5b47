"""Runs `predict` in processes that are killed (SIGKILL) at a chosen place, and prints how each of them ended.

Arguments: folder of scans, checkpoint, folder for the outputs. For each place the output folder gets its name, and the command is killed
there twice, each time when it comes there for the second time. The processes are forks of this one, which has loaded torch before.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import vqseg.cli.known
import vqseg.cli.record
import vqseg.cli.scans
import vqseg.cli.summary
import vqseg.data.scan
import vqseg.inference
from vqseg.cli import main
from vqseg.cli.record import Record
from vqseg.outputs import Outputs


def end() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def on_call(owner: Any, name: str, then: Callable[..., None], *, after: bool = False, number: int = 2) -> None:
    """Before or after a function's call of some number, do something with its arguments."""
    real, calls = getattr(owner, name), [0]

    def replaced(*arguments: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] == number and not after:
            then(*arguments)
        result = real(*arguments, **named)
        if calls[0] == number and after:
            then(*arguments)
        return result

    setattr(owner, name, replaced)


def half_of_labels() -> None:
    def cut(_: Any, __: Any, path: Path, *___: Any) -> None:
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        end()

    on_call(vqseg.data.scan, "write_labels", cut, after=True)


def half_of_a_line() -> None:
    def cut(record: Any, values: Any) -> None:
        record._file.parent.mkdir(exist_ok=True)
        with record._file.open("a") as file:
            file.write(json.dumps(values)[:40])
        end()

    on_call(Record, "_append", cut)


PLACES: dict[str, Callable[[], None]] = {
    "half-of-labels": half_of_labels,
    "half-of-a-line": half_of_a_line,
    "before-the-name": lambda: on_call(Outputs, "_move", lambda *_: end()),
    "after-the-name": lambda: on_call(Outputs, "_move", lambda *_: end(), after=True),
    "before-the-summary": lambda: on_call(vqseg.cli.summary, "know_files", lambda *_: end(), number=1),
}


def ended(place: str, words: list[str]) -> int:
    """How a process of the command ended: the number of the signal, or a status from 0 down."""
    child = os.fork()
    if child == 0:
        PLACES[place]()
        os._exit(main(words))
    status = os.waitpid(child, 0)[1]
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else -os.WEXITSTATUS(status)


if __name__ == "__main__":
    scans, checkpoint, outputs = sys.argv[1:]
    answers = {}
    for name in PLACES:
        command = ["predict", scans, "--checkpoint", checkpoint, "--output", os.path.join(outputs, name)]
        answers[name] = [ended(name, command), ended(name, [*command, "--resume"])]
    print(json.dumps(answers))
