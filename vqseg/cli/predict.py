"""python -m vqseg predict: segment scans into files of labels."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from vqseg.cli.parsing import parse
from vqseg.cli.progress import bar

_ENDINGS = {"nifti": ".nii.gz", "nrrd": ".nrrd", "png": ".png", "dicom-seg": ".dcm"}


@dataclass(frozen=True, kw_only=True)
class Predict:
    """Segment scans, and every scan of a folder. A file that cannot be read is reported and skipped (exit status 1).

    A folder with DICOM files is one scan: its largest series. docs/formats.md lists what is read.
    """

    inputs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Scans, zips of a scan, folders of scans, or folders of a DICOM study."""
    checkpoint: str
    """Checkpoint folder or Hub id."""
    output: Path
    """Folder for the label volumes, each under its scan's name."""
    format: Literal["as-read", "nifti", "nrrd", "png", "dicom-seg"] = "as-read"
    """Of the label volumes. as-read: NIfTI, NRRD and arrays as they came, a picture as PNG, everything else, DICOM too, as NIfTI.
    png takes one slice, dicom-seg a scan that came as DICOM."""
    average_views: bool = False
    """Average over nine views of each slice, turned and magnified: steadier, about eight times slower, and not what the app shows."""
    device: str | None = None
    """cpu, cuda, ...; the CPU if not given."""


def run(rest: Sequence[str]) -> int:
    """Run the command. Returns the exit status."""
    command = parse(Predict, "predict", rest)
    from vqseg.checkpoint import load_model
    from vqseg.data.scan import ScanError, read_scan, write_labels
    from vqseg.data.sources import sources_of
    from vqseg.inference import Segmenter

    sources = sources_of(command.inputs)
    if not sources:
        print("error: no scan given; name files or folders of scans", file=sys.stderr)
        return 2
    segmenter = Segmenter(load_model(command.checkpoint, command.device))
    command.output.mkdir(parents=True, exist_ok=True)
    failures: list[str] = []
    notes: list[str] = []
    written: set[Path] = set()
    for source in bar(sources, "segmenting"):
        try:
            target = command.output / _label_name(source.name, command.format)
            if target in written:
                raise ScanError(f"another input was already written to {target.name}; segment this one into another --output folder")
            scan = read_scan(source.files)
            labels = segmenter.average_views(scan) if command.average_views else segmenter.open(scan).labels
            write_labels(labels, scan, target, segmenter.classes)
            written.add(target)
            notes += [f"{source.name}: {note}" for note in scan.notes]
        except (ScanError, OSError) as error:
            failures.append(f"{source.name}: {error}")
    for line in [*notes, *(f"skipped {failure}" for failure in failures)]:
        print(line, file=sys.stderr)
    print(f"{len(sources) - len(failures)} of {len(sources)} scans segmented into {command.output}")
    return 1 if failures else 0


def _label_name(name: str, kind: str) -> str:
    """What the labels of a scan are called, in the chosen format."""
    from vqseg.data.scan import label_name, without_ending

    return label_name(name) if kind == "as-read" else without_ending(name) + _ENDINGS[kind]
