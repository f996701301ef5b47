"""python -m vqseg predict: segment scans into files of labels."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from vqseg.cardiac import PHASES, structures_of
from vqseg.cli import cine
from vqseg.cli.outcome import Outcome
from vqseg.cli.parsing import parse
from vqseg.cli.progress import bar
from vqseg.cli.results import Results
from vqseg.cli.targets import LabelFormat, label_target

if TYPE_CHECKING:
    from vqseg.data.sources import ScanSource
    from vqseg.types import Scan


@dataclass(frozen=True, kw_only=True)
class Predict:
    """Segment scans, and every scan of a folder. A file that cannot be read, or whose labels would replace a file that this command did not
    write, is reported and skipped (exit status 1).

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
    overwrite: bool = False
    """Replace files in the output folder that this command did not write, or that were changed since. The scans themselves never are."""
    report: Path | None = None
    """JSON file to write: what was segmented into which file, what was skipped or left out and why, and what to know of each scan."""
    average_views: bool = False
    """Average over nine views of each slice, turned and magnified: steadier, about eight times slower, and not what the app shows."""
    device: str | None = None
    """cpu, cuda, ...; the CPU if not given."""


def run(rest: Sequence[str]) -> int:
    """Run the command. Returns the exit status."""
    command = parse(Predict, "predict", rest)
    from vqseg.data.sources import companions_of, left_out_of, sources_of

    sources, left_out = sources_of(command.inputs), left_out_of(command.inputs)
    if not sources or (command.cine and command.pair):
        wrong = "--cine and --pair exclude each other" if sources else "no scan given; name files or folders of scans"
        print(f"error: {wrong}", file=sys.stderr)
        return 2
    from vqseg.checkpoint import checkpoint_folder, load_model
    from vqseg.cli.known import KnownScans
    from vqseg.inference import Segmenter
    from vqseg.outputs import Outputs

    pairs = cine.paired_files(sources, command.phases) if command.pair else []
    folder = checkpoint_folder(command.checkpoint)
    segmenter = Segmenter(load_model(folder, command.device))
    if command.cine or command.pair:
        # Before anything is made or read: a network of lungs knows no ventricle.
        structures_of(segmenter.classes)
    command.output.mkdir(parents=True, exist_ok=True)
    known = KnownScans(segmenter, folder, average_views=command.average_views)
    read = [*command.inputs, *(beside for path in command.inputs for beside in companions_of(path))]
    outputs = Outputs(command.output, "predict", inputs=read, overwrite=command.overwrite)
    report = command.report
    reports = outputs
    if report is not None:
        if report.parent.resolve() != command.output.resolve():
            reports = Outputs(report.parent, "predict", inputs=read, overwrite=command.overwrite)
        # First, so that no scan's labels take the name, and nobody learns at the end that it is another's.
        reports.claim(reports.folder / report.name)

    def target(source: ScanSource, scan: Scan) -> Path:
        return label_target(command.output, source.name, command.format, scan)

    results = Results(outputs, target, known.segment, segmenter.classes)
    outcome = Outcome(left_out=left_out)
    if command.cine:
        status = cine.segment_cines(segmenter, sources, results, outcome)
    elif command.pair:
        status = cine.segment_pairs(pairs, results, outcome)
    else:
        status = _segment_scans(sources, results, outcome)
    known.tell()
    if report is not None:
        with reports.writing(reports.folder / report.name, claimed=True) as part:
            part.write_text(outcome.as_json(), encoding="utf-8")
    return status


def _segment_scans(sources: Sequence[ScanSource], results: Results, outcome: Outcome) -> int:
    from vqseg.data.scan import read_scan

    for source in bar(sources, "segmenting"):
        with outcome.guarded(source.name) as name:
            scan = read_scan(source.files)
            target = results.target_of(source, scan)
            # Before the work, and before the wait for it.
            results.outputs.claim(target)
            results.write(results.segment(scan), scan, target)
            outcome.segmented[name] = target.name
            outcome.note(name, [*scan.notes, *_of_frames(scan)])
    return outcome.tell(len(sources), "scan", results.outputs.folder)


def _of_frames(scan: Scan) -> Iterator[str]:
    """What was not segmented of a scan with several volumes, unless its reader has said so."""
    if scan.frames > 1 and not any("frame 1 of" in note for note in scan.notes):
        yield f"frame 1 of {scan.frames} was segmented; --cine segments all of them"
