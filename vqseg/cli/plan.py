"""python -m vqseg plan: from a folder of scans to a data set and a configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from vqseg.cli.parsing import parse
from vqseg.cli.progress import bar


@dataclass(frozen=True, kw_only=True)
class PlanCommand:
    """Look at a folder of scans, some with labels; write a data set that links to them, splits and a configuration with every reason."""

    folder: Annotated[Path, tyro.conf.Positional]
    """Folder with images and labels: imagesTr and labelsTr, images and masks, or images with NAME_mask beside them."""
    output: Path
    """Folder for the data set and the configuration. Your files stay as they are."""
    hours: float = 2.0
    """What the training may take on this machine."""
    patient_pattern: str | None = None
    """Regular expression for the patient in a case's name, such as "^(.*?)-slice"; chosen by itself if not given."""
    channels: int | None = None
    """How many channels a scan has, 1 to 4; found out if not given: by files NAME_0000, NAME_0001, by dataset.json, or 3 for pictures in
    colour. With 1 colours are read as grey; with several the volumes of a 4D file are its channels."""
    skip_broken: bool = False
    """Go on without the cases that cannot be used."""
    seed: int = 0
    """Of the split and the run."""


def run(rest: Sequence[str]) -> int:
    """Run the command. Returns the exit status."""
    command = parse(PlanCommand, "plan", rest)
    from vqseg.config.model import MOST_CHANNELS
    from vqseg.planning import PlanError, make_plan, told

    if not 0 < command.hours <= 1000:
        raise PlanError(f"--hours must be above 0 and at most 1000, got {command.hours:g}")
    if command.channels is not None and not 1 <= command.channels <= MOST_CHANNELS:
        raise PlanError(f"--channels must lie in [1, {MOST_CHANNELS}], got {command.channels}")
    plan = make_plan(
        command.folder,
        command.output,
        hours=command.hours,
        seed=command.seed,
        pattern=command.patient_pattern,
        channels=command.channels,
        skip_broken=command.skip_broken,
        progress=lambda cases: bar(cases, "looking", unit="case"),
    )
    for line in told(plan):
        print(line)
    return 0
