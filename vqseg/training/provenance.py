"""Digests of the patients whose labels a run's weights have seen. A patient's name may identify a person and is not passed on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from typing import TypedDict

from vqseg.checkpoint import checkpoint_folder, read_config
from vqseg.data.splits import Splits, labelled_and_unlabelled
from vqseg.plain import Json, JsonObject, child
from vqseg.types import Case


class EarlierRun(TypedDict):
    """Digests of the patients whose labels a run was trained with, and of all its training patients."""

    labelled_patients: str
    training_patients: str


def patients_digest(cases: Iterable[Case]) -> str:
    """Twelve hexadecimal digits that identify the patients of some cases without their names, which may identify a person."""
    return _digest({case.patient for case in cases})


def _digest(patients: Collection[str]) -> str:
    return hashlib.sha256(json.dumps(sorted(patients)).encode()).hexdigest()[:12]


def seen_patients(labelled: Iterable[Case], splits: Splits) -> EarlierRun:
    """Digests of the patients of a run.

    Args:
        labelled: Cases whose labels it learns from.
        splits: Of the data set; the digest of all training patients identifies the data set and its fold.
    """
    return {"labelled_patients": patients_digest(labelled), "training_patients": _digest(splits.train)}


def earlier_runs(checkpoint: str | None) -> list[EarlierRun]:
    """`seen_patients` of the runs in which the weights of train.initial were trained, the oldest first."""
    if checkpoint is None:
        return []
    training = child(read_config(checkpoint_folder(checkpoint)), "training")
    runs = runs_before(training)
    own = _digests(training)
    # A self-supervised run has seen no label.
    blind = child(training, "config", "objective").get("segmentation") == 0
    return runs if own is None or blind else [*runs, own]


def runs_before(training: JsonObject) -> list[EarlierRun]:
    """The runs before a checkpoint's own run, as its config.json lists them under "training"."""
    entries = training.get("earlier")
    found = [_digests(entry) for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    return [run for run in found if run is not None]


def _digests(values: Json) -> EarlierRun | None:
    """The digests of one run; None if they are missing, as in checkpoints of earlier versions."""
    if not isinstance(values, dict):
        return None
    labelled, training = values.get("labelled_patients"), values.get("training_patients")
    if labelled is None or training is None:
        return None
    return {"labelled_patients": str(labelled), "training_patients": str(training)}


def learnt_beyond(runs: Iterable[EarlierRun], cases: Sequence[Case], splits: Splits, share: str) -> bool:
    """Whether one of some runs was trained with labels of these splits outside the share.

    Digests can only be compared, so a run on other training patients does not count, even if it used another fold of the same data.

    Args:
        runs: As `earlier_runs` gives them.
        cases: Of the data set.
        splits: Of the data set.
        share: A key of the labelled shares.
    """
    mine = {case.patient for case in labelled_and_unlabelled(cases, splits, share)[0]}
    parts = [set(patients) for patients in (splits.train, *splits.labelled.values())]
    within = {_digest(patients) for patients in parts if patients <= mine}
    return any(run["training_patients"] == _digest(splits.train) and run["labelled_patients"] not in within for run in runs)


def labels_digest(cases: Iterable[Case]) -> str:
    """Twelve hexadecimal digits of the content of the cases' label files, and of what says how much these count."""
    digest = hashlib.sha256()
    for case in cases:
        for file in (case.label, case.doubt):
            if file is not None:
                digest.update(case.name.encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:12]
