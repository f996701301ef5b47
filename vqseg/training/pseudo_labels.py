"""Pseudo-labels that are made once, before a run: a trained checkpoint reads every unlabelled scan whole, from several sides.

The teacher of a step sees one crop, once; the average over several views of whole slices (`models/views.py`) is steadier than its answer.
A run that takes such labels (`data.pseudo_labels`) trains its student on them, perturbed by the QPM as ever (Eq. 9), and needs no
answer of its teacher.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from vqseg.checkpoint import WEIGHTS, checkpoint_folder, load_model, read_config
from vqseg.config import DataConfig
from vqseg.data.datasets import class_names, find_cases, read_json
from vqseg.data.preprocess import normalise
from vqseg.data.scan import read_labels, read_scan, through_plane_axis, write_labels
from vqseg.data.splits import labelled_and_unlabelled, read_splits
from vqseg.models.views import label_averaged
from vqseg.training.start import TrainingError
from vqseg.types import UNSURE, Case

NOTES = "pseudo-labels.json"
# One of them is written per case: NIfTI keeps the grid, a picture has none.
_ENDINGS = (".nii.gz", ".png")
_VOLUMES = (".nii", ".nii.gz")


def write_pseudo_labels(
    checkpoint: str,
    data: Path,
    output: Path,
    *,
    confidence: float,
    image_side: int | None = None,
    device: str | None = None,
    progress: Callable[[Sequence[Case]], Iterable[Case]] = lambda cases: cases,
) -> dict[str, Any]:
    """Label the training scans that were unlabelled when `checkpoint` was trained: output/NAME.nii.gz on each scan's grid, and NOTES.

    confidence: voxels whose class has a lower probability become UNSURE. image_side: instead of the checkpoint's own. Volumes that are
    there already are kept if they were made in the same way. -> the notes: how they were made, the number of cases, and unsure, the
    share of UNSURE among the voxels that are not background.
    Raises TrainingError if the checkpoint does not say its share, has other classes, or if other pseudo-labels are in the folder.
    """
    if not 0 <= confidence <= 1:
        raise TrainingError(f"confidence must lie in [0, 1], got {confidence}")
    folder = checkpoint_folder(checkpoint)
    share = read_config(folder).get("training", {}).get("config", {}).get("data", {}).get("labelled")
    if share is None:
        raise TrainingError(
            f"{checkpoint} does not say which labels it was trained with; expected training.config.data.labelled in its config.json"
        )
    model = load_model(folder, device)
    if image_side is not None:
        model.preprocess = replace(model.preprocess, image_side=image_side)
    if class_names(data) != model.config.classes:
        raise TrainingError(f"{data} has the classes {class_names(data)}, {checkpoint} {model.config.classes}")
    unlabelled = labelled_and_unlabelled(find_cases(data), read_splits(data), share)[1]
    notes: dict[str, Any] = {
        "labelled": share,
        "checkpoint": folder.resolve().name,
        "weights": _digest(folder),
        "image_side": model.preprocess.image_side,
        "confidence": confidence,
    }
    output.mkdir(parents=True, exist_ok=True)
    known = read_json(output / NOTES) if (output / NOTES).is_file() else notes
    if any(known.get(key) != value for key, value in notes.items()):
        raise TrainingError(f"{output} holds other pseudo-labels ({known}); choose another folder")
    _write_notes(output, notes)
    structures = unsure = 0
    for case in progress(unlabelled):
        target = output / (case.name + (".nii.gz" if case.image.name.lower().endswith(_VOLUMES) else ".png"))
        if target.is_file():
            labels = read_labels(target)
        else:
            scan = read_scan(case.image)
            axis = through_plane_axis(scan)
            hard, certainty = label_averaged(model, np.moveaxis(normalise(scan.voxels, model.preprocess), axis, 0))
            labels = np.moveaxis(np.where(certainty >= confidence, hard, UNSURE).astype(np.uint8), 0, axis)
            # An interrupted command must not leave half a file under the final name.
            part = target.with_name(f"part-{target.name}")
            write_labels(np.ascontiguousarray(labels), scan, part)
            part.replace(target)
        structures, unsure = structures + int((labels > 0).sum()), unsure + int((labels == UNSURE).sum())
    notes |= {"cases": len(unlabelled), "unsure": round(unsure / max(1, structures), 4)}
    _write_notes(output, notes)
    return notes


def with_pseudo_labels(unlabelled: Sequence[Case], data: DataConfig) -> list[Case]:
    """The unlabelled cases with the label files that data.pseudo_labels holds for them.

    Raises TrainingError if a case has none, if the folder is the data set's own, or if its labels were learnt from another share of
    the patients: the run would then know more than its labelled part tells.
    """
    folder = Path(data.pseudo_labels or "")
    if not folder.is_dir():
        raise TrainingError(
            f"there is no folder {folder} of pseudo-labels; python -m vqseg pseudo-labels --checkpoint ... --data {data.folder} "
            f"--output {folder} makes it"
        )
    if Path(data.folder).resolve() in (folder.resolve(), *folder.resolve().parents):
        raise TrainingError(f"{folder} belongs to the data set: its labels are not those of a checkpoint")
    share = read_json(folder / NOTES).get("labelled")
    if share != data.labelled:
        raise TrainingError(f"the pseudo-labels in {folder} come from a checkpoint of share {share!r}, data.labelled is {data.labelled!r}")
    found = [replace(case, label=_file_of(case, folder)) for case in unlabelled]
    missing = [case.name for case in found if case.label is None]
    if missing:
        raise TrainingError(f"{folder} has no pseudo-labels for {len(missing)} case(s), the first is {missing[0]!r}")
    return found


def check_pseudo_labels(labels: Tensor, names: Sequence[str]) -> None:
    """Raises TrainingError if labels hold a value that is neither a class nor UNSURE."""
    known = labels[labels != UNSURE]
    if len(known) and int(known.max()) >= len(names):
        raise TrainingError(f"the pseudo-labels have the value {int(known.max())}; expected 0 to {len(names) - 1} or {UNSURE}")


def _file_of(case: Case, folder: Path) -> Path | None:
    return next((path for ending in _ENDINGS if (path := folder / f"{case.name}{ending}").is_file()), None)


def _digest(folder: Path) -> str:
    return hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()[:12]


def _write_notes(folder: Path, notes: dict[str, Any]) -> None:
    (folder / NOTES).write_text(json.dumps(notes, indent=2) + "\n", encoding="utf-8")
