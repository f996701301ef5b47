"""A data set folder looked through before anybody trains with it: every file is opened, and everything that is wrong is named at once.

What is wrong is decided where the files are read for training and measuring (`vqseg.data.case_files`); here it is only collected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

from vqseg.data.case_files import read_case_files
from vqseg.data.datasets import LAYOUTS, TEST_LAYOUT, DatasetError, channel_names, class_names, find_cases, left_out_of
from vqseg.data.limits import ScanError
from vqseg.data.splits import PATIENT_RULE, Splits, read_splits
from vqseg.shares import percent
from vqseg.types import UNSURE, Case

PROBLEM, NOTE = "problem", "note"
ValueT = TypeVar("ValueT")
_FEW = 2
"""Patients from which on it is plausible that many cases belong to so few."""


@dataclass(frozen=True)
class Finding:
    """kind: PROBLEM, with which the data set cannot be used as it is, or NOTE. where: the case or the file. what: in words."""

    kind: str
    where: str
    what: str


@dataclass
class Report:
    """cases, labelled: how many there are. patients: their names. voxels: of every class by its name, over all labels. findings: what is
    wrong, and what should be known."""

    cases: int = 0
    labelled: int = 0
    patients: list[str] = field(default_factory=list)
    voxels: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def problems(self) -> list[Finding]:
        """Those with which the data set cannot be used as it is."""
        return [one for one in self.findings if one.kind == PROBLEM]

    def add(self, kind: str, where: str, what: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(kind, where, what))


def check_folder(folder: str | Path, progress: Callable[[Sequence[Case]], Iterable[Case]] = lambda cases: cases) -> Report:
    """Look through a data set folder.

    Args:
        folder: As for training.
        progress: Goes through the cases and may show it.

    Returns:
        What was found. Nothing is raised for what is wrong with the folder.
    """
    report, folder = Report(), Path(folder)
    names = _or_problem(report, "dataset.json", lambda: class_names(folder)) or ()
    cases = _cases(report, folder)
    splits = _or_problem(report, "splits.json", lambda: read_splits(folder))
    report.cases, report.labelled = len(cases), sum(case.label is not None for case in cases)
    report.patients = sorted({case.patient for case in cases})
    report.voxels = dict.fromkeys(names, 0)
    channels = len((_or_none(lambda: channel_names(folder))) or ())
    for case in progress(cases):
        _check_case(report, case, names, channels or len(case.images))
    _check_patients(report, cases, splits)
    _check_classes(report, names)
    for name, why in left_out_of(folder).items():
        report.add(NOTE, name, why)
    return report


def _or_problem(report: Report, where: str, read: Callable[[], ValueT]) -> ValueT | None:
    try:
        return read()
    except DatasetError as error:
        report.add(PROBLEM, where, str(error))
        return None


def _or_none(read: Callable[[], ValueT]) -> ValueT | None:
    """What another look at a file gives whose faults are in the report already."""
    try:
        return read()
    except DatasetError:
        return None


def _cases(report: Report, folder: Path) -> list[Case]:
    found = _or_problem(report, folder.name, lambda: find_cases(folder, LAYOUTS)) or []
    if (folder / TEST_LAYOUT[0]).is_dir():
        found += _or_problem(report, TEST_LAYOUT[0], lambda: find_cases(folder, (TEST_LAYOUT,))) or []
    return found


def _check_case(report: Report, case: Case, names: Sequence[str], channels: int) -> None:
    try:
        scan, labels = read_case_files(case, names, channels=channels)
    except (ScanError, DatasetError) as error:
        report.add(PROBLEM, case.name, str(error).removeprefix(f"{case.name}: "))
        return
    for note in scan.notes:
        report.add(NOTE, case.name, note)
    if labels is None:
        return
    counts = np.bincount(labels.reshape(-1), minlength=UNSURE + 1)
    if case.labelled is not None:
        report.add(NOTE, case.name, f"of the structures only {', '.join(case.labelled)} was labelled")
    if ignored := int(counts[UNSURE]):
        report.add(NOTE, case.name, f"{percent(ignored / labels.size, 1)} of the voxels have no label")
    for name, count in zip(names, counts.tolist(), strict=False):
        report.voxels[name] += count
    if not counts[1:UNSURE].any():
        report.add(NOTE, case.name, "the labels are all background")


def _check_patients(report: Report, cases: Sequence[Case], splits: Splits | None) -> None:
    counts = Counter(case.patient for case in cases)
    if counts and len(counts) < _FEW and len(cases) > _FEW:
        patient = next(iter(counts))
        report.add(NOTE, patient, f"{len(cases)} cases, of which {cases[0].name} is one, are taken for one patient. {PATIENT_RULE}")
    if splits is None:
        return
    # Those of imagesTs are for measuring alone.
    own = {case.patient for case in cases if case.image.parent.name != TEST_LAYOUT[0]}
    listed = {"train": splits.train, "val": splits.val, "test": splits.test}
    for name, patients in listed.items():
        missing = sorted(set(patients) - (set(counts) if name == "test" else own))
        if missing:
            what = f"{len(missing)} patient(s) of {name} have no image, the first is {missing[0]!r}"
            report.add(PROBLEM, "splits.json", f"{what}. {PATIENT_RULE}")
    alone = sorted(set(counts) - {patient for patients in listed.values() for patient in patients} - _test_patients(cases))
    if alone:
        report.add(NOTE, "splits.json", f"{len(alone)} patient(s) are in no list and will not be used, the first is {alone[0]!r}")
    unmeasured = [case.name for case in cases if case.patient in (*splits.val, *splits.test) and case.label is None]
    if unmeasured:
        what = f"{len(unmeasured)} case(s) of val and test have no labels to measure against, the first is {unmeasured[0]!r}"
        report.add(NOTE, "splits.json", what)
    for share, patients in splits.labelled.items():
        bare = [case.name for case in cases if case.patient in patients and case.label is None]
        if bare or not patients:
            what = f"{len(bare)} case(s) without a label file, the first is {bare[0]!r}" if bare else "no patient"
            report.add(PROBLEM, "splits.json", f"labelled share {share!r}: {what}")


def _test_patients(cases: Sequence[Case]) -> set[str]:
    return {case.patient for case in cases if case.image.parent.name == TEST_LAYOUT[0]}


def _check_classes(report: Report, names: Sequence[str]) -> None:
    if len(names) == 1:
        report.add(PROBLEM, "dataset.json", "it names the background alone; there is nothing to learn")
    for name in names[1:]:
        if report.labelled and not report.voxels[name]:
            report.add(NOTE, name, "no label shows this class: nothing can be learnt of it")


def lines(report: Report) -> Iterator[str]:
    """The report in words, one finding a line, problems first."""
    for kind in (PROBLEM, NOTE):
        yield from (f"{kind}: {one.where}: {one.what}" for one in report.findings if one.kind == kind)
    total = sum(report.voxels.values())
    if total and report.labelled:
        yield "voxels: " + ", ".join(f"{name} {percent(count / total, 2)}" for name, count in report.voxels.items())
    yield (
        f"{report.cases} cases of {len(report.patients)} patients, {report.labelled} with labels: "
        f"{len(report.problems)} problem(s), {len(report.findings) - len(report.problems)} note(s)"
    )
