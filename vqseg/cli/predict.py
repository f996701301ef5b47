"""python -m vqseg predict: segment scans into files of labels."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from vqseg.cardiac import PHASES, structures_of
from vqseg.cli import cine
from vqseg.cli.outcome import Outcome
from vqseg.cli.parsing import parse
from vqseg.cli.record import Record, run_key
from vqseg.cli.results import Results
from vqseg.cli.scans import ScanRun, Work, named_works
from vqseg.cli.share import device_of, share_of_run, works_of
from vqseg.cli.summary import SUMMARY, know_files, known_entries, outcome_of, write_summary
from vqseg.cli.targets import LabelFormat, label_target

if TYPE_CHECKING:
    from vqseg.data.sources import ScanSource
    from vqseg.outputs import Outputs
    from vqseg.types import Scan, Share


@dataclass(frozen=True, kw_only=True)
class Predict:
    """Segment scans, and every scan of a folder. A file that cannot be read, or whose labels would replace a file that this command did not
    write, is reported and skipped (exit status 1). Of several scans, summary.csv has a row for each: volumes, seconds, warnings, errors.

    Under `accelerate launch -m vqseg predict` each process has its share of the scans; its exit status is 0 whatever was skipped, as
    launchers end all processes when one fails. docs/scale.md tells of folders of thousands.

    A folder with DICOM files is one scan: its largest series. A checkpoint of several channels takes NAME_0000, NAME_0001 and so on as one
    scan, a picture's colours, or the volumes of a file. docs/formats.md lists what is read. A scan that
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
    resume: bool = False
    """Leave as they are the labels that an earlier run wrote of the same scan, checkpoint and options; make again what was cut off."""
    share: str | None = None
    """Segment one share of the scans: 2/5 is the second of five. The others may run elsewhere; the last one writes summary.csv."""
    report: Path | None = None
    """JSON file to write: what was segmented into which file, what was skipped or left out and why, and what to know of each scan."""
    average_views: bool = False
    """Average over nine views of each slice, turned and magnified: steadier, about eight times slower, and not what the app shows."""
    device: str | None = None
    """cpu, cuda, ...; the CPU if not given."""


def run(rest: Sequence[str]) -> int:
    """Run the command. Returns the exit status."""
    command = parse(Predict, "predict", rest)
    from vqseg.data.sources import joined_channels, left_out_of, sources_of

    share = share_of_run(command.share, os.environ)
    sources, left_out = sources_of(command.inputs), left_out_of(command.inputs)
    if wrong := _wrong(command, sources, share):
        print(f"error: {wrong}", file=sys.stderr)
        return 2
    from vqseg.checkpoint import checkpoint_folder, load_model
    from vqseg.cli.known import KnownScans
    from vqseg.inference import Segmenter

    pairs = cine.paired_files(sources, command.phases) if command.pair else []
    folder = checkpoint_folder(command.checkpoint)
    segmenter = Segmenter(load_model(folder, device_of(command.device, os.environ)))
    if command.cine or command.pair:
        # Before anything is made or read: a network of lungs knows no ventricle.
        structures_of(segmenter.classes)
    command.output.mkdir(parents=True, exist_ok=True)
    known = KnownScans(segmenter, folder, average_views=command.average_views)
    outputs, reports = _outputs(command)

    def target(source: ScanSource, scan: Scan) -> Path:
        return label_target(command.output, source.name, command.format, scan)

    results, outcome = Results(outputs, target, known.segment, segmenter.classes), Outcome(left_out=left_out)
    told: Outcome | None = outcome
    if command.cine:
        status = cine.segment_cines(segmenter, sources, results, outcome)
    elif command.pair:
        status = cine.segment_pairs(pairs, results, outcome)
    else:
        sources = joined_channels(sources, segmenter.channels)
        record = _record(command, sources, share, folder, outputs)
        works = named_works(sources)
        status = ScanRun(results, outcome, known, record, command.resume).run(works_of(works, share))
        if record is not None:
            told = _summarised(works, record, results, left_out)
        if command.share is None and share.count > 1:
            status = 0
    known.tell()
    if command.report is not None and told is not None:
        with reports.writing(reports.folder / command.report.name, claimed=True) as part:
            part.write_text(told.as_json(), encoding="utf-8")
    return status


def _wrong(command: Predict, sources: Sequence[ScanSource], share: Share) -> str:
    """What is wrong with a command's words, in words."""
    if not sources:
        return "no scan given; name files or folders of scans"
    if command.cine and command.pair:
        return "--cine and --pair exclude each other"
    if (command.cine or command.pair) and (command.resume or share.count > 1):
        return "--cine and --pair take no --resume and no --share, and run in one process"
    return ""


def _outputs(command: Predict) -> tuple[Outputs, Outputs]:
    """The folder of the labels, and that of the report, where the report's name is taken."""
    from vqseg.data.sources import companions_of
    from vqseg.outputs import Outputs

    read = [*command.inputs, *(beside for path in command.inputs for beside in companions_of(path))]
    outputs = reports = Outputs(command.output, "predict", inputs=read, overwrite=command.overwrite)
    if command.report is not None:
        if command.report.parent.resolve() != command.output.resolve():
            reports = Outputs(command.report.parent, "predict", inputs=read, overwrite=command.overwrite)
        # First, so that no scan's labels take the name, and nobody learns at the end that it is another's.
        reports.claim(reports.folder / command.report.name)
    return outputs, reports


def _record(command: Predict, sources: Sequence[ScanSource], share: Share, checkpoint: Path, outputs: Outputs) -> Record | None:
    """The record of a run over several scans, beside its labels; the summary's name is taken. None if the scans lie there too."""
    if not command.resume and share.count == 1:
        own = command.output.resolve()
        if len(sources) < 2 or any(own in (path.resolve(), path.parent.resolve()) for path in command.inputs):
            return None
    options = {"format": command.format, "average_views": command.average_views}
    record = Record(command.output, run_key(checkpoint, options), share)
    know_files(record, outputs)
    outputs.sweep(command.output)
    outputs.claim(command.output / SUMMARY)
    return record


def _summarised(works: Sequence[Work], record: Record, results: Results, left_out: dict[str, str]) -> Outcome | None:
    """Write the summary if all shares are done. Returns what became of all scans; None if that is not known yet."""
    entries = known_entries(works, record)
    if entries is None:
        print(f"{SUMMARY} is written by the share that ends last, or by a later run with --resume")
        return None
    write_summary(entries, results.classes, record, results.outputs)
    return outcome_of(entries, left_out)
