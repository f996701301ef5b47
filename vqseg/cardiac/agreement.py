"""How well two ways of measuring the same thing agree, after Bland and Altman (Lancet 1986)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np


class Agreement(TypedDict):
    """In the unit of what was measured; differences are measured minus reference.

    count: pairs of values. mean_absolute_error, bias: mean of the differences without and with their sign. sd: their standard deviation
    (n - 1). lower, upper: limits of agreement, bias -+ 1.96 sd, between which 95 % of normally distributed differences lie.
    """

    count: int
    mean_absolute_error: float
    bias: float
    sd: float
    lower: float
    upper: float


def bland_altman(measured: Sequence[float], reference: Sequence[float]) -> Agreement:
    """Compare measured values with reference values of the same subjects.

    Args:
        measured: One for each subject.
        reference: In the same order.

    Raises:
        ValueError: There are fewer than two subjects, or the lists differ in length.
    """
    if len(measured) != len(reference) or len(measured) < 2:
        raise ValueError(f"expected two lists of the same length of at least 2, got {len(measured)} and {len(reference)}")
    differences = np.asarray(measured, np.float64) - np.asarray(reference, np.float64)
    bias, sd = float(differences.mean()), float(differences.std(ddof=1))
    return {
        "count": len(differences),
        "mean_absolute_error": float(np.abs(differences).mean()),
        "bias": bias,
        "sd": sd,
        "lower": bias - 1.96 * sd,
        "upper": bias + 1.96 * sd,
    }
