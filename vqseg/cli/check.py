"""python -m vqseg check: look through a data set before training with it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import tyro

from vqseg.cli.parsing import parse
from vqseg.cli.progress import bar


@dataclass(frozen=True, kw_only=True)
class Check:
    """Open every scan and label file of a data set and say all that is wrong with it (exit status 1), without training anything."""

    folder: Annotated[Path, tyro.conf.Positional]
    """Data set folder."""
    output: Path | None = None
    """JSON file to write; the report is printed in any case."""
    overwrite: bool = False
    """Replace a file of this name that this command did not write."""


def run(rest: Sequence[str]) -> int:
    """Run the command. Returns the exit status."""
    command = parse(Check, "check", rest)
    from vqseg.data.checking import check_folder, lines
    from vqseg.data.datasets import inputs_of
    from vqseg.outputs import Outputs

    outputs = (
        Outputs(command.output.parent, "check", inputs=inputs_of(command.folder), overwrite=command.overwrite) if command.output else None
    )
    if outputs and command.output:
        outputs.check(command.output)
    report = check_folder(command.folder, lambda cases: bar(cases, "checking", unit="case"))
    for line in lines(report):
        print(line)
    if outputs and command.output:
        outputs.write_text(command.output, json.dumps({**asdict(report), "problems": len(report.problems)}, indent=2) + "\n")
    return 1 if report.problems else 0
