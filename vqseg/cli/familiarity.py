"""python -m vqseg familiarity: what a checkpoint's training scans were like, so that foreign scans can be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from vqseg.cli.parsing import parse
from vqseg.cli.progress import bar


@dataclass(frozen=True, kw_only=True)
class FamiliarityOptions:
    """Find out what a checkpoint's training scans were like: writes familiarity.npz, by which `predict` and the app warn of other scans."""

    checkpoint: str
    """Checkpoint folder or Hub id."""
    data: Path
    """Data set folder of its training scans. No label is read."""
    output: Path | None = None
    """Folder for familiarity.npz; the checkpoint itself if not given."""
    split: str = "train"
    """train, val, or all cases of the folder."""
    unlabelled_folders: list[Path] = field(default_factory=list)
    """Further data set folders whose training images it was trained on: see data.unlabelled_folders."""
    turned: bool | None = None
    """Whether mirrored scans, and scans turned by a right angle, count as foreign; if not given, they do unless training mirrored them."""
    overwrite: bool = False
    """Replace a familiarity.npz that this command did not write."""


def run(rest: Sequence[str]) -> int:
    """Run the command. Returns the exit status."""
    command = parse(FamiliarityOptions, "familiarity", rest)
    from vqseg.checkpoint import checkpoint_folder, load_model, read_config
    from vqseg.codebook import make_reference, trained_on_turned, write_reference
    from vqseg.codebook.familiarity.file import FILE
    from vqseg.outputs import is_noted_archive, refuse_strangers
    from vqseg.plain import child

    folder = checkpoint_folder(command.checkpoint)
    refuse_strangers({(command.output or folder) / FILE: partial(is_noted_archive, note="measures")}, overwrite=command.overwrite)
    turned = command.turned if command.turned is not None else not trained_on_turned(child(read_config(folder), "training"))
    reference = make_reference(
        load_model(folder),
        command.data,
        split=command.split,
        unlabelled_folders=command.unlabelled_folders,
        turned=turned,
        progress=lambda items, what: bar(items, what, unit=""),
    )
    path = write_reference(reference, command.output or folder)
    print(f"{reference.scans} scans of {reference.source}; wrote {path}")
    return 0
