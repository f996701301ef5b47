"""python -m vqseg predict --cine and --pair: cines, or pairs of volumes, into labels and tables of what they show of the heart."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vqseg.cardiac import CardiacError, CardiacFunction, SummaryRow, paired_curves, paired_function, pairs_of, write_curves, write_summary
from vqseg.cli.progress import bar

if TYPE_CHECKING:
    from vqseg.data.sources import ScanSource
    from vqseg.inference import Segmenter
    from vqseg.types import Array, Scan

SUMMARY = "summary.csv"


@dataclass(frozen=True)
class PairedFiles:
    """Two scans of one patient, and the name of what they have in common."""

    name: str
    ed: ScanSource
    es: ScanSource


def segment_cines(
    segmenter: Segmenter,
    sources: Sequence[ScanSource],
    output: Path,
    target_of: Callable[[ScanSource], Path],
    segment: Callable[[Scan], Array],
) -> int:
    """Write the labels of every cine as one file, NAME.csv with its curves, and summary.csv with a row for each.

    Args:
        segmenter: The network.
        sources: Cines.
        output: Folder to write into.
        target_of: The file for a scan's labels, in that folder.
        segment: What makes labels of a frame.

    Returns:
        The exit status: 1 if a file was skipped.
    """
    from vqseg.data.scan import without_ending, write_labels
    from vqseg.inference import Cine, segment_cine

    def one(source: ScanSource, free: _FreeNames) -> tuple[SummaryRow, list[str]]:
        target = target_of(source)
        name = free.take(without_ending(target.name), target)
        cine = Cine(source.files)
        found = segment_cine(segmenter, cine, segment=segment)
        write_labels(found.labels, cine.grid, target, segmenter.classes)
        write_curves(found.curves, output / f"{name}.csv")
        return SummaryRow(name, found.function), [f"{source.name}: {note}" for note in cine.grid.notes]

    return _summarised([(source.name, partial(one, source)) for source in sources], output, "cine")


def segment_pairs(
    pairs: Sequence[PairedFiles],
    classes: Sequence[str],
    output: Path,
    target_of: Callable[[ScanSource], Path],
    segment: Callable[[Scan], Array],
) -> int:
    """Write the labels of both files of every pair, NAME.csv with both volumes, and summary.csv with a row for each pair.

    Args:
        pairs: Of files.
        classes: Of the labels.
        output: Folder to write into.
        target_of: The file for a scan's labels, in that folder.
        segment: What makes labels of a scan.

    Returns:
        The exit status: 1 if a pair was skipped.
    """
    from vqseg.data.scan import read_scan, write_labels

    def one(pair: PairedFiles, free: _FreeNames) -> tuple[SummaryRow, list[str]]:
        sources = (pair.ed, pair.es)
        targets = [target_of(source) for source in sources]
        free.take(pair.name, *targets)
        scans = [read_scan(source.files) for source in sources]
        labels = [segment(scan) for scan in scans]
        curves = paired_curves(labels[0], labels[1], classes, scans[0], scans[1])
        for target, found, scan in zip(targets, labels, scans, strict=True):
            write_labels(found, scan, target, classes)
        write_curves(curves, output / f"{pair.name}.csv")
        notes = [f"{source.name}: {note}" for source, scan in zip(sources, scans, strict=True) for note in scan.notes]
        return SummaryRow(pair.name, paired_function(curves)), notes

    return _summarised([(pair.name, partial(one, pair)) for pair in pairs], output, "pair")


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


class _FreeNames:
    """Names of results, of which none may be another's of the same run, or the summary's."""

    def __init__(self) -> None:
        self._taken = {SUMMARY}

    def take(self, name: str, *targets: Path) -> str:
        """The name, which is now taken with its table and its files of labels. Raises ScanError if one of them was."""
        from vqseg.data.scan import ScanError

        wanted = {f"{name}.csv", *(target.name for target in targets)}
        if len(wanted) <= len(targets) or wanted & self._taken:
            raise ScanError("its results would overwrite others; segment this one into another --output folder, or under another name")
        self._taken |= wanted
        return name


def _summarised(work: Sequence[tuple[str, Callable[[_FreeNames], tuple[SummaryRow, list[str]]]]], output: Path, unit: str) -> int:
    """Do all that can be done, write the summary, and say what was skipped and what a person should know of the reading."""
    from vqseg.data.scan import ScanError

    free = _FreeNames()
    rows: list[SummaryRow] = []
    notes: list[str] = []
    failures: list[str] = []
    for name, do in bar(work, "segmenting", unit=unit):
        try:
            row, said = do(free)
            rows.append(row)
            notes += said
        except (ScanError, CardiacError, OSError) as error:
            failures.append(f"{name}: {error}")
    if rows:
        write_summary(rows, output / SUMMARY)
    for row in rows:
        print(f"{row.name}: {', '.join(_said(row.function))}")
    for line in [*notes, *(f"skipped {failure}" for failure in failures)]:
        print(line, file=sys.stderr)
    print(f"{len(rows)} of {len(work)} {unit}s segmented into {output}")
    return 1 if failures else 0


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
