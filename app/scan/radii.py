"""KL radii of the QPM and of feature dropout on a checkpoint's codebook, and the Dice of a slice under feature dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.scan.curves import STEPS, dropout_curve
from app.scan.frame_request import FrameRequest, checked_reach
from app.scan.lru import LruOfEach
from app.scan.models import Served
from app.scan.open_scan import OpenScan
from vqseg.codebook import radii
from vqseg.types import Array

_MOST = 16


class TwoRadii:
    """KL radii of both perturbations. They are computed once per checkpoint and reach: 4096 codewords take a second."""

    def __init__(self) -> None:
        self._known: LruOfEach[Served, float | None, dict[str, Any]] = LruOfEach(lambda _: _MOST)

    def radii(self, scan: OpenScan, request: dict[str, Any]) -> dict[str, Any]:
        """The radii over the strength.

        Args:
            scan: Its checkpoint's codebook is used.
            request: "reach" of the QPM, None or missing for the checkpoint's own.

        Returns:
            "strengths": 0, 0.025 .. 1. In nats, with None for infinite, one list each: "quantized", the radius of the QPM, with its
            bounds "low" and "high"; "dropout". "temperature": of the QPM.

        Raises:
            RequestError: If the reach is out of range.
        """
        reach = checked_reach(request.get("reach"), scan)
        return self._known.of(scan.model).made(reach, lambda: _radii(scan, reach))


# All tabs share this one. Its contents belong to checkpoints, never to a visitor.
TWO_RADII = TwoRadii()


def dropout_cost(scan: OpenScan, request: dict[str, Any]) -> dict[str, Any]:
    """Dice of an acquired slice under feature dropout, against its labels without dropout.

    Args:
        scan: The scan on show.
        request: Keys of a FrameRequest.

    Returns:
        "rates": 0, 0.05 .. 1; "dice": one value per rate.

    Raises:
        RequestError: If the request is wrong, or if the plane is not that of the acquired slices.
    """
    curve = dropout_curve(scan, FrameRequest.checked(request, scan), STEPS)
    return {"rates": curve["rate"], "dice": curve["dice_vs_clean"]}


def _radii(scan: OpenScan, reach: float | None) -> dict[str, Any]:
    found = radii(scan.segmented.codewords, scan.model.segmenter.temperature_at(reach))
    return {
        "strengths": found.strengths.tolist(),
        "quantized": _finite(found.perturbation),
        "low": _finite(found.lower),
        "high": _finite(found.upper),
        "dropout": _finite(found.dropout),
        "temperature": found.temperature,
    }


def _finite(values: Array) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]
