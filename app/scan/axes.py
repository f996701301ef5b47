"""Axes that fit the data. The browser fits its own alike: app/web/axes.js."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

FITTED_RATE = 0.9
"""Points of dropout beyond this rate do not widen an axis: at rate 1 nothing is left to decode, and the line leaves the picture."""


@dataclass(frozen=True)
class Fit:
    """How an axis is fitted.

    Attributes:
        step: Its ends are multiples of this.
        least: It is at least so long.
        top: Its upper end; None to fit that too.
    """

    step: float
    least: float
    top: float | None = None


SHARES, DECIBELS = Fit(0.05, 0.1, 1.0), Fit(5.0, 10.0)


def fitted(values: Iterable[float | None], fit: Fit) -> tuple[float, float]:
    """Both ends of an axis.

    Args:
        values: What is drawn, not below 0. None is nothing.
        fit: How.

    Returns:
        The ends; the lower one is never below 0. From 0 on if there is no value.
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        return 0.0, fit.least if fit.top is None else fit.top
    # A multiple of the step stays what it is although 0.15 / 0.05 is 2.9999999999999996.
    low = math.floor(min(known) / fit.step + 1e-9) * fit.step
    high = math.ceil(max(known) / fit.step - 1e-9) * fit.step if fit.top is None else fit.top
    return round(max(0.0, min(low, high - fit.least)), 6), round(max(high, fit.least), 6)


def axis_title(title: str, low: float) -> str:
    """A title that does not hide where the axis begins, if that is not at 0."""
    return title if low == 0 else f"{title} (axis from {low:g})"
