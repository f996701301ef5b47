"""python -m vqseg report: a finished run as one page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from vqseg.cli.parsing import parse
from vqseg.cli.progress import bar


@dataclass(frozen=True, kw_only=True)
class ReportCommand:
    """Measure a finished run and write RUN/report.html: curves, scores, and the worst cases as pictures."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of the run, as train.output named it."""
    data: Path | None = None
    """Data set folder; that of the run's configuration if not given."""
    split: str = "val"
    """Whose cases are measured and shown: train, val, test or all."""
    worst: int = 6
    """How many of the worst cases are shown."""


def run(rest: Sequence[str]) -> int:
    """Run the command. Returns the exit status."""
    command = parse(ReportCommand, "report", rest)
    from vqseg.report import write_run_report

    file = write_run_report(
        command.run,
        data=command.data,
        split=command.split,
        worst=command.worst,
        progress=lambda cases: bar(cases, "measuring", unit="case"),
    )
    print(f"report: {file}")
    return 0
