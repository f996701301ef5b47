"""python -m vqseg predict --cine and --pair: cines, or pairs of volumes, into labels and tables of what they show of the heart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from vqseg.cardiac import CardiacFunction, SummaryRow, paired_curves, paired_function, pairs_of, write_curves, write_summary
from vqseg.cli.outcome import Outcome
from vqseg.cli.progress import bar
from vqseg.cli.results import Results

if TYPE_CHECKING:
    from vqseg.data.sources import ScanSource
    from vqseg.inference import Segmenter

SUMMARY = "summary.csv"


@dataclass(frozen=True)
class PairedFiles:
    """Two scans of one patient, and the name of what they have in common."""

    name: str
    ed: ScanSource
    es: ScanSource


def segment_cines(segmenter: Segmenter, sources: Sequence[ScanSource], results: Results, outcome: Outcome) -> int:
    """Write the labels of every cine as one file, NAME.csv with its curves, and summary.csv with a row for each.

    Args:
        segmenter: The network.
        sources: Cines.
        results: What makes labels of a frame, and where they go.
        outcome: Is told what was done.

    Returns:
        The exit status: 1 if a file was skipped.
    """
    from vqseg.data.scan import without_ending
    from vqseg.inference import Cine, segment_cine

    def one(source: ScanSource) -> SummaryRow:
        cine = Cine(source.files)
        target = results.target_of(source, cine.grid)
        name = without_ending(target.name)
        table = results.outputs.folder / f"{name}.csv"
        results.outputs.claim(target, table)
        found = segment_cine(segmenter, cine, segment=results.segment)
        results.write(found.labels, cine.grid, target)
        with results.outputs.writing(table, claimed=True) as part:
            write_curves(found.curves, part)
        outcome.segmented[source.name] = target.name
        outcome.note(source.name, cine.grid.notes)
        return SummaryRow(name, found.function)

    return _summarised([(source.name, partial(one, source)) for source in sources], results, outcome, "cine")


def segment_pairs(pairs: Sequence[PairedFiles], results: Results, outcome: Outcome) -> int:
    """Write the labels of both files of every pair, NAME.csv with both volumes, and summary.csv with a row for each pair.

    Args:
        pairs: Of files.
        results: What makes labels of a scan, and where they go.
        outcome: Is told what was done.

    Returns:
        The exit status: 1 if a pair was skipped.
    """
    from vqseg.data.scan import read_scan

    def one(pair: PairedFiles) -> SummaryRow:
        sources = (pair.ed, pair.es)
        scans = [read_scan(source.files) for source in sources]
        targets = [results.target_of(source, scan) for source, scan in zip(sources, scans, strict=True)]
        table = results.outputs.folder / f"{pair.name}.csv"
        results.outputs.claim(*targets, table)
        labels = [results.segment(scan) for scan in scans]
        curves = paired_curves(labels[0], labels[1], results.classes, scans[0], scans[1])
        for target, found, scan in zip(targets, labels, scans, strict=True):
            results.write(found, scan, target)
        with results.outputs.writing(table, claimed=True) as part:
            write_curves(curves, part)
        for source, target, scan in zip(sources, targets, scans, strict=True):
            outcome.segmented[source.name] = target.name
            outcome.note(source.name, scan.notes)
        return SummaryRow(pair.name, paired_function(curves))

    return _summarised([(pair.name, partial(one, pair)) for pair in pairs], results, outcome, "pair")


def paired_files(sources: Sequence[ScanSource], phases: tuple[str, str]) -> list[PairedFiles]:
    """Pair scans by their names, or two scans by their order.

    Args:
        sources: Of any number of patients.
        phases: The words of end-diastole and end-systole in their names.

    Raises:
        PairError: A file has no such word, or no partner, or several.
    """
    from vqseg.data.scan import without_ending

    pairs = pairs_of([without_ending(source.name) for source in sources], phases, by_order=True)
    return [PairedFiles(pair.name, sources[pair.ed], sources[pair.es]) for pair in pairs]


def _summarised(work: Sequence[tuple[str, Callable[[], SummaryRow]]], results: Results, outcome: Outcome, unit: str) -> int:
    """Do all that can be done, write the summary, and say what was skipped and what a person should know of the reading."""
    summary = results.outputs.folder / SUMMARY
    # First, so that no scan's own table takes the name.
    results.outputs.claim(summary)
    rows: list[SummaryRow] = []
    for name, do in bar(work, "segmenting", unit=unit):
        with outcome.guarded(name):
            rows.append(do())
    if rows:
        with results.outputs.writing(summary, claimed=True) as part:
            write_summary(rows, part)
    for row in rows:
        print(f"{row.name}: {', '.join(_said(row.function))}")
    return outcome.tell(len(work), unit, results.outputs.folder)


def _said(record: CardiacFunction) -> Iterator[str]:
    """A record in words, for a terminal."""
    fraction = record.lv.ejection_fraction_percent
    yield "LV ejection fraction unknown" if fraction is None else f"LV ejection fraction {fraction:.0f} %"
    if record.ed_frame is not None and record.es_frame is not None:
        yield f"end-diastole in frame {record.ed_frame}, end-systole in frame {record.es_frame}"
    for words, value in (("EDV", record.lv.edv_ml), ("ESV", record.lv.esv_ml), ("stroke volume", record.lv.stroke_volume_ml)):
        if value is not None:
            yield f"{words} {value:.0f} ml"
    if record.myocardial_mass_g is not None:
        yield f"myocardium {record.myocardial_mass_g:.0f} g"
    yield from record.notes
