"""The two radii on the loaded codebook, and what both perturbations cost on the slice on show."""

from __future__ import annotations

from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from app.export import dropout_curve
from app.frames import FrameRequest
from app.models import Served
from app.session import OpenScan
from vqseg.codebook import radii
from vqseg.types import Array

RATES = np.linspace(0, 1, 21).round(2)


class TwoRadii:
    """KL of both perturbations, computed once a checkpoint: it takes a second for 4096 codewords."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[Served, dict[str, Any]] = WeakKeyDictionary()
        self._lock = Lock()

    def radii(self, scan: OpenScan, request: dict[str, Any]) -> dict[str, Any]:
        """Lists over strengths 0, 0.025 .. 1, in nats, None where infinite: quantized (the QPM's) with its bounds low and high; dropout."""
        with self._lock:
            if scan.model not in self._known:
                found = radii(scan.segmented.codewords, scan.model.segmenter.temperature)
                self._known[scan.model] = {
                    "strengths": found.strengths.tolist(),
                    "quantized": _finite(found.perturbation),
                    "low": _finite(found.lower),
                    "high": _finite(found.upper),
                    "dropout": _finite(found.dropout),
                    "temperature": found.temperature,
                }
            return self._known[scan.model]


# One for all tabs. It holds what belongs to checkpoints, nothing of a visitor.
TWO_RADII = TwoRadii()


def dropout_cost(scan: OpenScan, request: dict[str, Any]) -> dict[str, Any]:
    """Dice against the undisturbed labels of the slice of a FrameRequest under feature dropout at rates 0, 0.05 .. 1."""
    curve = dropout_curve(scan, FrameRequest.checked(request, scan), RATES)
    return {"rates": curve["rate"], "dice": curve["dice_vs_clean"]}


def _finite(values: Array) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]
