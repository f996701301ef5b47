"""A data set folder in this project's layout, made of links: the files of whoever asked stay where and as they are."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from vqseg.data.datasets import IGNORE, LABELLED, LAYOUTS, Labelling, patient_of
from vqseg.data.formats import ending_of
from vqseg.plain import JsonObject
from vqseg.planning.layout import Found, PlanError
from vqseg.types import Case

VALIDATION = 0.2
"""Share of the patients with labels."""
SHARE = "labelled"


def split(patients: Mapping[str, str], labelled: Sequence[str], kept_apart: Sequence[str], seed: int) -> dict[str, object]:
    """Which patients train and which validate.

    Args:
        patients: Of every case by its name.
        labelled: Names of the cases with labels.
        kept_apart: Names of cases that are for validation by somebody else's rule; empty for a draw.
        seed: Of the draw.

    Returns:
        The content of splits.json.

    Raises:
        PlanError: Fewer than two patients have labels: nothing could be learnt and measured as well.
    """
    with_labels = sorted({patients[name] for name in labelled})
    if len(with_labels) < 2:
        raise PlanError(f"{len(with_labels)} patient(s) have labels; at least two are needed, one to learn from and one to measure with")
    if kept_apart:
        validation = sorted({patients[name] for name in kept_apart})
    else:
        count = max(1, min(len(with_labels) - 1, round(VALIDATION * len(with_labels))))
        validation = sorted(random.Random(seed).sample(with_labels, count))
    training = sorted(set(patients.values()) - set(validation))
    learnt = [patient for patient in with_labels if patient in set(training)]
    if not learnt:
        raise PlanError("all patients with labels are kept for validation; none is left to learn from")
    return {"train": training, "val": validation, "labeled": {SHARE: learnt}}


def write_dataset(
    folder: Path,
    cases: Sequence[Found],
    patients: Mapping[str, str],
    labelling: Labelling,
    splits: Mapping[str, object],
    *,
    channels: Sequence[str] = (),
) -> None:
    """Write the folder: images and labels as links (copies where links are impossible), dataset.json and splits.json.

    Args:
        folder: New, or one that this function wrote before: its links are made anew.
        cases: With their files.
        patients: By case.
        labelling: What the labels mean, as the source says it.
        splits: As `split` gives them.
        channels: Names, where a scan has several.

    Raises:
        PlanError: The folder holds something else.
    """
    # Only there files of several channels belong to one case.
    own = LAYOUTS[0] if any(case.further for case in cases) else LAYOUTS[1]
    images, labels = (folder / name for name in own)
    for place in (folder / name for layout in LAYOUTS for name in layout):
        if place.exists():
            if any(path.is_dir() for path in place.iterdir()) or not (folder / "dataset.json").exists():
                raise PlanError(f"{place} is there already and was not made by a plan; choose another --output")
            shutil.rmtree(place)
    for place in (images, labels):
        place.mkdir(parents=True)
    for case in cases:
        name = case_name(case.name, patients[case.name])
        for number, file in enumerate((case.image, *case.further)):
            mark = f"_{number:04d}" if case.further else ""
            _link(file, images / (name + mark + (ending_of(file.name) or "")))
        if case.label is not None:
            _link(case.label, labels / (name + (ending_of(case.label.name) or "")))
    told = _told(cases, patients, labelling)
    if channels:
        told["channel_names"] = {str(number): name for number, name in enumerate(channels)}
    (folder / "dataset.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    (folder / "splits.json").write_text(json.dumps(splits, indent=1) + "\n", encoding="utf-8")


def _told(cases: Sequence[Found], patients: Mapping[str, str], labelling: Labelling) -> JsonObject:
    """What dataset.json says, by the cases' new names."""
    values: JsonObject = {name: value for value, name in enumerate(labelling.names)}
    if labelling.ignore is not None:
        values[IGNORE] = labelling.ignore
    described = (labelling.described(Case(case.name, patient_of(case.name), case.image, case.label)) for case in cases)
    partial: JsonObject = {
        case_name(case.name, patients[case.name]): list(case.labelled) for case in described if case.labelled is not None
    }
    return {"labels": values, "planned": True, **({LABELLED: partial} if partial else {})}


def case_name(name: str, patient: str) -> str:
    """A name whose part before the first underscore is the patient."""
    return name if name.split("_", 1)[0] == patient else f"{patient}_{name}"


def _link(source: Path, target: Path) -> None:
    try:
        target.symlink_to(os.path.relpath(source.resolve(), target.parent.resolve()))
    except OSError:
        # No links here, as on some file systems.
        shutil.copyfile(source, target)
