"""The two numbers under the pictures, by the same definitions as in vqseg.types.SliceResult, for cuts that no slice result covers."""

from __future__ import annotations

import math

import numpy as np

from vqseg.types import Array


def mean_dice(labels: Array, reference: Array) -> float:
    """Mean Dice over the foreground classes present in either picture; 1 if there is none."""
    classes = np.union1d(labels, reference)
    scores = [2.0 * np.sum((labels == c) & (reference == c)) / (np.sum(labels == c) + np.sum(reference == c)) for c in classes if c != 0]
    return float(np.mean(scores)) if scores else 1.0


def psnr(picture: Array, reference: Array) -> float:
    """dB with peak 1; infinite for equal pictures."""
    error = float(np.mean((picture.astype(np.float64) - reference) ** 2))
    return math.inf if error == 0 else -10 * math.log10(error)
