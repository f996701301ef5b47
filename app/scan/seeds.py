"""Curves over epsilon under several seeds, as mean and spread: what of a curve belongs to the scan, and what to one draw."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from app.scan.curves import STEPS, Point, columns, strength_point
from app.scan.frame_request import LARGEST_SEED, FrameRequest
from app.scan.lru import LruOfEach
from app.scan.open_scan import OpenScan
from app.scan.replay import SECONDS
from vqseg.types import Array

SEEDS = (4, 8, 16)
"""How many seeds a band may have."""
STRENGTHS = STEPS[::2]
"""Every other step of the curves: bands are smooth, and each step costs as many pictures as there are seeds."""
# Settings whose points are kept for one scan. Many visitors may share an example.
_MOST = 8


@dataclass(frozen=True)
class Band:
    """One figure over epsilon.

    Attributes:
        mean: At each of STRENGTHS, over the seeds that have a value; None where none has.
        spread: Standard deviation of one draw (n - 1), None with fewer than two values.
    """

    mean: list[float | None]
    spread: list[float | None]


@dataclass(frozen=True)
class Bands:
    """Bands as far as they are decoded.

    Attributes:
        seeds: How many seeds are complete and counted.
        done: How many points are decoded.
        of: How many there will be.
        figures: By name, as `app.scan.curves.curve` names them. Empty before the first seed is complete.
    """

    seeds: int
    done: int
    of: int
    figures: Mapping[str, Band]


@dataclass
class SeedPoints:
    """Points by seed and epsilon.

    Attributes:
        truth: The ground truth that they are measured against. Held, so that no later one gets its identity.
        points: Those that are decoded.
    """

    truth: Array | None
    points: dict[tuple[int, float], Point] = field(default_factory=dict)


class SeedCurves:
    """The points of every open scan, decoded a few at a time. They are forgotten together with their scan."""

    def __init__(self) -> None:
        self._kept: LruOfEach[OpenScan, tuple[object, ...], SeedPoints] = LruOfEach(lambda _: _MOST)

    def advance(self, scan: OpenScan, request: FrameRequest, count: int, seconds: float = SECONDS) -> Bands:
        """Decode further points, at least one if any is missing. Whoever does not call again has cancelled.

        Args:
            scan: The scan. Each point takes a turn of its own, so that other views are answered in between.
            request: Slice and settings; its seed is the first. Its own strength is ignored.
            count: How many seeds.
            seconds: Return after this time, even if points are missing.

        Returns:
            The bands over the seeds that are complete.
        """
        key = (request.plane, request.index, request.mode, request.edits, request.reach, id(scan.truth))
        points, start = self._kept.of(scan).made(key, lambda: SeedPoints(scan.truth)).points, time.perf_counter()
        # At epsilon 0 a seed changes nothing.
        curves = [
            [((request.seed + number) % (LARGEST_SEED + 1) if strength else 0, float(strength)) for strength in STRENGTHS]
            for number in range(count)
        ]
        for place in (place for curve in curves for place in curve if place not in points):
            points[place] = strength_point(scan, replace(request, seed=place[0]), place[1])
            if time.perf_counter() - start >= seconds:
                break
        done = sum(place in points for curve in curves for place in curve)
        whole = [columns([points[place] for place in curve]) for curve in curves if all(place in points for place in curve)]
        names = [name for name in (whole[0] if whole else ()) if name != "epsilon"]
        figures = {name: band_of([curve[name] for curve in whole]) for name in names}
        return Bands(len(whole), done, count * len(STRENGTHS), figures)


def band_of(curves: Sequence[Sequence[float | None]]) -> Band:
    """Mean and spread of one figure.

    Args:
        curves: One list of n values for each seed; None where a seed has no value.

    Returns:
        Lists of n values.
    """
    known = [[value for value in column if value is not None] for column in zip(*curves, strict=True)]
    return Band(
        [float(np.mean(column)) if column else None for column in known],
        [float(np.std(column, ddof=1)) if len(column) > 1 else None for column in known],
    )


# All visitors share this one. Its contents belong to scans, never to a visitor.
SEED_CURVES = SeedCurves()
