"""python -m vqseg table sensitivity: perturb finished checkpoints in every way. Nothing is trained, and no configuration is read."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vqseg.cli.parsing import parse
from vqseg.cli.progress import bar

NAME = "sensitivity"
_SHIPPED = Path("checkpoints")


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    """What every perturbation does to finished checkpoints: effect, Dice and cross-entropy of some validation slices."""

    checkpoint: tuple[str, ...] = ()
    """Checkpoint folders or Hub ids; all in checkpoints/ if none is given."""
    data: Path | None = None
    """Data set folder; that of each checkpoint's training if not given."""
    slices: int = 16
    """How many slices of each checkpoint, drawn from the validation slices with a structure. 16 take about a minute on one core."""
    seed: int = 0
    """Of the slices and of all random numbers."""
    output: Path = Path("docs/results")
    """Folder for sensitivity.md, sensitivity.json and sensitivity.png."""
    overwrite: bool = False
    """Replace files of these names that are no such table."""


def run(rest: Sequence[str]) -> int:
    """Run the command. Returns the exit status."""
    command = parse(Sensitivity, f"table {NAME}", rest)
    from vqseg.checkpoint import CONFIG, CheckpointError
    from vqseg.experiments.sensitivity import measure_sensitivity
    from vqseg.experiments.sensitivity_report import write_sensitivity
    from vqseg.outputs import refuse_strangers, table_files

    refuse_strangers(table_files(command.output, NAME), overwrite=command.overwrite)
    chosen = command.checkpoint or tuple(str(file.parent) for file in sorted(_SHIPPED.glob(f"*/{CONFIG}")))
    if not chosen:
        raise CheckpointError(f"there is no checkpoint in {_SHIPPED}/; name some with --checkpoint")
    start = time.perf_counter()
    found = [
        measure_sensitivity(
            checkpoint,
            data=command.data,
            count=command.slices,
            seed=command.seed,
            progress=lambda numbers, name=checkpoint: bar(numbers, name, unit="slice"),  # type: ignore[misc]
        )
        for checkpoint in chosen
    ]
    line = shlex.join(["python", "-m", "vqseg", "table", NAME, *rest])
    for file in write_sensitivity(found, command.output, seed=command.seed, seconds=time.perf_counter() - start, command=line):
        print(file)
    return 0
