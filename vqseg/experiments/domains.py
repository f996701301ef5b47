"""Trained here, read there: finished checkpoints on data sets of other scanners and other makers -> domains.json and .md.

Nothing is trained. A checkpoint and a data set are compared by the structures that both know, matched by their names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypedDict

import numpy as np

from vqseg.checkpoint import load_model, weights_digest
from vqseg.data.phantom import write_phantoms
from vqseg.evaluation import Evaluation, NothingInCommonError, evaluate_split, labelled_split
from vqseg.experiments.runs import made_here
from vqseg.files import write_whole
from vqseg.models.vqseg import VQSeg
from vqseg.types import Case

PHANTOMS = "phantoms"
_NAME, _TITLE = "domains", "Trained here, read there"
_NUMBER = re.compile(r"\d+$")

Progress = Callable[[Sequence[Case]], Iterable[Case]]


@dataclass(frozen=True)
class Domain:
    """A data set to read: its name, folder and split, and whether slices without a label were not contoured."""

    name: str
    folder: Path
    split: str = "val"
    contoured_only: bool = False


class Structure(TypedDict):
    """Dice of one structure: the mean, the worst case with its name, and the mean of every group of patients."""

    mean: float
    worst: float
    worst_case: str
    groups: dict[str, float]


class Reading(TypedDict):
    """One checkpoint on one data set. structures is empty where they have none in common."""

    data: str
    cases: int
    structures: dict[str, Structure]


class Reader(TypedDict):
    """One checkpoint on all data sets. weights: a digest."""

    checkpoint: str
    weights: str
    readings: list[Reading]


def phantom_domain(folder: str | TemporaryDirectory[str], patients: int, seed: int) -> Domain:
    """Write phantoms, all of which are measured.

    Args:
        folder: Where they are written.
        patients: How many, two volumes each.
        seed: Of the first.
    """
    path = Path(folder if isinstance(folder, str) else folder.name)
    write_phantoms(path, patients, seed)
    return Domain(PHANTOMS, path, "all")


def read_domains(checkpoint: str, domains: Sequence[Domain], progress: Callable[[str], Progress]) -> Reader:
    """Measure one checkpoint on every data set.

    Args:
        checkpoint: A checkpoint folder or a Hub id.
        domains: The data sets.
        progress: Of a data set's name, what goes through its cases and may show it.

    Raises:
        DatasetError: A data set has no labelled case.
    """
    model = load_model(checkpoint)
    name = Path(checkpoint).name if Path(checkpoint).is_dir() else checkpoint
    readings = [_read(model, domain, progress(f"{name} on {domain.name}")) for domain in domains]
    return {"checkpoint": name, "weights": weights_digest(checkpoint), "readings": readings}


def _read(model: VQSeg, domain: Domain, progress: Progress) -> Reading:
    try:
        labelled_split(domain.folder, domain.split, model.config.classes)
    except NothingInCommonError:
        return {"data": domain.name, "cases": 0, "structures": {}}
    found = evaluate_split(model, domain.folder, domain.split, progress, contoured_only=domain.contoured_only)
    structures = {name: _structure(found, name) for name in found["per_class"]}
    return {"data": domain.name, "cases": found["cases"], "structures": structures}


def _structure(found: Evaluation, name: str) -> Structure:
    scores = {case: rows[name]["dice"] for case, rows in found["per_case"].items() if name in rows}
    groups: dict[str, list[float]] = {}
    for case, score in scores.items():
        groups.setdefault(group_of(case), []).append(score)
    worst = min(scores, key=lambda case: scores[case])
    return {
        "mean": float(np.mean([*scores.values()])),
        "worst": scores[worst],
        "worst_case": worst,
        "groups": {group: float(np.mean(values)) for group, values in sorted(groups.items())},
    }


def group_of(case: str) -> str:
    """The patients whose names differ in their numbers alone: "schfi05_es" belongs to "schfi"."""
    return _NUMBER.sub("", case.split("_", 1)[0])


def write_domains(found: Sequence[Reader], output: Path, *, how: Mapping[str, str]) -> list[Path]:
    """Write domains.json and domains.md.

    Args:
        found: One for each checkpoint, at least one.
        output: Folder to write into.
        how: What the page says of the data sets and of how they were measured, by name; among them "command".

    Returns:
        The files.
    """
    output.mkdir(parents=True, exist_ok=True)
    facts = {**how, **made_here()}
    files = [output / f"{_NAME}.{ending}" for ending in ("json", "md")]
    write_whole(files[0], json.dumps({"table": _NAME, "title": _TITLE, **facts, "checkpoints": list(found)}, indent=1) + "\n")
    write_whole(files[1], "\n".join(_markdown(found, facts)) + "\n")
    return files


def _markdown(found: Sequence[Reader], facts: Mapping[str, str]) -> Iterator[str]:
    yield from (f"# {_TITLE}", "")
    names = [reading["data"] for reading in found[0]["readings"]]
    yield f"| Dice of | {' | '.join(f'on {name}' for name in names)} |"
    yield "|" + "---|" * (1 + len(names))
    for reader in found:
        for structure in dict.fromkeys(name for reading in reader["readings"] for name in reading["structures"]):
            cells = [_cell(reading["structures"].get(structure)) for reading in reader["readings"]]
            yield f"| {reader['checkpoint']}, {structure} | {' | '.join(cells)} |"
    yield ""
    yield "Mean over the volumes, and the worst of them. A dash: the data set has no labels of the structure."
    yield ""
    for reader in found:
        for reading in reader["readings"]:
            yield from _groups(reader["checkpoint"], reading)
    weights = ", ".join(f"{reader['checkpoint']} {reader['weights']}" for reader in found)
    yield (
        f"{facts['data']} Weights: {weights}. "
        f"{facts['hardware']}; version {facts['version']}; {facts['date']}. Command: `{facts['command']}`."
    )


def _cell(found: Structure | None) -> str:
    return f"{found['mean']:.3f} (worst {found['worst']:.3f}, {found['worst_case']})" if found else "-"


def _groups(checkpoint: str, reading: Reading) -> Iterator[str]:
    """A line a structure, where the patients of a data set come in several groups."""
    for name, found in reading["structures"].items():
        if len(found["groups"]) > 1:
            means = ", ".join(f"{group} {mean:.3f}" for group, mean in found["groups"].items())
            yield from (f"- {checkpoint}, {name} on {reading['data']} by group: {means}.", "")
