"""python -m vqseg phantom: make phantoms with truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vqseg.cli.parsing import parse


@dataclass(frozen=True, kw_only=True)
class Phantom:
    """Make procedural cardiac cine-MRI phantoms with truth, as an nnU-Net folder of two phases a patient, or as cines."""

    output: Path
    """Folder to write."""
    patients: int = 10
    """How many patients, two volumes each."""
    seed: int = 0
    """First seed; patient i has seed + i."""
    cine: bool = False
    """Write one beating heart a patient instead, NAME.nii.gz with its truth NAME_truth.nii.gz, both 4D with the frames last."""
    phases: int = 20
    """For cine: frames of one heart cycle."""
    overwrite: bool = False
    """Replace files of these names that this command did not write."""


def run(rest: Sequence[str]) -> int:
    """Run the command. Returns the exit status."""
    command = parse(Phantom, "phantom", rest)
    from vqseg.data.phantom import write_phantoms
    from vqseg.data.phantom_cine import write_cines
    from vqseg.outputs import Outputs

    outputs = Outputs(command.output, "phantom", overwrite=command.overwrite)
    if command.cine:
        write_cines(outputs, command.patients, command.seed, command.phases)
    else:
        write_phantoms(outputs, command.patients, command.seed)
    print(f"{command.patients} patients in {command.output}")
    return 0
