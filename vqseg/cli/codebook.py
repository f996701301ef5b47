"""python -m vqseg codebook: count and project a checkpoint's codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from vqseg.cli.parsing import parse
from vqseg.cli.progress import bar


@dataclass(frozen=True, kw_only=True)
class Codebook:
    """Find out what the codes have learnt over a data set: writes codebook.npz, which the app shows, and report.html."""

    checkpoint: str
    """Checkpoint folder or Hub id."""
    output: Path
    """Folder for codebook.npz and report.html, usually the checkpoint itself."""
    data: Path | None = None
    """Data set folder to count over; without it, phantoms are made."""
    split: str = "train"
    """train, val, or all cases of the folder."""
    seed: int = 0
    """Seed of the projections."""
    ablated: int = 64
    """How many of the most used codes, and of those of the structures, are taken out one by one to see what is lost; 0 for none."""
    overwrite: bool = False
    """Replace files of these names that this command did not write."""


def run(rest: Sequence[str]) -> int:
    """Run the command. Returns the exit status."""
    command = parse(Codebook, "codebook", rest)
    from vqseg.checkpoint import checkpoint_folder, load_model
    from vqseg.codebook import analyse, codewords_of, summary, write_statistics
    from vqseg.codebook.file import FILE
    from vqseg.codebook.report import FILE as REPORT
    from vqseg.codebook.report import is_report, write_report
    from vqseg.outputs import is_noted_archive, refuse_strangers

    refuse_strangers(
        {command.output / FILE: partial(is_noted_archive, note="parameters"), command.output / REPORT: is_report},
        overwrite=command.overwrite,
    )
    folder = checkpoint_folder(command.checkpoint)
    model = load_model(folder)
    statistics = analyse(
        model,
        command.data,
        split=command.split,
        seed=command.seed,
        ablated=command.ablated,
        checkpoint=folder,
        progress=lambda items, what: bar(items, what, unit=""),
    )
    path = write_statistics(statistics, command.output)
    page = write_report(statistics, codewords_of(model), command.output, name=folder.resolve().name)
    print(f"{summary(statistics)}\n\nwrote {path} and {page}")
    return 0
