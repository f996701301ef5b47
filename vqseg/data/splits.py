"""Which patients train, which validate, and whose labels may be seen. Always by patient: two frames of one heart never part.

splits.json beside the images: {"train": [patients], "val": [patients], "labeled": {"10%": [patients of train], ...}}.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vqseg.data.datasets import TEST_LAYOUT, DatasetError, find_cases, read_json
from vqseg.types import Case

ALL = "all"
PATIENT_RULE = "A patient is the part of a case's name before the first underscore"
"""For messages about lists that do not fit."""


@dataclass(frozen=True)
class Splits:
    """train, val, test: patients, those of train in none of the others; labelled: share -> patients of train whose labels may be used."""

    train: tuple[str, ...]
    val: tuple[str, ...]
    labelled: dict[str, tuple[str, ...]]
    test: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("val", "test"):
            both = sorted(set(self.train) & set(getattr(self, name)))
            if both:
                raise DatasetError(f"{len(both)} patient(s) are in train and in {name}, the first is {both[0]!r}")
        for share, patients in self.labelled.items():
            strangers = sorted(set(patients) - set(self.train))
            if strangers:
                raise DatasetError(
                    f"labelled share {share!r} names {len(strangers)} patient(s) outside train, the first is {strangers[0]!r}"
                )


def read_splits(folder: str | Path) -> Splits:
    """The folder's splits.json. Raises DatasetError if there is none, if a list is missing or if the lists contradict each other."""
    path = Path(folder) / "splits.json"
    if not path.is_file():
        raise DatasetError(
            f'{folder} has no splits.json; expected {{"train": [...], "val": [...], "labeled": {{"10%": [...]}}}} of patients'
        )
    content = read_json(path)
    shares = content.get("labeled", {})
    if not isinstance(shares, dict):
        raise DatasetError(f'{path}: "labeled" must map a share such as "10%" to patients, got a {type(shares).__name__}')
    labelled = {share: _patients(path, f"labeled {share}", patients) for share, patients in shares.items()}
    try:
        held_out = {name: _patients(path, name, content.get(name, [])) for name in ("val", "test")}
        return Splits(_patients(path, "train", content.get("train")), held_out["val"], labelled, held_out["test"])
    except DatasetError as error:
        raise DatasetError(f"{path}: {error}") from error


def select(cases: Iterable[Case], patients: Collection[str]) -> list[Case]:
    """The cases of some patients, in their given order.

    Args:
        cases: To choose from.
        patients: Whose cases are wanted.

    Raises:
        DatasetError: A patient has no case.
    """
    cases, wanted = list(cases), set(patients)
    chosen = [case for case in cases if case.patient in wanted]
    missing = sorted(wanted - {case.patient for case in chosen})
    if missing:
        rule = f"{PATIENT_RULE}{_example(missing[0], cases)}"
        raise DatasetError(f"{len(missing)} listed patient(s) have no image, the first is {missing[0]!r}. {rule}")
    return chosen


def has_split(folder: str | Path, split: str) -> bool:
    """Whether a data set folder has cases of "train", "val" or "test". Raises DatasetError if its splits.json is missing or wrong."""
    in_folder = split == "test" and (Path(folder) / TEST_LAYOUT[0]).is_dir()
    return in_folder or bool(getattr(read_splits(folder), split))


def cases_of_split(folder: str | Path, split: str) -> list[Case]:
    """The cases of one split.

    Args:
        folder: Data set folder with splits.json; "all" needs none.
        split: "train", "val", "test" or "all". nnU-Net's imagesTs + labelsTs, where they exist, are the "test" split.

    Raises:
        DatasetError: The split is unknown or lists no patients, or the folder cannot be read.
    """
    if split not in ("train", "val", "test", ALL):
        raise DatasetError(f"unknown split {split!r}; expected train, val, test or all")
    if split == ALL:
        return find_cases(folder)
    if split == "test" and (Path(folder) / TEST_LAYOUT[0]).is_dir():
        return find_cases(folder, (TEST_LAYOUT,))
    patients = getattr(read_splits(folder), split)
    if not patients:
        raise DatasetError(f"{folder} lists no {split} patients in its splits.json" + (" and has no imagesTs" if split == "test" else ""))
    return select(find_cases(folder), patients)


def labelled_and_unlabelled(cases: Iterable[Case], splits: Splits, share: str) -> tuple[list[Case], list[Case]]:
    """The training cases whose labels may be used, and the other training cases without their labels.

    Args:
        cases: All cases of the data set.
        splits: Its lists of patients.
        share: A key of `splits.labelled`, or "all" for every training patient.

    Raises:
        DatasetError: The share is unknown or empty, a patient has no case, or a labelled case has no label file.
    """
    if share != ALL and share not in splits.labelled:
        raise DatasetError(
            f"unknown labelled share {share!r}; splits.json has {', '.join(splits.labelled) or 'none'}, and 'all' takes every label"
        )
    patients = set(splits.train if share == ALL else splits.labelled[share])
    training = select(cases, splits.train)
    labelled = [case for case in training if case.patient in patients]
    bare = [case.name for case in labelled if case.label is None]
    if bare or not labelled:
        raise DatasetError(
            f"labelled share {share!r}: "
            + (f"{len(bare)} case(s) without a label file, the first is {bare[0]!r}" if bare else "no patient")
        )
    # Without the path, no later line of the training can read these labels, even by mistake.
    return labelled, [replace(case, label=None) for case in training if case.patient not in patients]


def unlabelled_of(folders: Iterable[str | Path], cases: Iterable[Case]) -> list[Case]:
    """The training cases of further data sets, without their labels.

    Args:
        folders: Data set folders with splits.json.
        cases: Of the run's own data set.

    Raises:
        DatasetError: A folder cannot be read, or a name stands for a case here and another one there.
    """
    known, found = {case.name for case in cases}, []
    for folder in folders:
        for case in select(find_cases(folder), read_splits(folder).train):
            if case.name in known:
                raise DatasetError(f"{folder} and another data set of the run both have a case {case.name!r}")
            known.add(case.name)
            found.append(replace(case, label=None, ignore=None, labelled=None))
    return found


def _example(missing: str, cases: Sequence[Case]) -> str:
    """A case that was perhaps meant by a name that is no patient's."""
    meant = next((case for case in cases if case.name == missing or case.name.startswith(missing)), cases[0] if cases else None)
    return f": {meant.name} belongs to the patient {meant.patient}" if meant is not None else ""


def _patients(path: Path, key: str, values: object) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise DatasetError(f"{path}: {key} must be a list of patients, got {type(values).__name__}")
    if len(set(values)) != len(values):
        raise DatasetError(f"{path}: {key} names a patient twice")
    return tuple(values)
