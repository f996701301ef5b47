"""What the Codebook tab's views ask the server for: numbers of a codebook and of the scan on show, checked requests in, plain records out.

Every answer belongs to the checkpoint that encoded the scan on show. Arrays travel packed (app/render.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from app.frames import RequestError, whole_number
from app.render import css_colour, label_colours, packed
from app.session import OpenScan, SessionError, SessionStore
from vqseg.codebook import CodebookStatistics, phantom_patches, scan_usage
from vqseg.codebook import where as tokens_with
from vqseg.types import Array

NEIGHBOURS = 10
# Atoms of one answer: a card and its neighbours need some dozens.
_MOST_ATOMS = 128

Answer = dict[str, Any]
Handler = Callable[[OpenScan, dict[str, Any]], Answer]


def answering(store: SessionStore, handler: Handler) -> Callable[[Any], Answer]:
    """A server function of the handler's name: finds the scan by request["token"]; a wrong request is answered by {"error": message}."""

    # Called past the queue and without a session: the token is the only key, and nothing in the request is trusted.
    def function(request: Any) -> Answer:
        if not isinstance(request, dict):
            return {"error": "the request must be an object"}
        try:
            return handler(store.get(request.get("token")), request)
        except (SessionError, RequestError) as error:
            return {"error": str(error.args[0])}

    # Not functools.wraps: Gradio would read the handler's signature.
    function.__name__ = handler.__name__
    return function


def statistics_of(scan: OpenScan) -> CodebookStatistics:
    """Raises RequestError if the scan's checkpoint has no statistics."""
    if scan.model.statistics is None:
        raise RequestError("this checkpoint has no codebook statistics")
    return scan.model.statistics


def code_of(scan: OpenScan, value: Any) -> int:
    return whole_number("code", value, scan.segmented.codebook_size - 1)


def codes_of(scan: OpenScan, values: Any, most: int) -> Array:
    """(n,) int64 different codes of a request's list. Raises RequestError for more than `most`, or for what is no code."""
    if not isinstance(values, (list, tuple)) or len(values) > most:
        raise RequestError(f"codes must be a list of at most {most} codes")
    return np.array([code_of(scan, value) for value in values], dtype=np.int64)


def book(scan: OpenScan, request: dict[str, Any]) -> Answer:
    """The codebook of the scan's checkpoint; {"same": True} if request["known"] names it, {"none": True} if it has no statistics."""
    statistics = scan.model.statistics
    if statistics is None:
        return {"none": True}
    # The same codewords may be counted over other scans by another file.
    key = f"{statistics.key} {statistics.source} {statistics.scans}"
    if request.get("known") == key:
        return {"same": True}
    classes = statistics.classes
    return {
        "key": key,
        "classes": list(classes),
        "colours": [css_colour(colour) for colour in label_colours(len(classes))],
        "source": statistics.source,
        "scans": statistics.scans,
        "utilisation": statistics.utilisation,
        "perplexity": statistics.perplexity,
        "counts": packed(statistics.counts.astype(np.float64)),
        "class_counts": packed(statistics.class_counts.astype(np.float64)),
        "projection": packed(statistics.projection.astype(np.float32)),
        "parameters": statistics.parameters,
        "ablation": _ablation(statistics),
        **_stages(statistics),
    }


def _ablation(statistics: CodebookStatistics) -> list[tuple[int, float]] | None:
    if statistics.ablation_codes is None or statistics.ablation_dice is None:
        return None
    return list(zip(statistics.ablation_codes.tolist(), statistics.ablation_dice.astype(float).tolist(), strict=True))


def _stages(statistics: CodebookStatistics) -> Answer:
    """steps: of the training's moments; stage: (K,) int32, the first of them at which a code was in use, -1 if at none."""
    counts, steps = statistics.evolution_counts, statistics.evolution_steps
    if counts is None or steps is None or counts.shape[1] != len(statistics.counts):
        return {"steps": None, "stage": None}
    used = counts > 0
    stage = np.where(used.any(0), used.argmax(0), -1)
    return {"steps": steps.tolist(), "stage": packed(stage.astype(np.int32))}


def presence(scan: OpenScan, request: dict[str, Any]) -> Answer:
    """How often the scan on show has each code, and whether it lies outside of what the codebook has seen."""
    counts = scan_usage(scan.segmented.indices, scan.segmented.codebook_size)
    statistics = scan.model.statistics
    drift = None if statistics is None or statistics.drift_reference is None else statistics.drift(scan.segmented.indices)
    return {"counts": packed(counts.astype(np.int32)), "drift": None if drift is None else asdict(drift)}


def where(scan: OpenScan, request: dict[str, Any]) -> Answer:
    """How many tokens of every slice have one of request["codes"]."""
    codes = codes_of(scan, request.get("codes"), scan.segmented.codebook_size)
    return {"slices": tokens_with(scan.segmented.indices, codes).sum((1, 2)).tolist()}


def atoms(scan: OpenScan, request: dict[str, Any]) -> Answer:
    """What request["codes"] decode to: packed (n, side, side) uint8. Decoded now where the statistics bring none."""
    codes, statistics = codes_of(scan, request.get("codes"), _MOST_ATOMS), statistics_of(scan)
    if len(codes) == 0:
        raise RequestError("codes must name at least one code")
    pictures = scan.segmented.atoms(codes.tolist()) if statistics.atoms is None else statistics.atoms[codes]
    return {"atoms": packed(pictures), "side": pictures.shape[1]}


def card(scan: OpenScan, request: dict[str, Any]) -> Answer:
    """What the browser does not know yet of request["code"]: neighbours as (code, distance, probability), partners, place, atom's class."""
    code, statistics = code_of(scan, request.get("code")), statistics_of(scan)
    found = scan.segmented.neighbours(code, NEIGHBOURS)
    columns = (found.codes.tolist(), np.nan_to_num(found.distances).tolist(), np.nan_to_num(found.probabilities).tolist())
    return {
        "code": code,
        "neighbours": list(zip(*columns, strict=True)),
        "partners": _partners(statistics, code),
        "position": _known(statistics.position, code),
        "spread": _known(statistics.spread, code),
        "atom_label": None if statistics.atom_labels is None else int(statistics.atom_labels[code]),
    }


def patches(scan: OpenScan, request: dict[str, Any]) -> Answer:
    """Up to eight places on procedural phantoms where request["code"] fires: packed (count, side, side) uint8, None if none were noted."""
    code, statistics = code_of(scan, request.get("code")), statistics_of(scan)
    if statistics.phantom_places is None:
        return {"patches": None}
    pictures = phantom_patches(statistics, scan.model.segmenter, code)
    return {"patches": packed(pictures), "count": len(pictures), "side": pictures.shape[1]}


def _partners(statistics: CodebookStatistics, code: int) -> list[tuple[int, int]] | None:
    if statistics.partners is None or statistics.partner_counts is None:
        return None
    pairs = zip(statistics.partners[code].tolist(), statistics.partner_counts[code].tolist(), strict=True)
    return [(partner, count) for partner, count in pairs if partner >= 0]


def _known(values: Array | None, code: int) -> Any:
    """The code's entry as plain numbers, None where it was not measured or the code was never chosen."""
    return None if values is None or not np.isfinite(values[code]).all() else values[code].tolist()
