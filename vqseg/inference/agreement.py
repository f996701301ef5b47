"""How far two pictures agree: Dice of labels, changed pixels, PSNR of intensities. What is reported for a data set: `vqseg.metrics`."""

from __future__ import annotations

import numpy as np

from vqseg.types import Array


def label_agreement(labels: Array, reference: Array) -> float:
    """Mean Dice over the structures present in either label picture.

    Args:
        labels: Integers of any shape; 0 is the background.
        reference: Integers of the same shape.

    Returns:
        A share in [0, 1]; 1 if neither picture has a structure.
    """
    present = [label for label in np.union1d(np.unique(labels), np.unique(reference)) if label != 0]
    scores = [score for label in present if (score := _dice(labels == label, reference == label)) is not None]
    return float(np.mean(scores)) if scores else 1.0


def dice_by_class(labels: Array, reference: Array, classes: int) -> list[float | None]:
    """Dice of every structure.

    Args:
        labels: Integers of any shape, 0 to classes - 1; 0 is the background.
        reference: Integers of the same shape.
        classes: Number of classes, the background included.

    Returns:
        One value in [0, 1] for each of the structures 1 to classes - 1; None where neither picture has it.
    """
    return [_dice(labels == label, reference == label) for label in range(1, classes)]


def changed_share(labels: Array, reference: Array) -> float | None:
    """Share of the structures' pixels whose label differs. A structure's pixels are those that it has in either picture.

    Args:
        labels: Integers of any shape; 0 is the background.
        reference: Integers of the same shape.

    Returns:
        A share in [0, 1] of the pixels that are no background in at least one picture; None if there is none.
    """
    structures = int(np.count_nonzero((labels != 0) | (reference != 0)))
    return int(np.count_nonzero(labels != reference)) / structures if structures else None


def psnr(picture: Array, reference: Array) -> float:
    """Peak signal-to-noise ratio for a peak of 1.

    Args:
        picture: Intensities in [0, 1], any shape.
        reference: Intensities of the same shape.

    Returns:
        The ratio in dB; at most 100, the value for equal pictures.
    """
    error = float(np.mean((picture.astype(np.float64) - reference) ** 2))
    return min(100.0, -10 * float(np.log10(max(error, 1e-10))))


def _dice(one: Array, other: Array) -> float | None:
    """Dice of two masks of equal shape; None if both are empty."""
    pixels = int(np.count_nonzero(one)) + int(np.count_nonzero(other))
    return 2 * int(np.count_nonzero(one & other)) / pixels if pixels else None


def vote_disagreement(draws: Array, classes: int) -> Array:
    """How far several labellings of one picture disagree.

    Args:
        draws: (D, ...) integers from 0 to classes - 1.
        classes: Number of classes, the background included.

    Returns:
        (...) float32 in [0, 1): at each pixel the share of the D labels that differ from the most frequent one.
    """
    votes = np.stack([(draws == label).sum(0) for label in range(classes)])
    share: Array = (1 - votes.max(0) / len(draws)).astype(np.float32)
    return share
