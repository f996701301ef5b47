"""Pseudo-labels made once, before a run: a trained checkpoint segments every unlabelled scan, averaged over several views.

The teacher of a step sees one crop, once. The average over views of whole slices (`models/views.py`) is steadier.
A run that uses such labels (`data.pseudo_labels`) trains its student on them, perturbed by the QPM as usual (Eq. 9), and does not ask its
teacher. The confidence threshold and the dropping of islands were then applied when the labels were made.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NotRequired, TypedDict

import numpy as np

from vqseg.checkpoint import checkpoint_folder, load_model, read_config, weights_digest
from vqseg.config import DataConfig, PreprocessConfig, to_mapping
from vqseg.data.case_files import read_case_files, read_every, read_image
from vqseg.data.datasets import class_names, files_by_name, find_cases, read_json
from vqseg.data.ends import structure_ends
from vqseg.data.neighbours import slice_step
from vqseg.data.preprocess import normalise
from vqseg.data.scan import through_plane_axis, write_labels
from vqseg.data.splits import ALL, labelled_and_unlabelled, read_splits, unlabelled_of
from vqseg.files import write_whole
from vqseg.models.views import label_weighed
from vqseg.models.vqseg import VQSeg
from vqseg.plain import JsonObject, child
from vqseg.training.provenance import learnt_beyond, patients_digest, runs_before
from vqseg.types import UNSURE, Array, Case, Scan

NOTES = "pseudo-labels.json"
DOUBT = "doubt"
"""Folder beside the labels, with files of the same names: how far the views disagree on each label, 0 to 255."""


class PseudoLabelError(ValueError):
    """Pseudo-labels that are missing, or that a run must not learn from."""


class Notes(TypedDict):
    """How pseudo-labels were made. An interrupted command resumes only if everything but checkpoint, cases and unsure is the same.

    labelled: the share whose labels the checkpoint has seen. patients, weights: digests. others: digests of the weights of further
    checkpoints and how they read scans, if there are any. open_ends: whether the ends of the structures are UNSURE. weigh: whether
    there is DOUBT, too. unsure: the share of UNSURE among the voxels that are not background.
    """

    labelled: str
    patients: str
    weights: str
    preprocess: JsonObject
    confidence: float
    others: NotRequired[list[JsonObject]]
    open_ends: NotRequired[bool]
    weigh: NotRequired[bool]
    checkpoint: NotRequired[str]
    cases: NotRequired[int]
    unsure: NotRequired[float]


def write_pseudo_labels(
    checkpoint: str,
    data: Path,
    output: Path,
    *,
    confidence: float,
    image_side: int | None = None,
    others: Sequence[str] = (),
    unlabelled_folders: Sequence[Path] = (),
    open_ends: bool = False,
    weigh: bool = False,
    device: str | None = None,
    progress: Callable[[Sequence[Case]], Iterable[Case]] = lambda cases: cases,
) -> Notes:
    """Write pseudo-labels for the training scans outside the share that a checkpoint was trained with.

    Each scan gets one label file on its own grid; NOTES says how they were made.

    Args:
        checkpoint: Folder or Hub id.
        data: Data set folder with splits.json.
        output: Folder to write. Volumes that lie there already are kept if they were made in the same way.
        confidence: Voxels whose class has a lower probability, in [0, 1], become UNSURE.
        image_side: Read slices at this size instead of the checkpoint's own; further checkpoints keep theirs.
        others: Further checkpoints of the same share; labels and probabilities are averaged over them, too.
        unlabelled_folders: Further data sets whose training images are labelled, too: `data.unlabelled_folders` of the run.
        open_ends: The ends of every structure become UNSURE (`vqseg.data.ends`).
        weigh: Write down how far the views agree on each label, too; a run then weighs the label by it.
        device: "cpu", "cuda" ...; None for the CPU.
        progress: Goes through the cases and may show it.

    Returns:
        How they were made.

    Raises:
        PseudoLabelError: The checkpoint does not say its share, does not fit the data, or was trained with other patients' labels; or the
            folder holds anything else.
        CheckpointError: The checkpoint cannot be loaded.
        DatasetError: The data set cannot be read.
        ScanError: A scan cannot be read.
    """
    if not 0 <= confidence <= 1:
        raise PseudoLabelError(f"confidence must lie in [0, 1], got {confidence}")
    for one in (data, *unlabelled_folders):
        if _inside(output, one):
            raise PseudoLabelError(f"{output} lies in the data set; choose a folder outside of {one}")
    folder = checkpoint_folder(checkpoint)
    share, labelled, unlabelled = _parts(folder, checkpoint, data)
    unlabelled += unlabelled_of(unlabelled_folders, [*labelled, *unlabelled])
    model = load_model(folder, device)
    if class_names(data) != model.config.classes:
        raise PseudoLabelError(f"{data} has the classes {class_names(data)}, but {checkpoint} has {model.config.classes}")
    if image_side is not None:
        model.preprocess = replace(model.preprocess, image_side=image_side)
    further = [_further(one, folder, model, share, data) for one in others]
    notes: Notes = {
        "labelled": share,
        "patients": patients_digest(labelled),
        "weights": weights_digest(folder),
        "preprocess": to_mapping(model.preprocess),
        "confidence": confidence,
    }
    if others:
        notes["others"] = [
            {"weights": weights_digest(one), "preprocess": to_mapping(other.preprocess)} for one, other in zip(others, further, strict=True)
        ]
    if open_ends:
        notes["open_ends"] = True
    if weigh:
        notes["weigh"] = True
    read_every(unlabelled, lambda case: read_image(case, model.config.in_channels) and None)
    _prepare(output, notes)
    # Not compared when a command resumes: the checkpoint may have been moved in between.
    notes["checkpoint"] = checkpoint
    _write_notes(output, notes)
    notes["unsure"] = _label_all(_Labeller(model, further, confidence, open_ends, weigh), progress(unlabelled), output)
    notes["cases"] = len(unlabelled)
    _write_notes(output, notes)
    return notes


def with_pseudo_labels(labelled: Sequence[Case], unlabelled: Sequence[Case], data: DataConfig) -> list[Case]:
    """The unlabelled cases with the label files that data.pseudo_labels holds for them.

    Args:
        labelled: Cases whose labels the run reads.
        unlabelled: Cases to find pseudo-labels for.
        data: Names the folder and the share.

    Raises:
        PseudoLabelError: A case has none, the folder lies in the data set, or the checkpoint behind the labels was trained with the labels
            of other patients: they would then leak into the run.
    """
    folder = Path(data.pseudo_labels or "")
    others = "".join(f" --unlabelled-folders {one}" for one in data.unlabelled_folders)
    command = f"python -m vqseg pseudo-labels --checkpoint ... --data {data.folder}{others} --output {folder}"
    if data.labelled == ALL:
        raise PseudoLabelError("data.labelled is all: no scan is left for data.pseudo_labels")
    if not (folder / NOTES).is_file():
        raise PseudoLabelError(f"{folder} holds no pseudo-labels (it has no {NOTES}); make them with: {command}")
    for one in (data.folder, *data.unlabelled_folders):
        if _inside(folder, Path(one)):
            raise PseudoLabelError(f"{folder} lies in the data set; pseudo-labels belong outside of {one}")
    notes = read_json(folder / NOTES)
    if notes.get("labelled") != data.labelled or notes.get("patients") != patients_digest(labelled):
        raise PseudoLabelError(
            f"the checkpoint behind the pseudo-labels in {folder} was trained with the labels of other patients "
            f"(share {notes.get('labelled')!r}) than those of data.labelled {data.labelled!r}"
        )
    files = files_by_name(folder)
    missing = [case.name for case in unlabelled if case.name not in files]
    if missing:
        raise PseudoLabelError(f"{folder} has no file for {len(missing)} case(s), the first is {missing[0]!r}; complete it with: {command}")
    doubts = files_by_name(folder / DOUBT) if notes.get("weigh") else {}
    return [replace(case, label=files[case.name], ignore=UNSURE, labelled=None, doubt=doubts.get(case.name)) for case in unlabelled]


def _parts(folder: Path, checkpoint: str, data: Path) -> tuple[str, list[Case], list[Case]]:
    """The share that the checkpoint was trained with, the cases whose labels it has seen, and the others of train."""
    training = child(read_config(folder), "training")
    share = child(training, "config", "data").get("labelled")
    if not isinstance(share, str):
        raise PseudoLabelError(
            f"{checkpoint} does not say which labels it was trained with; expected training.config.data.labelled in its config.json"
        )
    cases, splits = find_cases(data), read_splits(data)
    labelled, unlabelled = labelled_and_unlabelled(cases, splits, share)
    if not unlabelled:
        raise PseudoLabelError(f"{checkpoint} was trained with share {share!r}: no scan is left to label")
    # Checkpoints of earlier versions do not say whose labels they have seen.
    if training.get("labelled_patients", patients_digest(labelled)) != patients_digest(labelled):
        raise PseudoLabelError(f"{checkpoint} was trained with the labels of other patients than those of share {share!r} in {data}")
    if learnt_beyond(runs_before(training), cases, splits, share):
        raise PseudoLabelError(f"the weights that {checkpoint} started from were trained with labels of {data} outside the share {share!r}")
    return share, labelled, unlabelled


def _prepare(output: Path, notes: Notes) -> None:
    """Make the folder for labels. Raises PseudoLabelError if it holds other files, or labels with other notes."""
    output.mkdir(parents=True, exist_ok=True)
    if not (output / NOTES).is_file():
        if any(output.iterdir()):
            raise PseudoLabelError(f"{output} holds other files; choose an empty folder or a new one")
        return
    known = read_json(output / NOTES)
    # Notes without one of these were made without it, and those without a setting with its default.
    wanted = {"others": None, "open_ends": None, "weigh": None, **notes}
    known["preprocess"] = to_mapping(PreprocessConfig()) | child(known, "preprocess")
    changes = [f"{key} was {known.get(key)!r} and is {value!r}" for key, value in wanted.items() if known.get(key) != value]
    if changes:
        raise PseudoLabelError(f"{output} holds other pseudo-labels ({'; '.join(changes)}); choose another folder")


@dataclass(frozen=True)
class _Labeller:
    """What labels are made with: see `write_pseudo_labels`."""

    model: VQSeg
    others: Sequence[VQSeg]
    confidence: float
    open_ends: bool
    weigh: bool

    def labels(self, scan: Scan) -> tuple[Array, Array | None]:
        """Labels (X, Y, Z) uint8, and how far the views disagree on them if that is wanted."""
        axis, model = through_plane_axis(scan), self.model
        slices = np.moveaxis(normalise(scan.voxels, model.preprocess), axis, 0)
        step = slice_step(scan, axis)
        hard, certainty, agreement = label_weighed(model, slices, step=step, others=self.others)
        sure = certainty >= self.confidence
        if self.open_ends:
            sure &= ~structure_ends(hard, step)
        doubt = np.rint(255 * (1 - agreement)).astype(np.uint8) if self.weigh else None
        labels = np.where(sure, hard, UNSURE).astype(np.uint8)
        return np.moveaxis(labels, 0, axis), None if doubt is None else np.moveaxis(doubt, 0, axis)


def _further(checkpoint: str, first: Path, model: VQSeg, share: str, data: Path) -> VQSeg:
    """A checkpoint that may be averaged with the first. Raises PseudoLabelError if it may not be, or reads other intensities."""
    folder = checkpoint_folder(checkpoint)
    own_share, _, _ = _parts(folder, checkpoint, data)
    if weights_digest(folder) == weights_digest(first):
        raise PseudoLabelError(f"{checkpoint} has the weights of the first checkpoint")
    if own_share != share:
        raise PseudoLabelError(f"{checkpoint} was trained with share {own_share!r}, the first checkpoint with {share!r}")
    other = load_model(folder, str(next(model.parameters()).device))
    if other.config.classes != model.config.classes or _intensities(other) != _intensities(model):
        raise PseudoLabelError(f"{checkpoint} has other classes or reads other intensities than the first checkpoint")
    return other


def _intensities(model: VQSeg) -> tuple[object, ...]:
    return model.config.in_channels, model.preprocess.intensity, model.preprocess.percentiles, model.preprocess.window


def _label_all(labeller: _Labeller, cases: Iterable[Case], output: Path) -> float:
    """Label the cases that have no file yet. -> the share of UNSURE among the voxels that are not background."""
    kept, names = files_by_name(output), labeller.model.config.classes
    structures = unsure = 0
    for case in cases:
        there = kept.get(case.name)
        channels = labeller.model.config.in_channels
        known = read_case_files(replace(case, label=there, ignore=UNSURE), names, channels=channels)[1] if there else None
        labels = _label(labeller, case, output) if known is None else known
        structures, unsure = structures + int((labels > 0).sum()), unsure + int((labels == UNSURE).sum())
    return round(unsure / max(1, structures), 4)


def _label(labeller: _Labeller, case: Case, output: Path) -> Array:
    """Label one case and write the file. -> its labels."""
    scan = read_image(case, labeller.model.config.in_channels)
    labels, doubt = labeller.labels(scan)
    # The labels last: where they are, nothing is missing.
    if doubt is not None:
        (output / DOUBT).mkdir(exist_ok=True)
        _write(doubt, scan, output / DOUBT, case.name)
    _write(labels, scan, output, case.name)
    return labels


def _write(labels: Array, scan: Scan, folder: Path, name: str) -> None:
    ending = ".png" if scan.header is None and scan.shape[2] == 1 else ".nii.gz"
    # An interrupted command must not leave half a file under the final name, and another process may write into the same folder.
    with TemporaryDirectory(prefix=".vqseg-", dir=folder) as place:
        part = Path(place) / f"{name}{ending}"
        write_labels(np.ascontiguousarray(labels), scan, part)
        part.replace(folder / part.name)


def _inside(folder: Path, data: Path) -> bool:
    """Whether a folder is a data set's folder or lies in it, also through a link in the data set's folder."""
    own = {data.resolve(), *(part.resolve() for part in data.glob("*") if part.is_dir())} if data.is_dir() else {data.resolve()}
    return bool(own & {folder.resolve(), *folder.resolve().parents})


def _write_notes(folder: Path, notes: Notes) -> None:
    write_whole(folder / NOTES, json.dumps(notes, indent=2) + "\n")
