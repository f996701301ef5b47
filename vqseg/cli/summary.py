"""summary.csv of `predict`: a row for each scan of a folder, for people who go on calculating."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from vqseg.cli.outcome import Outcome
from vqseg.cli.record import Entry, Record

if TYPE_CHECKING:
    from vqseg.cli.scans import Work
    from vqseg.outputs import Outputs

SUMMARY = "summary.csv"
_TRIES = 3


def known_entries(works: Sequence[Work], record: Record) -> list[Entry] | None:
    """What became of all scans, whichever process has segmented them; None as long as one of them is missing.

    Args:
        works: All scans of the run, of all shares.
        record: Of the folder. It is read again.
    """
    record.read()
    entries = [record.entries.get(work.name) for work in works]
    known = [entry for entry in entries if entry is not None and entry.key == record.key]
    return known if len(known) == len(works) else None


def write_summary(entries: Sequence[Entry], classes: Sequence[str], record: Record, outputs: Outputs) -> None:
    """Write the table, in place of an earlier one.

    Args:
        entries: A row for each.
        classes: Names of the structures, the background first.
        record: Of the folder.
        outputs: The folder, whose summary was claimed.

    Raises:
        OutputError: A file of this name is not ours.
    """
    from vqseg.outputs import OutputError

    for left in reversed(range(_TRIES)):
        # Another process may have written it since.
        record.read()
        know_files(record, outputs)
        try:
            with outputs.writing(outputs.folder / SUMMARY, claimed=True, before=lambda digest: record.add_file(SUMMARY, digest)) as part:
                part.write_text(_as_csv(entries, classes), encoding="utf-8", newline="")
            return
        except OutputError:
            if not left:
                raise


def know_files(record: Record, outputs: Outputs) -> None:
    """Take what the record names for files of this command, wherever they were written."""
    for name, digests in record.written.items():
        for digest in digests:
            outputs.know(outputs.folder / name, digest)


def outcome_of(entries: Sequence[Entry], left_out: dict[str, str]) -> Outcome:
    """The report on scans that several processes, or runs, have segmented.

    Args:
        entries: Of all scans.
        left_out: What nobody has looked at, and why.
    """
    outcome = Outcome(left_out=left_out)
    for entry in entries:
        if entry.error:
            outcome.skipped[entry.name] = entry.error
        else:
            outcome.segmented[entry.name] = entry.labels
            outcome.note(entry.name, entry.notes)
    return outcome


def _as_csv(entries: Sequence[Entry], classes: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(_rows(entries, classes))
    return text.getvalue()


def _rows(entries: Sequence[Entry], classes: Sequence[str]) -> Iterator[list[str]]:
    structures = classes[1:]
    volumes = [f"{name}_ml" for name in structures]
    yield ["name", "labels", "shape", "spacing_mm", *volumes, "seconds", "familiarity", "drift", "warnings", "error"]
    for entry in entries:
        yield [
            entry.name,
            entry.labels,
            " x ".join(map(str, entry.shape)),
            " x ".join(f"{one:g}" for one in entry.spacing_mm or ()),
            *(_cell(entry.millilitres.get(name)) for name in structures),
            "" if entry.error else f"{entry.seconds:.3f}",
            entry.familiarity,
            _cell(entry.drift),
            "; ".join((*entry.notes, *([entry.doubt] if entry.doubt else []))),
            entry.error,
        ]


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
