"""python -m vqseg table ef: ejection fractions of finished checkpoints against those of the ground truth. Nothing is trained."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vqseg.cardiac import PHASES
from vqseg.cli.parsing import parse
from vqseg.cli.progress import bar

NAME = "ef"


@dataclass(frozen=True, kw_only=True)
class EjectionFraction:
    """Ejection fraction of the left ventricle: finished checkpoints against the ground truth, with a Bland-Altman plot."""

    checkpoint: tuple[str, ...] = ("checkpoints/acdc-10", "checkpoints/acdc-05")
    """Checkpoint folders or Hub ids that know the left ventricle."""
    data: Path
    """Data set folder: two volumes a patient, end-diastole and end-systole, with labels."""
    split: tuple[str, ...] = ("val",)
    """One or more of train, val, test and all; the figure draws the limits of the first two."""
    phases: tuple[str, str] = PHASES
    """The words in the cases' names that stand for end-diastole and end-systole."""
    output: Path = Path("docs/results")
    """Folder for ef.md, ef.json and ef.png."""
    overwrite: bool = False
    """Replace files of these names that are no such table."""


def run(rest: Sequence[str]) -> int:
    """Run the command. Returns the exit status."""
    command = parse(EjectionFraction, f"table {NAME}", rest)
    from vqseg.experiments.ejection import measure_ejection
    from vqseg.experiments.ejection_report import write_ejection
    from vqseg.outputs import refuse_strangers, table_files

    refuse_strangers(table_files(command.output, NAME), overwrite=command.overwrite)
    start = time.perf_counter()
    found = [
        measure_ejection(
            checkpoint,
            command.data,
            command.split,
            lambda pairs, name=checkpoint: bar(pairs, name, unit="patient"),  # type: ignore[misc]
            phases=command.phases,
        )
        for checkpoint in command.checkpoint
    ]
    line = shlex.join(["python", "-m", "vqseg", "table", NAME, *rest])
    for file in write_ejection(found, command.output, seconds=time.perf_counter() - start, command=line):
        print(file)
    return 0
