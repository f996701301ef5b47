"""How well a predicted structure agrees with the truth: Dice, Jaccard, HD95 and ASD on a whole volume.

Conventions, so that numbers can be compared with the tables of the field (medpy.metric.binary, SSL4MIS):

- The border of a structure are its voxels with a face neighbour outside it; beyond the volume counts as outside.
- HD95 is the 95th percentile (linear interpolation) of both directions' border distances pooled, not the larger of two percentiles.
- Arrays may have two axes. A picture and a volume of one slice are measured so (evaluation.py): one voxel thick, all would be border.
- ASD is directed, from the prediction's border to the truth's, as the tables have it; the mean of both ways would be medpy's ASSD.
- Both empty: Dice and Jaccard 1, distances 0. Exactly one empty: Dice and Jaccard 0, both distances the volume's diagonal in mm.
  (Scoring such a miss as distance 0, as some published code does, rewards predicting nothing.)

Distances are in the unit of `spacing`: millimetres, or voxels where it is (1, 1, 1).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from vqseg.types import Array


def dice(prediction: Array, truth: Array) -> float:
    """2 |P and T| / (|P| + |T|) of two masks.

    Args:
        prediction: Any shape; nonzero is inside.
        truth: The ground truth, of the same shape.

    Returns:
        In [0, 1]; 1 if both masks are empty.

    Raises:
        ValueError: The shapes differ.
    """
    prediction, truth = _masks(prediction, truth)
    total = int(np.count_nonzero(prediction)) + int(np.count_nonzero(truth))
    return 2.0 * int(np.count_nonzero(prediction & truth)) / total if total else 1.0


def jaccard(prediction: Array, truth: Array) -> float:
    """|P and T| / |P or T| of two masks.

    Args:
        prediction: Any shape; nonzero is inside.
        truth: The ground truth, of the same shape.

    Returns:
        In [0, 1]; 1 if both masks are empty.

    Raises:
        ValueError: The shapes differ.
    """
    prediction, truth = _masks(prediction, truth)
    union = int(np.count_nonzero(prediction | truth))
    return int(np.count_nonzero(prediction & truth)) / union if union else 1.0


def surface_distances(prediction: Array, truth: Array, spacing: Sequence[float]) -> tuple[Array, Array]:
    """Distances between the borders of two masks, in both directions.

    Args:
        prediction: Two or three axes; nonzero is inside.
        truth: The ground truth, of the same shape.
        spacing: One positive number per axis.

    Returns:
        The distance of each border voxel of the prediction to the truth's border (n,), and of the truth's to the prediction's (m,), in the
        unit of `spacing`.

    Raises:
        ValueError: A mask is empty, the shapes differ, or the spacing does not fit.
    """
    prediction, truth = _masks(prediction, truth)
    spacing = _checked_spacing(spacing, prediction.ndim)
    if not (prediction.any() and truth.any()):
        raise ValueError("surface distances need a voxel in both masks")
    # Cropping to both structures changes no distance, and the transforms cost as much as the volume they run over.
    box = ndimage.find_objects((prediction | truth).astype(np.uint8))[0]
    borders = [_border(mask[box]) for mask in (prediction, truth)]
    to_prediction, to_truth = (ndimage.distance_transform_edt(~border, sampling=spacing) for border in borders)
    return to_truth[borders[0]], to_prediction[borders[1]]


def hd95(prediction: Array, truth: Array, spacing: Sequence[float]) -> float:
    """95th percentile of the border distances of both directions pooled.

    Args:
        prediction: Two or three axes; nonzero is inside.
        truth: The ground truth, of the same shape.
        spacing: One positive number per axis.

    Returns:
        In the unit of `spacing`; for empty masks see the module's conventions.

    Raises:
        ValueError: The shapes differ, or the spacing does not fit.
    """
    return _distances(prediction, truth, spacing)[0]


def asd(prediction: Array, truth: Array, spacing: Sequence[float]) -> float:
    """Mean distance from the prediction's border to the truth's (directed).

    Args:
        prediction: Two or three axes; nonzero is inside.
        truth: The ground truth, of the same shape.
        spacing: One positive number per axis.

    Returns:
        In the unit of `spacing`; for empty masks see the module's conventions.

    Raises:
        ValueError: The shapes differ, or the spacing does not fit.
    """
    return _distances(prediction, truth, spacing)[1]


def evaluate_volume(prediction: Array, truth: Array, classes: Sequence[str], spacing: Sequence[float]) -> dict[str, dict[str, float]]:
    """Score each foreground class of a label volume.

    Args:
        prediction: Label volume of two or three axes.
        truth: The ground truth, of the same shape.
        classes: Names in the order of the label values; the first is the background, which is not scored.
        spacing: One positive number per axis, usually millimetres.

    Returns:
        {class: {"dice", "jaccard", "hd95", "asd"}}.

    Raises:
        ValueError: The shapes differ, a label has no name, or the spacing does not fit.
    """
    if prediction.shape != truth.shape:
        raise ValueError(f"prediction has the shape {prediction.shape} and truth {truth.shape}; expected the same")
    for name, labels in (("prediction", prediction), ("truth", truth)):
        if labels.size and not 0 <= labels.min() <= labels.max() < len(classes):
            raise ValueError(
                f"{name} has labels from {labels.min()} to {labels.max()}; expected 0 to {len(classes) - 1} for {tuple(classes)}"
            )
    return {name: _scores(prediction == value, truth == value, spacing) for value, name in enumerate(classes) if value > 0}


def _scores(prediction: Array, truth: Array, spacing: Sequence[float]) -> dict[str, float]:
    far, mean = _distances(prediction, truth, spacing)
    return {"dice": dice(prediction, truth), "jaccard": jaccard(prediction, truth), "hd95": far, "asd": mean}


def _distances(prediction: Array, truth: Array, spacing: Sequence[float]) -> tuple[float, float]:
    """(HD95, ASD), with the conventions for empty masks."""
    prediction, truth = _masks(prediction, truth)
    empty = (not prediction.any(), not truth.any())
    if all(empty):
        return 0.0, 0.0
    if any(empty):
        diagonal = float(np.linalg.norm(np.multiply(prediction.shape, _checked_spacing(spacing, prediction.ndim))))
        return diagonal, diagonal
    there, back = surface_distances(prediction, truth, spacing)
    return float(np.percentile(np.concatenate([there, back]), 95)), float(there.mean())


def _border(mask: Array) -> Array:
    border: Array = mask & ~ndimage.binary_erosion(mask)
    return border


def _masks(prediction: Array, truth: Array) -> tuple[Array, Array]:
    if prediction.shape != truth.shape:
        raise ValueError(f"prediction has the shape {prediction.shape} and truth {truth.shape}; expected the same")
    return prediction.astype(bool, copy=False), truth.astype(bool, copy=False)


def _checked_spacing(spacing: Sequence[float], axes: int) -> tuple[float, ...]:
    if len(spacing) != axes or not all(np.isfinite(spacing)) or min(spacing) <= 0:
        raise ValueError(f"spacing is {tuple(spacing)}; expected {axes} positive numbers")
    return tuple(float(s) for s in spacing)
