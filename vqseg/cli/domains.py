"""python -m vqseg table domains: finished checkpoints on data sets of other scanners. Nothing is trained."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from vqseg.cli.parsing import parse
from vqseg.cli.progress import bar

NAME = "domains"


@dataclass(frozen=True, kw_only=True)
class Domains:
    """Trained here, read there: Dice of finished checkpoints on several data sets, by the structures that both know."""

    checkpoint: tuple[str, ...]
    """Checkpoint folders or Hub ids."""
    data: tuple[Path, ...] = ()
    """Data set folders whose validation cases are labelled throughout."""
    contoured: tuple[Path, ...] = ()
    """Data set folders in which a slice without a label was not contoured: the other slices alone are compared."""
    phantoms: int = 8
    """Phantom patients to read as well; 0 for none."""
    phantom_seed: int = 500
    """Of the first phantom; training uses seeds from 1000 on."""
    output: Path = Path("docs/results")
    """Folder for domains.md and domains.json."""
    overwrite: bool = False
    """Replace files of these names that are no such table."""


def run(rest: Sequence[str]) -> int:
    """Run the command. Returns the exit status."""
    command = parse(Domains, f"table {NAME}", rest)
    from vqseg.data.datasets import DatasetError
    from vqseg.experiments.domains import PHANTOMS, Domain, phantom_domain, read_domains, write_domains
    from vqseg.outputs import refuse_strangers, table_files

    refuse_strangers(table_files(command.output, NAME), overwrite=command.overwrite)
    domains = [Domain(folder.name, folder) for folder in command.data]
    domains += [Domain(folder.name, folder, contoured_only=True) for folder in command.contoured]
    if not (domains or command.phantoms):
        raise DatasetError("no data set to read; name some with --data or --contoured, or ask for --phantoms")
    said = [f"Validation cases of {', '.join(one.name for one in domains)}."] if domains else []
    with TemporaryDirectory() as folder:
        if command.phantoms:
            domains.append(phantom_domain(folder, command.phantoms, command.phantom_seed))
            said.append(f"{PHANTOMS.capitalize()}: {command.phantoms} patients from seed {command.phantom_seed} on, two volumes each.")
        if command.contoured:
            said.append(f"Of {', '.join(one.name for one in command.contoured)} the slices with a contour alone are compared.")
        found = [read_domains(checkpoint, domains, lambda name: lambda cases: bar(cases, name)) for checkpoint in command.checkpoint]
    line = shlex.join(["python", "-m", "vqseg", "table", NAME, *rest])
    for file in write_domains(found, command.output, how={"data": " ".join(said), "command": line}):
        print(file)
    return 0
