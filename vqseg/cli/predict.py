"""python -m vqseg predict: segment scans into files of labels."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from vqseg.cardiac import PHASES, structures_of
from vqseg.cli import cine
from vqseg.cli.parsing import parse
from vqseg.cli.progress import bar
from vqseg.cli.targets import LabelFormat, label_target

if TYPE_CHECKING:
    from vqseg.data.sources import ScanSource
    from vqseg.types import Array, Scan


@dataclass(frozen=True, kw_only=True)
class Predict:
    """Segment scans, and every scan of a folder. A file that cannot be read is reported and skipped (exit status 1).

    A folder with DICOM files is one scan: its largest series. docs/formats.md lists what is read. A scan that
    the checkpoint does not know is segmented all the same, with a warning that says why.
    """

    inputs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Scans, zips of a scan, folders of scans, or folders of a DICOM study."""
    checkpoint: str
    """Checkpoint folder or Hub id."""
    output: Path
    """Folder for the label volumes, each under its scan's name."""
    format: LabelFormat = "as-read"
    """Of the label volumes. as-read: NIfTI, NRRD and arrays as they came, a picture as PNG, everything else, DICOM too, as NIfTI.
    png takes one slice, dicom-seg a scan that came as DICOM."""
    cine: bool = False
    """The scans are cines (4D, the frames last; or DICOM): label every frame, and write NAME.csv with the heart's volumes over time and
    summary.csv with ejection fraction, volumes and mass of each."""
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
    from vqseg.data.sources import sources_of

    sources = sources_of(command.inputs)
    if not sources or (command.cine and command.pair):
        wrong = "--cine and --pair exclude each other" if sources else "no scan given; name files or folders of scans"
        print(f"error: {wrong}", file=sys.stderr)
        return 2
    from vqseg.checkpoint import checkpoint_folder, load_model
    from vqseg.cli.known import KnownScans
    from vqseg.inference import Segmenter

    pairs = cine.paired_files(sources, command.phases) if command.pair else []
    folder = checkpoint_folder(command.checkpoint)
    segmenter = Segmenter(load_model(folder, command.device))
    if command.cine or command.pair:
        # Before anything is made or read: a network of lungs knows no ventricle.
        structures_of(segmenter.classes)
    command.output.mkdir(parents=True, exist_ok=True)
    known = KnownScans(segmenter, folder, average_views=command.average_views)

    def target(source: ScanSource) -> Path:
        return label_target(command.output, source.name, command.format)

    if command.cine:
        status = cine.segment_cines(segmenter, sources, command.output, target, known.segment)
    elif command.pair:
        status = cine.segment_pairs(pairs, segmenter.classes, command.output, target, known.segment)
    else:
        status = _segment_scans(sources, segmenter.classes, command.output, target, known.segment)
    known.tell()
    return status


def _segment_scans(
    sources: Sequence[ScanSource],
    classes: Sequence[str],
    output: Path,
    target_of: Callable[[ScanSource], Path],
    segment: Callable[[Scan], Array],
) -> int:
    from vqseg.data.scan import ScanError, read_scan, write_labels

    failures: list[str] = []
    notes: list[str] = []
    written: set[Path] = set()
    for source in bar(sources, "segmenting"):
        try:
            target = target_of(source)
            if target in written:
                raise ScanError(f"another input was already written to {target.name}; segment this one into another --output folder")
            scan = read_scan(source.files)
            write_labels(segment(scan), scan, target, classes)
            written.add(target)
            notes += [f"{source.name}: {note}" for note in scan.notes]
        except (ScanError, OSError) as error:
            failures.append(f"{source.name}: {error}")
    for line in [*notes, *(f"skipped {failure}" for failure in failures)]:
        print(line, file=sys.stderr)
    print(f"{len(sources) - len(failures)} of {len(sources)} scans segmented into {output}")
    return 1 if failures else 0
