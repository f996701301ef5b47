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
    from vqseg.codebook import Familiarity, Reference
    from vqseg.data.sources import ScanSource
    from vqseg.inference import Segmenter
    from vqseg.types import Array, Scan


@dataclass(frozen=True, kw_only=True)
class Predict:
    """Segment scans, and every scan of a folder. A file that cannot be read is reported and skipped (exit status 1).

    A folder with DICOM files is one scan: its largest series. docs/formats.md lists what is read. A scan that the checkpoint does not know
    is segmented all the same, with a warning that says why.
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
    from vqseg.inference import Segmenter

    pairs = cine.paired_files(sources, command.phases) if command.pair else []
    folder = checkpoint_folder(command.checkpoint)
    segmenter = Segmenter(load_model(folder, command.device))
    if command.cine or command.pair:
        # Before anything is made or read: a network of lungs knows no ventricle.
        structures_of(segmenter.classes)
    command.output.mkdir(parents=True, exist_ok=True)
    segment = segmenter.average_views if command.average_views else lambda scan: segmenter.open(scan).labels

    def target(source: ScanSource) -> Path:
        return label_target(command.output, source.name, command.format)

    if command.cine:
        return cine.segment_cines(segmenter, sources, command.output, target, segment)
    if command.pair:
        return cine.segment_pairs(pairs, segmenter.classes, command.output, target, segment)
    reference, missing = _reference(folder, segmenter)
    if missing:
        print(f"scans are not compared with training scans: {missing}", file=sys.stderr)
    return _segment_scans(sources, segmenter.classes, command.output, target, _judging(segmenter, reference, command.average_views))


def _judging(segmenter: Segmenter, reference: Reference | None, average_views: bool) -> Callable[[Scan], tuple[Array, Familiarity | None]]:
    """What segments a scan and says whether the checkpoint knows such a scan."""
    from vqseg.codebook import judge

    def segment(scan: Scan) -> tuple[Array, Familiarity | None]:
        # A network without a codebook has no tokens to compare, and can only be averaged.
        opened = segmenter.open(scan) if segmenter.indexed or not average_views else None
        labels = segmenter.average_views(scan) if opened is None or average_views else opened.labels
        return labels, None if opened is None else judge(opened, segmenter.reads, reference)

    return segment


def _segment_scans(
    sources: Sequence[ScanSource],
    classes: Sequence[str],
    output: Path,
    target_of: Callable[[ScanSource], Path],
    segment: Callable[[Scan], tuple[Array, Familiarity | None]],
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
            labels, found = segment(scan)
            write_labels(labels, scan, target, classes)
            notes += _warning(source.name, found)
            written.add(target)
            notes += [f"{source.name}: {note}" for note in scan.notes]
        except (ScanError, OSError) as error:
            failures.append(f"{source.name}: {error}")
    for line in [*notes, *(f"skipped {failure}" for failure in failures)]:
        print(line, file=sys.stderr)
    print(f"{len(sources) - len(failures)} of {len(sources)} scans segmented into {output}")
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


def _warning(name: str, found: Familiarity | None) -> list[str]:
    """One line if the scan is none that the checkpoint knows, or nothing."""
    if found is None or found.verdict in ("known", "unknown"):
        return []
    reasons = "; ".join(found.reasons) + (f". {found.places}" if found.places else "")
    return [f"warning: {name} is {found.verdict} to this checkpoint: {reasons}"]
