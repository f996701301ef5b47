"""A split -> a table per case and class, on the scans' own grids, with the codebook's use over the whole split.

Conventions: method section "Measuring" - whole 3D volumes, mean over volumes, then over structures. A picture, or a scan of one slice,
is measured in its plane.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vqseg.data.datasets import DatasetError, class_names
from vqseg.data.preprocess import normalise
from vqseg.data.scan import read_labels, read_scan, through_plane_axis
from vqseg.data.splits import cases_of_split
from vqseg.metrics import evaluate_volume
from vqseg.models.slicewise import chosen_codes, decode_volume, segment_slices
from vqseg.models.views import segment_averaged
from vqseg.models.vqseg import VQSeg
from vqseg.quantization.quantizer import perplexity
from vqseg.types import Array, Case

METRICS = ("dice", "jaccard", "hd95", "asd")


def evaluate_split(
    model: VQSeg,
    folder: str | Path,
    split: str,
    progress: Callable[[Sequence[Case]], Iterable[Case]] = lambda cases: cases,
    *,
    average_views: bool = False,
) -> dict[str, Any]:
    """Segment and measure every labelled case of a split ("train", "val", "test", "all").

    average_views: measure what several views of a slice give on average, not what its tokens decode to.

    -> {"cases": n, "mean": {metric: ..}, "per_class": {structure: {metric: ..}}, "codebook": {"size", "used", "perplexity"},
    "per_case": {name: {structure: {metric: ..}}}}. Raises DatasetError if no case has labels or the
    folder's dataset.json names other classes than the model.
    """
    # Same numbers with other names would score without a word.
    if (Path(folder) / "dataset.json").is_file() and class_names(folder) != model.config.classes:
        raise DatasetError(f"{folder} has the classes {class_names(folder)}, the model {model.config.classes}")
    cases = [case for case in cases_of_split(folder, split) if case.label is not None]
    if not cases:
        raise DatasetError(f"no case of split {split!r} in {folder} has labels")
    usage = torch.zeros(model.config.codebook_size, dtype=torch.int64)
    per_case = {}
    for case in progress(cases):
        prediction, truth, spacing, tokens = _segment(model, case, average_views)
        usage += tokens
        per_case[case.name] = evaluate_volume(prediction, truth, model.config.classes, spacing)
    return summarise(per_case, model.config.classes[1:]) | {
        "codebook": {"size": len(usage), "used": int((usage > 0).sum()), "perplexity": perplexity(usage) if usage.any() else 0.0},
        "per_case": per_case,
    }


def summarise(per_case: dict[str, dict[str, dict[str, float]]], structures: Sequence[str]) -> dict[str, Any]:
    """Mean over the cases for each structure, then over the structures."""
    per_class = {
        name: {metric: float(np.mean([case[name][metric] for case in per_case.values()])) for metric in METRICS} for name in structures
    }
    mean = {metric: float(np.mean([per_class[name][metric] for name in structures])) for metric in METRICS}
    return {"cases": len(per_case), "mean": mean, "per_class": per_class}


def _segment(model: VQSeg, case: Case, average_views: bool) -> tuple[Array, Array, tuple[float, ...], torch.Tensor]:
    """Prediction, truth and spacing, in the plane alone if there is one slice, and the (K,) counts of the codewords."""
    if case.label is None:
        raise DatasetError(f"{case.name} has no label")
    scan, truth = read_scan(case.image), read_labels(case.label)
    if truth.shape != scan.shape:
        raise DatasetError(f"{case.name}: the label has shape {truth.shape}, its image {scan.shape}")
    if truth.max() >= len(model.config.classes):
        raise DatasetError(f"{case.name} has the label {truth.max()}; the model knows 0 to {len(model.config.classes) - 1}")
    axis = through_plane_axis(scan)
    slices = np.moveaxis(normalise(scan.voxels, model.preprocess), axis, 0)
    tokens = torch.empty(0, dtype=torch.int64) if model.config.continuous else chosen_codes(model, slices)
    if average_views:
        labels = segment_averaged(model, slices)
    elif model.indexed:
        labels, _ = decode_volume(model, tokens, (slices.shape[1], slices.shape[2]))
    else:
        labels = segment_slices(model, slices)
    counts = torch.bincount(tokens.flatten(), minlength=model.config.codebook_size)
    if len(labels) == 1:
        # In a volume one voxel thick every voxel would lie on the border, and the distances would be those of whole areas.
        return labels[0], truth.take(0, axis), scan.spacing[:axis] + scan.spacing[axis + 1 :], counts
    return np.moveaxis(labels, 0, axis), truth, scan.spacing, counts
