"""Curves of one slice: what epsilon costs, and what feature dropout costs, at 21 steps from 0 to 1."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from app.scan.frame_request import FrameRequest
from app.scan.frames import Frame, dropout_frame, make_frame, truth_scores
from app.scan.lru import LruOfEach
from app.scan.open_scan import OpenScan
from app.scan.replay import SECONDS
from vqseg.types import Array

STEPS = np.linspace(0, 1, 21).round(2)
"""The values of epsilon, or of the dropout rate, at which a curve is computed."""
POINTS = 2 * len(STEPS)
# Unfinished and finished curves that are kept for one scan. Many visitors may share an example.
_MOST = 8

# Figures by name. A score is None if neither side has a structure.
Point = dict[str, float | None]
Curve = dict[str, list[float | None]]


def curve(scan: OpenScan, request: FrameRequest, strengths: Array) -> Curve:
    """Figures of one slice over epsilon.

    Args:
        scan: The scan.
        request: Slice and settings. Its own strength is ignored.
        strengths: (n,) values of epsilon, in [0, 1].

    Returns:
        Lists of n values: epsilon, replaced_share, dice_vs_clean, agreement and psnr (dB). If the scan has a ground truth, also
        dice_vs_truth, the mean over structures.
    """
    return columns([strength_point(scan, request, float(strength)) for strength in strengths])


def dropout_curve(scan: OpenScan, request: FrameRequest, rates: Array) -> Curve:
    """Figures of one slice over the rate of feature dropout, which replaces no token.

    Args:
        scan: The scan.
        request: Slice and settings. Its own strength, mode and reach are ignored.
        rates: (n,) dropout rates, in [0, 1].

    Returns:
        Lists of n values, as `curve` gives them, with rate in place of epsilon and replaced_share.

    Raises:
        RequestError: If the plane is not that of the acquired slices: dropout is decoded for those only.
    """
    return columns([dropout_point(scan, request, float(rate)) for rate in rates])


def strength_point(scan: OpenScan, request: FrameRequest, strength: float) -> Point:
    """One point of `curve`.

    Args:
        scan: The scan.
        request: Slice and settings. Its own strength is ignored.
        strength: Epsilon, in [0, 1].

    Returns:
        The figures by name.
    """
    frame = make_frame(scan, replace(request, strength=strength))
    return {"epsilon": strength, "replaced_share": frame.replaced_share, **_figures(scan, request, frame)}


def dropout_point(scan: OpenScan, request: FrameRequest, rate: float) -> Point:
    """One point of `dropout_curve`.

    Args:
        scan: The scan.
        request: Slice and settings. Its own strength, mode and reach are ignored.
        rate: Dropout rate, in [0, 1].

    Returns:
        The figures by name.

    Raises:
        RequestError: If the plane is not that of the acquired slices.
    """
    return {"rate": rate, **_figures(scan, request, dropout_frame(scan, request, rate))}


def columns(points: Sequence[Point]) -> Curve:
    """The points of a curve, at least one, turned into one list per name."""
    return {name: [point[name] for point in points] for name in points[0]}


def _figures(scan: OpenScan, request: FrameRequest, frame: Frame) -> Point:
    figures: Point = {name: getattr(frame, name) for name in ("dice_vs_clean", "agreement", "psnr")}
    if scan.truth is not None:
        figures["dice_vs_truth"] = mean_score(truth_scores(scan, request, frame))
    return figures


def mean_score(scores: Sequence[float | None] | None) -> float | None:
    """The mean over the structures that either side has; None if there is none."""
    known = [score for score in scores or () if score is not None]
    return float(np.mean(known)) if known else None


@dataclass
class CurveReplay:
    """Both curves while they are decoded.

    Attributes:
        truth: The ground truth that the points are measured against, None without one. Held, so that no later one gets its identity.
        points: The decoded points by number: first those over the dropout rate, then those over epsilon.
    """

    truth: Array | None = None
    points: dict[int, Point] = field(default_factory=dict)

    @property
    def done(self) -> int:
        """How many points are decoded."""
        return len(self.points)

    def curves(self) -> tuple[Curve, Curve]:
        """The results of `curve` and of `dropout_curve`. All points must be decoded."""
        rows = [self.points[number] for number in range(POINTS)]
        return columns(rows[len(STEPS) :]), columns(rows[: len(STEPS)])


class Curves:
    """The curves of every open scan, decoded a few points at a time. They are forgotten together with their scan."""

    def __init__(self) -> None:
        self._kept: LruOfEach[OpenScan, tuple[object, ...], CurveReplay] = LruOfEach(lambda _: _MOST)

    def advance(self, scan: OpenScan, request: FrameRequest, seconds: float = SECONDS) -> CurveReplay:
        """Decode further points, at least one if any is missing. Whoever does not call again has cancelled.

        Args:
            scan: The scan. Each point takes a turn of its own, so that other views are answered in between.
            request: Slice and settings. Its own strength is ignored.
            seconds: Return after this time, even if points are missing.

        Returns:
            The curves as far as they are decoded.

        Raises:
            RequestError: If the plane is not that of the acquired slices: dropout is decoded for those only.
        """
        key = (request.plane, request.index, request.mode, request.seed, request.edits, request.reach, id(scan.truth))
        replay, start = self._kept.of(scan).made(key, lambda: CurveReplay(scan.truth)), time.perf_counter()
        for number in range(POINTS):
            if number in replay.points:
                continue
            step = float(STEPS[number % len(STEPS)])
            replay.points[number] = (strength_point if number >= len(STEPS) else dropout_point)(scan, request, step)
            if time.perf_counter() - start >= seconds:
                break
        return replay


# All tabs share this one. Its contents belong to scans, never to a visitor.
CURVES = Curves()
