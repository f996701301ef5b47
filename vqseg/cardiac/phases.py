"""End-diastole and end-systole of a volume curve: its largest and its smallest frame, without frames that do not fit their neighbours.

A network that misses the ventricle in one frame would otherwise make that frame end-systole. Frames are therefore judged before the
extremes are looked for, and only judged: no volume is smoothed, so a curve without bad frames keeps its own extremes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vqseg.types import Array

_FEWEST = 10
"""Frames from which on neighbours say enough about a frame. With fewer, end-systole itself looks like an outlier."""
_MISFIT = 0.15
"""How far a frame may lie from its neighbours' curve, as a share of the curve's range."""
_MOST_LEFT_OUT = 0.2
"""Share of the frames that may be left out, the worst. A curve with more misfits is noisy everywhere, and its other frames are taken."""


@dataclass(frozen=True)
class Phases:
    """Numbers of frames, from 0. left_out: frames that do not fit their neighbours and could be neither, in rising order."""

    end_diastole: int
    end_systole: int
    left_out: tuple[int, ...] = ()


def find_phases(volumes: Sequence[float]) -> Phases:
    """End-diastole and end-systole of one heart cycle.

    Args:
        volumes: Of the left ventricle's cavity in every frame, in any unit. The last frame is followed by the first.

    Returns:
        The frame of the largest volume, and the frame of the smallest one: in a cycle every frame comes after end-diastole. Where several
        are equal, the first, for end-systole the first after end-diastole. A constant curve gives two neighbouring frames.

    Raises:
        ValueError: There is no frame.
    """
    if len(volumes) == 0:
        raise ValueError("no frame to find end-diastole and end-systole in")
    curve = np.asarray(volumes, np.float64)
    left_out = _misfits(curve)
    kept = np.delete(np.arange(len(curve)), left_out)
    diastole = int(kept[curve[kept].argmax()])
    # In the order in which they follow end-diastole, itself last.
    after = kept[np.argsort((kept - diastole - 1) % len(curve))]
    return Phases(diastole, int(after[curve[after].argmin()]), tuple(sorted(left_out)))


def _misfits(curve: Array) -> list[int]:
    """Frames that do not fit their neighbours, the worst first; none where there are too few frames to say so."""
    if len(curve) < _FEWEST:
        return []
    # The range of medians of three: one bad frame does not widen it.
    medians = np.median([np.roll(curve, 1), curve, np.roll(curve, -1)], axis=0)
    limit = _MISFIT * float(np.ptp(medians))
    repaired, found = curve.copy(), list[int]()
    for _ in range(int(_MOST_LEFT_OUT * len(curve))):
        distance = np.abs(repaired - _expected(repaired))
        worst = int(distance.argmax())
        if distance[worst] <= limit or worst in found:
            break
        # A bad frame also bends what is expected of its neighbours: once it is replaced, they are judged anew.
        repaired[worst] = _expected(repaired)[worst]
        found.append(worst)
    return found


def _expected(curve: Array) -> Array:
    """What the two frames before and the two after say of each frame: the cubic through the four."""
    near, far = np.roll(curve, 1) + np.roll(curve, -1), np.roll(curve, 2) + np.roll(curve, -2)
    expected: Array = (4 * near - far) / 6
    return expected
