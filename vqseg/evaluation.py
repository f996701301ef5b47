"""A split -> a table per case and class, on the scans' own grids, with the codebook's use over the whole split.

Conventions: method section "Measuring" - whole 3D volumes, mean over volumes, then over structures. A picture, or a scan of one slice,
is measured in its plane.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NotRequired, TypedDict

import numpy as np
import torch

from vqseg.data.case_files import read_case_files, read_every
from vqseg.data.datasets import DatasetError, class_names
from vqseg.data.neighbours import slice_step
from vqseg.data.planes import through_plane_axis
from vqseg.data.preprocess import normalise
from vqseg.data.splits import cases_of_split
from vqseg.metrics import evaluate_volume
from vqseg.models.slicewise import chosen_codes, label_volume, segment_slices
from vqseg.models.views import segment_averaged
from vqseg.models.vqseg import VQSeg
from vqseg.quantization.quantizer import perplexity
from vqseg.types import UNSURE, Array, Case, Scan

METRICS = ("dice", "jaccard", "hd95", "asd")

Scores = dict[str, float]
"""A value for each of METRICS."""


class CodebookUse(TypedDict):
    """size: K. used: codewords chosen at least once. perplexity: the effective number in use."""

    size: int
    used: int
    perplexity: float


class Summary(TypedDict):
    """cases: how many were measured. per_class: each structure's mean over the cases. mean: the mean of these over the structures."""

    cases: int
    mean: Scores
    per_class: dict[str, Scores]


class Evaluation(Summary):
    """per_case: the scores of every case by its name, and by structure. left_out: cases without labels of the network's structures.
    ignored: voxels without a label by case, which are background in truth and prediction. notes: what should be known of how a case's
    files were read. These three only if there are any."""

    codebook: CodebookUse
    left_out: NotRequired[list[str]]
    ignored: NotRequired[dict[str, int]]
    notes: NotRequired[dict[str, list[str]]]
    per_case: dict[str, dict[str, Scores]]


class NothingInCommonError(DatasetError):
    """No structure of a data set is one of the network's."""


@dataclass(frozen=True)
class LabelledSplit:
    """The cases of a split that can be measured, and what their labels are called.

    names: the data set's classes in the order of its label values. classes: the network's. contoured_only: see `evaluate_split`.
    left_out: names of the cases without a label file, or whose labels show no structure of the network.
    channels: of a scan, as the network reads it.
    """

    cases: tuple[Case, ...]
    names: tuple[str, ...]
    classes: tuple[str, ...]
    contoured_only: bool = False
    left_out: tuple[str, ...] = ()
    channels: int = 1

    @property
    def structures(self) -> tuple[str, ...]:
        """What can be measured: the structures that both know and that the labels of a case show, in the network's order."""
        shown = {name for case in self.cases for name in self.structures_of(case)}
        return tuple(name for name in self.classes[1:] if name in shown)

    def structures_of(self, case: Case) -> tuple[str, ...]:
        """What can be measured in one case: its labels may show fewer structures than the data set has."""
        shown = self.names[1:] if case.labelled is None else case.labelled
        return tuple(name for name in self.classes[1:] if name in shown)

    def read(self, case: Case) -> tuple[Scan, Array]:
        """A scan and its ground truth.

        Args:
            case: With its label file.

        Returns:
            The scan, and its labels (X, Y, Z) in the network's values; structures that the network does not know count as background.
            UNSURE where a voxel has no label.

        Raises:
            ScanError: A file cannot be read.
            DatasetError: There is no label file, it lies on another grid than the scan, it has a label that the data set does not name, or
                no voxel has a label.
        """
        scan, truth = read_case_files(case, self.names, channels=self.channels)
        if truth is None:
            raise DatasetError(f"{case.name} has no label")
        values = np.full(256, UNSURE, np.uint8)
        values[: len(self.names)] = [self.classes.index(name) if name in self.classes[1:] else 0 for name in self.names]
        known = values[truth]
        if (known == UNSURE).all():
            raise DatasetError(f"{case.name} has no voxel with a label")
        return scan, known


def labelled_split(
    folder: str | Path, split: str, classes: tuple[str, ...], *, channels: int = 1, contoured_only: bool = False
) -> LabelledSplit:
    """The cases of a split that can be measured. Classes are matched by their names in the folder's dataset.json, if it has one.

    Args:
        folder: Data set folder.
        split: "train", "val", "test" or "all".
        classes: Those of the network.
        channels: Of a scan, as it reads them.
        contoured_only: See `evaluate_split`.

    Raises:
        NothingInCommonError: No structure of the data set is one of the network's.
        DatasetError: No case has labels.
    """
    names = class_names(folder) if (Path(folder) / "dataset.json").is_file() else classes
    every = cases_of_split(folder, split)
    if not set(classes[1:]) & set(names[1:]):
        raise NothingInCommonError(f"{folder} has the classes {names}, but the model has {classes}: they have no structure in common")
    known = LabelledSplit((), names, classes, contoured_only, channels=channels)
    cases = tuple(case for case in every if case.label is not None and known.structures_of(case))
    if not cases:
        raise DatasetError(f"no case of split {split!r} in {folder} has labels")
    return replace(known, cases=cases, left_out=tuple(case.name for case in every if case not in cases))


def evaluate_split(
    model: VQSeg,
    folder: str | Path,
    split: str,
    progress: Callable[[Sequence[Case]], Iterable[Case]] = lambda cases: cases,
    *,
    average_views: bool = False,
    contoured_only: bool = False,
) -> Evaluation:
    """Segment and measure every labelled case of a split, structure by structure that both the data set and the network know.

    Args:
        model: The network, in evaluation mode.
        folder: Data set folder.
        split: "train", "val", "test" or "all".
        progress: Goes through the cases and may show it.
        average_views: Measure what several views of a slice give on average, not what its tokens decode to.
        contoured_only: Compare the slices alone that have a label: for data in which a slice without one may show the structure.

    Returns:
        Plain values, fit for JSON.

    Raises:
        ScanError: A file cannot be read.
        DatasetError: No case has labels, data set and network have no structure in common, a case has nothing to compare, or its labels
            do not fit: nothing is measured then.
    """
    known = labelled_split(folder, split, model.config.classes, channels=model.config.in_channels, contoured_only=contoured_only)
    usage = torch.zeros(model.config.codebook_size, dtype=torch.int64)
    per_case, ignored = {}, {}
    # Before the work begins, which may be long.
    notes = {
        case.name: told for case, told in zip(known.cases, read_every(known.cases, lambda case: known.read(case)[0].notes), strict=True)
    }
    for case in progress(known.cases):
        prediction, truth, spacing, tokens = _segment(model, known, case, average_views)
        usage += tokens
        open_voxels = truth == UNSURE
        prediction, truth = (np.where(open_voxels, 0, labels) for labels in (prediction, truth))
        scores = evaluate_volume(prediction, truth, model.config.classes, spacing)
        per_case[case.name] = {name: scores[name] for name in known.structures_of(case)}
        ignored[case.name] = int(open_voxels.sum())
    used: CodebookUse = {
        "size": len(usage),
        "used": int((usage > 0).sum()),
        "perplexity": perplexity(usage) if usage.any() else 0.0,
    }
    result: Evaluation = {**summarise(per_case, known.structures), "codebook": used, "per_case": per_case}  # type: ignore[typeddict-item]
    if known.left_out:
        result["left_out"] = list(known.left_out)
    if any(ignored.values()):
        result["ignored"] = {name: count for name, count in ignored.items() if count}
    if said := {name: list(told) for name, told in notes.items() if told}:
        result["notes"] = said
    return result


def summarise(per_case: dict[str, dict[str, Scores]], structures: Sequence[str]) -> Summary:
    """Mean over the cases for each structure, then over the structures.

    Args:
        per_case: Scores by case and structure; a case need not have all of them.
        structures: Names of the structures, each of some case.
    """
    per_class = {
        name: {metric: float(np.mean([case[name][metric] for case in per_case.values() if name in case])) for metric in METRICS}
        for name in structures
    }
    mean = {metric: float(np.mean([per_class[name][metric] for name in structures])) for metric in METRICS}
    return {"cases": len(per_case), "mean": mean, "per_class": per_class}


def _labels_and_tokens(model: VQSeg, slices: Array, step: int, average_views: bool) -> tuple[Array, torch.Tensor]:
    """Labels (S, A, B) uint8, and the codes of all slices, of any shape; no code where there is no codebook."""
    if not average_views and not model.indexed:
        found = [torch.empty(0, dtype=torch.int64)]
        labels = segment_slices(model, slices, step=step, codes=found)
        return labels, torch.cat([codes.flatten() for codes in found])
    tokens = torch.empty(0, dtype=torch.int64) if model.config.continuous else chosen_codes(model, slices, step=step)
    if average_views:
        return segment_averaged(model, slices, step=step), tokens
    return label_volume(model, tokens, (slices.shape[1], slices.shape[2])), tokens


def _segment(model: VQSeg, known: LabelledSplit, case: Case, average_views: bool) -> tuple[Array, Array, tuple[float, ...], torch.Tensor]:
    """Prediction, truth with UNSURE, and spacing, in the plane alone if there is one slice, and the (K,) counts of the codewords."""
    scan, truth = known.read(case)
    axis = through_plane_axis(scan)
    step = slice_step(scan, axis)
    slices = np.moveaxis(normalise(scan.voxels, model.preprocess), axis, 0)
    labels, tokens = _labels_and_tokens(model, slices, step, average_views)
    counts = torch.bincount(tokens.flatten(), minlength=model.config.codebook_size)
    truths = np.moveaxis(truth, axis, 0)
    if known.contoured_only:
        there = ((truths > 0) & (truths != UNSURE)).any((1, 2))
        if not there.any():
            raise DatasetError(f"{case.name} has no slice with a label of {', '.join(known.structures)}")
        labels, truths = labels[there], truths[there]
    in_plane = scan.spacing[:axis] + scan.spacing[axis + 1 :]
    if len(labels) == 1:
        # In a volume one voxel thick every voxel would lie on the border, and the distances would be those of whole areas.
        return labels[0], truths[0], in_plane, counts
    return labels, truths, (scan.spacing[axis], *in_plane), counts
