"""python -m vqseg predict: segment scans into files of labels."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from vqseg.cardiac import PHASES, structures_of
from vqseg.cli import cine
from vqseg.cli.parsing import parse
from vqseg.cli.progress import bar

if TYPE_CHECKING:
    from vqseg.types import Array, Scan


@dataclass(frozen=True, kw_only=True)
class Predict:
    """Segment scans, and every scan of a folder. A file that cannot be read is reported and skipped (exit status 1)."""

    inputs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Scans or folders of scans."""
    checkpoint: str
    """Checkpoint folder or Hub id."""
    output: Path
    """Folder for the label volumes, each under its scan's name."""
    cine: bool = False
    """The scans are cines (4D, the frames last): label every frame, and write NAME.csv with the heart's volumes over time and summary.csv
    with ejection fraction, volumes and mass of each."""
    pair: bool = False
    """The scans are end-diastole and end-systole of patients: two files in this order, or any number whose names say it (see phases).
    Writes the same tables as cine."""
    phases: tuple[str, str] = PHASES
    """For pair: the words in the files' names that stand for end-diastole and end-systole."""
    average_views: bool = False
    """Average over nine views of each slice, turned and magnified: steadier, about eight times slower, and not what the app shows."""
    device: str | None = None
    """cpu, cuda, ...; the CPU if not given."""


def run(rest: Sequence[str]) -> int:
    """Run the command. Returns the exit status."""
    command = parse(Predict, "predict", rest)
    files = _scans_in(command.inputs)
    if not files or (command.cine and command.pair):
        wrong = "--cine and --pair exclude each other" if files else "no scan given; name files or folders of scans"
        print(f"error: {wrong}", file=sys.stderr)
        return 2
    from vqseg.checkpoint import load_model
    from vqseg.inference import Segmenter

    pairs = cine.paired_files(files, command.phases) if command.pair else []
    segmenter = Segmenter(load_model(command.checkpoint, command.device))
    if command.cine or command.pair:
        # Before anything is made or read: a network of lungs knows no ventricle.
        structures_of(segmenter.classes)
    command.output.mkdir(parents=True, exist_ok=True)
    segment = segmenter.average_views if command.average_views else lambda scan: segmenter.open(scan).labels
    if command.cine:
        return cine.segment_cines(segmenter, files, command.output, segment)
    if command.pair:
        return cine.segment_pairs(pairs, segmenter.classes, command.output, segment)
    return _segment_scans(files, command.output, segment)


def _segment_scans(files: Sequence[Path], output: Path, segment: Callable[[Scan], Array]) -> int:
    from vqseg.data.scan import ScanError, label_name, read_scan, write_labels

    failures, written = [], set()
    for file in bar(files, "segmenting"):
        try:
            target = output / label_name(file.name)
            if target in written:
                raise ScanError(f"another input was already written to {target.name}; segment this one into another --output folder")
            scan = read_scan(file)
            write_labels(segment(scan), scan, target)
            written.add(target)
        except (ScanError, OSError) as error:
            failures.append(f"{file.name}: {error}")
    for failure in failures:
        print(f"skipped {failure}", file=sys.stderr)
    print(f"{len(files) - len(failures)} of {len(files)} scans segmented into {output}")
    return 1 if failures else 0


def _scans_in(inputs: Iterable[Path]) -> list[Path]:
    files: list[Path] = []
    for path in inputs:
        files += sorted(one for one in path.iterdir() if one.is_file() and not one.name.startswith(".")) if path.is_dir() else [path]
    return files
