"""python -m vqseg predict: segment scans into files of labels."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from vqseg.cli.parsing import parse
from vqseg.cli.progress import bar

if TYPE_CHECKING:
    from vqseg.codebook import Familiarity, Reference
    from vqseg.inference import Segmenter


@dataclass(frozen=True, kw_only=True)
class Predict:
    """Segment scans, and every scan of a folder. A file that cannot be read is reported and skipped (exit status 1).

    A scan that the checkpoint does not know is segmented all the same, with a warning that says why.
    """

    inputs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Scans or folders of scans."""
    checkpoint: str
    """Checkpoint folder or Hub id."""
    output: Path
    """Folder for the label volumes, each under its scan's name."""
    average_views: bool = False
    """Average over nine views of each slice, turned and magnified: steadier, about eight times slower, and not what the app shows."""
    device: str | None = None
    """cpu, cuda, ...; the CPU if not given."""


def run(rest: Sequence[str]) -> int:
    """Run the command. Returns the exit status."""
    command = parse(Predict, "predict", rest)
    from vqseg.checkpoint import checkpoint_folder, load_model
    from vqseg.codebook import judge
    from vqseg.data.scan import ScanError, label_name, read_scan, write_labels
    from vqseg.inference import Segmenter

    files = _scans_in(command.inputs)
    if not files:
        print("error: no scan given; name files or folders of scans", file=sys.stderr)
        return 2
    folder = checkpoint_folder(command.checkpoint)
    segmenter = Segmenter(load_model(folder, command.device))
    reference, missing = _reference(folder, segmenter)
    command.output.mkdir(parents=True, exist_ok=True)
    failures, warnings, written = [], [], set()
    for file in bar(files, "segmenting"):
        try:
            target = command.output / label_name(file.name)
            if target in written:
                raise ScanError(f"another input was already written to {target.name}; segment this one into another --output folder")
            scan = read_scan(file)
            # A network without a codebook has no tokens to compare, and can only be averaged.
            opened = segmenter.open(scan) if segmenter.indexed or not command.average_views else None
            labels = segmenter.average_views(scan) if opened is None or command.average_views else opened.labels
            if opened is not None:
                warnings += _warning(file.name, judge(opened, segmenter.reads, reference))
            write_labels(labels, scan, target)
            written.add(target)
        except (ScanError, OSError) as error:
            failures.append(f"{file.name}: {error}")
    if missing:
        print(f"scans were not compared with training scans: {missing}", file=sys.stderr)
    for warning in warnings:
        print(warning, file=sys.stderr)
    for failure in failures:
        print(f"skipped {failure}", file=sys.stderr)
    print(f"{len(files) - len(failures)} of {len(files)} scans segmented into {command.output}")
    return 1 if failures else 0


def _reference(folder: Path, segmenter: Segmenter) -> tuple[Reference | None, str]:
    """What the checkpoint's training scans were like, or None and why that is not known."""
    from vqseg.codebook import read_reference

    if not segmenter.indexed:
        return None, "this network has no codebook"
    try:
        return read_reference(folder, segmenter), ""
    except FileNotFoundError as error:
        return None, str(error)


def _warning(name: str, found: Familiarity) -> list[str]:
    """One line if the scan is none that the checkpoint knows, or nothing."""
    if found.verdict in ("known", "unknown"):
        return []
    reasons = "; ".join(found.reasons) + (f". {found.places}" if found.places else "")
    return [f"warning: {name} is {found.verdict} to this checkpoint: {reasons}"]


def _scans_in(inputs: Iterable[Path]) -> list[Path]:
    files: list[Path] = []
    for path in inputs:
        files += sorted(one for one in path.iterdir() if one.is_file() and not one.name.startswith(".")) if path.is_dir() else [path]
    return files
