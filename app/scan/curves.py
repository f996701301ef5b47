"""Curves of one slice: what epsilon costs, and what feature dropout costs, at 21 steps from 0 to 1."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from app.scan.frame_request import FrameRequest
from app.scan.frames import Frame, dropout_frame, make_frame, truth_scores
from app.scan.lru import LruOfEach
from app.scan.open_scan import OpenScan
from app.scan.replay import SECONDS
from vqseg.types import Array

STEPS = np.linspace(0, 1, 21).round(2)
"""Of the curves: epsilon, or the rate of dropout."""
POINTS = 2 * len(STEPS)
# Curves under way that are kept of one scan: an example is lent to many.
_MOST = 8

Point = dict[str, Any]
Curve = dict[str, list[Any]]


def curve(scan: OpenScan, request: FrameRequest, strengths: Array) -> Curve:
    """Figures of one slice over epsilon.

    Args:
        scan: The scan.
        request: Slice and settings; its own strength does not matter.
        strengths: (n,) values of epsilon.

    Returns:
        Lists of n values: epsilon, replaced_share, dice_vs_clean, agreement, psnr; and dice_vs_truth, a mean over structures, where the
        scan has a ground truth.
    """
    return columns([strength_point(scan, request, float(strength)) for strength in strengths])


def dropout_curve(scan: OpenScan, request: FrameRequest, rates: Array) -> Curve:
    """The same over the rate of feature dropout, on which no token is replaced.

    Raises:
        RequestError: Across the acquired slices, which dropout is not decoded for.
    """
    return columns([dropout_point(scan, request, float(rate)) for rate in rates])


def strength_point(scan: OpenScan, request: FrameRequest, strength: float) -> Point:
    """One point of `curve`."""
    frame = make_frame(scan, replace(request, strength=strength))
    return {"epsilon": strength, "replaced_share": frame.replaced_share, **_figures(scan, request, frame)}


def dropout_point(scan: OpenScan, request: FrameRequest, rate: float) -> Point:
    """One point of `dropout_curve`."""
    return {"rate": rate, **_figures(scan, request, dropout_frame(scan, request, rate))}


def columns(points: Sequence[Point]) -> Curve:
    """Points of one curve, one at least, as a list for each of their names."""
    return {name: [point[name] for point in points] for name in points[0]}


def _figures(scan: OpenScan, request: FrameRequest, frame: Frame) -> Point:
    figures: Point = {name: getattr(frame, name) for name in ("dice_vs_clean", "agreement", "psnr")}
    if scan.truth is not None:
        figures["dice_vs_truth"] = _mean(truth_scores(scan, request, frame))
    return figures


def _mean(scores: Sequence[float | None] | None) -> float | None:
    known = [score for score in scores or () if score is not None]
    return float(np.mean(known)) if known else None


@dataclass
class CurveReplay:
    """Both curves while they are decoded. points: by number, those over the rate of dropout first, then those over epsilon."""

    points: dict[int, Point] = field(default_factory=dict)

    @property
    def done(self) -> int:
        """How many points are there."""
        return len(self.points)

    def curves(self) -> tuple[Curve, Curve]:
        """Once all points are there: the curve over epsilon and the one over the rate of dropout, as `curve` and `dropout_curve`."""
        rows = [self.points[number] for number in range(POINTS)]
        return columns(rows[len(STEPS) :]), columns(rows[: len(STEPS)])


class Curves:
    """The curves of every scan that are being decoded a few points at a time, for as long as the scan is held."""

    def __init__(self) -> None:
        self._kept: LruOfEach[OpenScan, tuple[object, ...], CurveReplay] = LruOfEach(lambda _: _MOST)

    def advance(self, scan: OpenScan, request: FrameRequest, seconds: float = SECONDS) -> CurveReplay:
        """Decode further points, at least one if any is missing. Not to ask again is to cancel.

        Args:
            scan: The scan. Every point takes its lock for itself, so that other views of it get in between.
            request: Slice and settings; its own strength does not matter.
            seconds: After how long to return, unfinished.

        Raises:
            RequestError: Across the acquired slices, which dropout is not decoded for.
        """
        key = (request.plane, request.index, request.mode, request.seed, request.edits, id(scan.truth))
        replay, start = self._kept.of(scan).made(key, CurveReplay), time.perf_counter()
        for number in range(POINTS):
            if number in replay.points:
                continue
            step = float(STEPS[number % len(STEPS)])
            replay.points[number] = (strength_point if number >= len(STEPS) else dropout_point)(scan, request, step)
            if time.perf_counter() - start >= seconds:
                break
        return replay


# One for all tabs. It holds what belongs to scans, nothing of a visitor.
CURVES = Curves()
