"""Ejection fractions of finished checkpoints against those of the ground truth, patient by patient. Nothing is trained.

A patient has two volumes, end-diastole and end-systole, found by their names. Where people have contoured only some of the slices, the true
ejection fraction is that of the contoured slices: those of end-diastole at end-diastole, those of end-systole at end-systole. The network's
is taken twice: over all slices of the file, and over the slices that were contoured in the same phase, which tells its outlines from its
choice of slices. The two differ only where files have slices without a contour.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypedDict

import numpy as np

from vqseg.cardiac import PHASES, Agreement, bland_altman, pairs_of, structures_of
from vqseg.checkpoint import checkpoint_folder, load_model, weights_digest
from vqseg.data.datasets import DatasetError
from vqseg.data.scan import through_plane_axis
from vqseg.evaluation import LabelledSplit, labelled_split
from vqseg.experiments.runs import data_fingerprint
from vqseg.inference import Segmenter
from vqseg.types import UNSURE, Array

Way = Literal["all", "contoured"]
WAYS: tuple[Way, ...] = ("all", "contoured")


class Volume(TypedDict):
    """One phase of one patient. truth, network: voxels of the left ventricle in every slice. dice: over the contoured slices."""

    case: str
    truth: list[int]
    network: list[int]
    dice: float


class Patient(TypedDict):
    """truth: the ejection fraction in percent over the contoured slices. network: the checkpoint's, by the slices that are counted.

    None where one of the phases has no voxel. group: the letters that the patient's name begins with.
    """

    patient: str
    group: str
    volumes: dict[str, Volume]
    truth: float | None
    network: dict[Way, float | None]


class Ejection(TypedDict):
    """A checkpoint on a data set. weights, fingerprint: digests of the weights and of the files. splits: the patients of each.

    agreement: by split, then by the slices that are counted, over the patients with both values; None for fewer than two.
    """

    checkpoint: str
    weights: str
    data: str
    fingerprint: str
    patients: list[Patient]
    splits: dict[str, list[str]]
    agreement: dict[str, dict[Way, Agreement | None]]


@dataclass(frozen=True)
class _Both:
    """Where the two phases of a patient are among the cases of a split."""

    patient: str
    ed: int
    es: int


def measure_ejection(
    checkpoint: str,
    data: Path,
    splits: Sequence[str],
    progress: Callable[[Sequence[_Both]], Iterable[_Both]] = lambda pairs: pairs,
    *,
    phases: tuple[str, str] = PHASES,
) -> Ejection:
    """Segment both phases of every patient and compare the ejection fractions.

    Args:
        checkpoint: Folder or Hub id.
        data: Data set folder with labels of the left ventricle.
        splits: One or more of "train", "val", "test" and "all". A patient of several is segmented once.
        progress: Goes through the patients and may show it.
        phases: The words in the cases' names that stand for end-diastole and end-systole.

    Raises:
        CardiacError: The network or the data set knows no left ventricle, or the names of the cases do not pair.
        DatasetError: A split has no labelled cases.
    """
    segmenter = Segmenter(load_model(checkpoint))
    structures_of(segmenter.classes)
    known = {split: labelled_split(data, split, segmenter.classes) for split in splits}
    found: dict[str, Patient] = {}
    for cases in known.values():
        # Without the left ventricle in the data set every truth would be empty.
        structures_of(cases.names)
        todo = [both for both in _patients(cases, phases) if both.patient not in found]
        for both in progress(todo):
            found[both.patient] = _measure(segmenter, cases, both)
    of_split = {split: [both.patient for both in _patients(cases, phases)] for split, cases in known.items()}
    return {
        "checkpoint": Path(checkpoint).name,
        "weights": weights_digest(checkpoint_folder(checkpoint)),
        "data": data.name,
        "fingerprint": data_fingerprint(data),
        "patients": [found[name] for name in sorted(found)],
        "splits": of_split,
        "agreement": {split: {way: _agreement([found[name] for name in names], way) for way in WAYS} for split, names in of_split.items()},
    }


def ejection_fraction(diastole: int, systole: int) -> float | None:
    """In percent, from voxels of one size. None if either phase has none."""
    return 100 * (diastole - systole) / diastole if diastole and systole else None


def _patients(known: LabelledSplit, phases: tuple[str, str]) -> list[_Both]:
    return [_Both(pair.name, pair.ed, pair.es) for pair in pairs_of([case.name for case in known.cases], phases)]


def _measure(segmenter: Segmenter, known: LabelledSplit, both: _Both) -> Patient:
    volumes = {phase: _volume(segmenter, known, place) for phase, place in zip(PHASES, (both.ed, both.es), strict=True)}
    ed, es = volumes["ed"], volumes["es"]
    letters = re.match(r"[^\W\d_]+", both.patient)
    return {
        "patient": both.patient,
        "group": letters.group() if letters else "",
        "volumes": volumes,
        "truth": ejection_fraction(sum(ed["truth"]), sum(es["truth"])),
        "network": {
            "all": ejection_fraction(sum(ed["network"]), sum(es["network"])),
            "contoured": ejection_fraction(_contoured(ed), _contoured(es)),
        },
    }


def _volume(segmenter: Segmenter, known: LabelledSplit, place: int) -> Volume:
    case = known.cases[place]
    scan, truth = known.read(case)
    if "LV" not in known.structures_of(case) or (truth == UNSURE).any():
        raise DatasetError(f"{case.name} leaves open where the left ventricle is: its volume cannot be measured")
    label, axis = structures_of(segmenter.classes)["LV"], through_plane_axis(scan)
    reference, answer = (np.moveaxis(labels == label, axis, 0) for labels in (truth, segmenter.open(scan).labels))
    there = reference.any((1, 2))
    size = int(reference.sum()) + int(answer[there].sum())
    dice = 2 * int((reference & answer).sum()) / size if size else 1.0
    return {"case": case.name, "truth": _per_slice(reference), "network": _per_slice(answer), "dice": dice}


def _per_slice(mask: Array) -> list[int]:
    return [int(count) for count in mask.sum((1, 2))]


def _contoured(volume: Volume) -> int:
    """The network's voxels in the slices with a contour."""
    return sum(mine for mine, theirs in zip(volume["network"], volume["truth"], strict=True) if theirs)


def _agreement(patients: Iterable[Patient], way: Way) -> Agreement | None:
    both = [(one["network"][way], one["truth"]) for one in patients]
    pairs = [(mine, theirs) for mine, theirs in both if mine is not None and theirs is not None]
    return bland_altman([mine for mine, _ in pairs], [theirs for _, theirs in pairs]) if len(pairs) > 1 else None
