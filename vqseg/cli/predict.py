"""python -m vqseg predict: segment scans into files of labels."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from vqseg.cli.parsing import parse
from vqseg.cli.progress import bar


@dataclass(frozen=True, kw_only=True)
class Predict:
    """Segment scans, and every scan of a folder. A file that cannot be read is reported and skipped (exit status 1)."""

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
    from vqseg.checkpoint import load_model
    from vqseg.data.scan import ScanError, label_name, read_scan, write_labels
    from vqseg.inference import Segmenter

    files = _scans_in(command.inputs)
    if not files:
        print("error: no scan given; name files or folders of scans", file=sys.stderr)
        return 2
    segmenter = Segmenter(load_model(command.checkpoint, command.device))
    command.output.mkdir(parents=True, exist_ok=True)
    failures, written = [], set()
    for file in bar(files, "segmenting"):
        try:
            target = command.output / label_name(file.name)
            if target in written:
                raise ScanError(f"another input was already written to {target.name}; segment this one into another --output folder")
            scan = read_scan(file)
            labels = segmenter.average_views(scan) if command.average_views else segmenter.open(scan).labels
            write_labels(labels, scan, target)
            written.add(target)
        except (ScanError, OSError) as error:
            failures.append(f"{file.name}: {error}")
    for failure in failures:
        print(f"skipped {failure}", file=sys.stderr)
    print(f"{len(files) - len(failures)} of {len(files)} scans segmented into {command.output}")
    return 1 if failures else 0


def _scans_in(inputs: Iterable[Path]) -> list[Path]:
    files: list[Path] = []
    for path in inputs:
        files += sorted(one for one in path.iterdir() if one.is_file() and not one.name.startswith(".")) if path.is_dir() else [path]
    return files
