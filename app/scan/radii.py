"""Radius, effect and Dice of every kind of perturbation: on a checkpoint's codebook, and on a slice."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.scan.computing import COMPUTING
from app.scan.curves import STEPS
from app.scan.frame_request import FAR_MODES, FrameRequest, RequestError, checked_reach, forced_tokens
from app.scan.lru import LruOfEach
from app.scan.models import Served
from app.scan.open_scan import OpenScan
from vqseg.codebook import CodebookStatistics, kind_curves, kinds, radii
from vqseg.inference import label_agreement
from vqseg.types import Array

Answer = dict[str, Any]

# The answers are small. The page's slider has about 90 positions, and whoever drags it comes back to them.
_MOST = 128


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
        kept = self._known.of(scan.model)
        return kept.get(reach) or kept.keep_first(reach, _radii(scan, reach))


class Kinds:
    """Radius and effect of every kind, once per checkpoint and reach, and Dice of a slice, once per kind and setting."""

    def __init__(self) -> None:
        self._curves: LruOfEach[Served, float | None, Answer] = LruOfEach(lambda _: _MOST)
        self._costs: LruOfEach[OpenScan, tuple[object, ...], Answer] = LruOfEach(lambda _: _MOST)

    def kinds(self, scan: OpenScan, request: dict[str, Any]) -> Answer:
        """How far each kind moves the distribution of codes, and how far a token.

        Args:
            scan: Its checkpoint's codebook is used, with the usage that its statistics have.
            request: "reach", None or missing for the checkpoint's own.

        Returns:
            "strengths": 0, 0.05 .. 1. "kinds": for each "name", "title", "symbol", "swaps" and "reaches" (as in vqseg.codebook.Kind), and
            one value a strength of "radius" in nats (None where infinite; None as a whole without a formula) and "effect". "usage": over
            what the usage was counted.

        Raises:
            RequestError: If the reach is out of range, or the checkpoint has no statistics.
        """
        reach, statistics = checked_reach(request.get("reach"), scan), scan.model.statistics
        if statistics is None:
            raise RequestError("this checkpoint has no codebook statistics, and so no usage of its codewords")
        kept = self._curves.of(scan.model)
        return kept.get(reach) or kept.keep_first(reach, _curves(scan, reach, statistics))

    def cost(self, scan: OpenScan, request: dict[str, Any]) -> Answer:
        """Dice of an acquired slice under one kind, against its labels at strength 0.

        Args:
            scan: The scan on show.
            request: Keys of a FrameRequest; strength and mode are ignored. "kind": name of a kind.

        Returns:
            "strengths": 0, 0.05 .. 1; "dice": one value a strength.

        Raises:
            RequestError: If the request is wrong, or if the plane is not that of the acquired slices.
        """
        asked, name = FrameRequest.checked({**request, "mode": FAR_MODES[0]}, scan), request.get("kind")
        kind = next((one for one in kinds() if one.name == name), None)
        if kind is None:
            raise RequestError(f"kind must be one of {', '.join(one.name for one in kinds())}, got {name!r}")
        if not scan.acquired(asked.plane):
            raise RequestError(f"perturbations are drawn over acquired slices; choose plane {scan.plane}")
        reach = asked.reach if kind.reaches else None
        key, kept = (kind.name, asked.index, asked.seed, asked.edits, reach), self._costs.of(scan)
        return kept.get(key) or kept.keep_first(key, _cost(scan, asked, kind.name, reach))


# All tabs share these. Their contents belong to checkpoints and to scans, never to a visitor.
TWO_RADII = TwoRadii()
KINDS = Kinds()


def _curves(scan: OpenScan, reach: float | None, statistics: CodebookStatistics) -> Answer:
    temperature, strengths = scan.model.segmenter.temperature_at(reach), STEPS.tolist()
    found = kind_curves(scan.segmented.codewords, statistics.counts, temperature, strengths)
    return {
        "strengths": strengths,
        "usage": statistics.source,
        "kinds": [
            {
                "name": one.kind.name,
                "title": one.kind.title,
                "symbol": one.kind.symbol,
                "swaps": one.kind.swaps,
                "reaches": one.kind.reaches,
                "radius": None if one.radius is None else _finite(one.radius),
                "effect": _finite(one.effect),
            }
            for one in found
        ],
    }


def _cost(scan: OpenScan, request: FrameRequest, mode: str, reach: float | None) -> Answer:
    clean = scan.segmented.labels.take(request.index, scan.segmented.axis)
    dice = []
    for strength in STEPS.tolist():
        # One at a time, so that other views of the scan are answered in between.
        with COMPUTING.turn():
            labels = scan.segmented.labels_at(request.index, [strength], mode, request.seed, forced_tokens(request), reach)
        dice.append(label_agreement(labels[0], clean))
    return {"strengths": STEPS.tolist(), "dice": dice}


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
