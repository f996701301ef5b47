"""What the Codebook tab asks the server for: facts about the codebook, and about the scan on show.

The codebook is that of the checkpoint that encoded the scan on show. app/visit/answering.py explains requests and answers.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from app.scan.frame_request import RequestError, checked_reach, whole_number
from app.scan.open_scan import OpenScan
from app.scan.render import css_colour, label_colours, packed
from app.visit.answering import Answer, Request
from vqseg.codebook import CodebookStatistics, phantom_patches, scan_usage
from vqseg.codebook import where as tokens_with
from vqseg.types import Array

NEIGHBOURS = 10
# Atoms in one answer. A card and its neighbours need a few dozen.
_MOST_ATOMS = 128


def statistics_of(scan: OpenScan) -> CodebookStatistics:
    """The statistics of the scan's codebook. Raises RequestError if the checkpoint has none."""
    if scan.model.statistics is None:
        raise RequestError("this checkpoint has no codebook statistics")
    return scan.model.statistics


def code_of(scan: OpenScan, value: object) -> int:
    """Check a code of a request.

    Args:
        scan: The scan on show.
        value: What the request has.

    Returns:
        The code, from 0 to K - 1.

    Raises:
        RequestError: If it is no code of the codebook.
    """
    return whole_number("code", value, scan.segmented.codebook_size - 1)


def codes_of(scan: OpenScan, values: object, most: int) -> Array:
    """Check the codes of a request.

    Args:
        scan: The scan on show.
        values: What the request has.
        most: How many codes are accepted.

    Returns:
        (n,) int64, in the order of the request.

    Raises:
        RequestError: If it is no list, if it is too long, or if it has something else than a code.
    """
    if not isinstance(values, (list, tuple)) or len(values) > most:
        raise RequestError(f"codes must be a list of at most {most} codes")
    return np.array([code_of(scan, value) for value in values], dtype=np.int64)


def book(scan: OpenScan, request: Request) -> Answer:
    """The codebook of the scan's checkpoint.

    Args:
        scan: The scan on show.
        request: "known": the "key" of the codebook that the browser has already, if it has one.

    Returns:
        {"none": True} if the checkpoint has no statistics, {"same": True} if the browser has them already. Else "key", "classes",
        "colours", "source", "scans", "utilisation", "perplexity", "parameters" of the map; packed "counts" (K,), "class_counts" (K, C)
        and "projection" (K, 2); "ablation", pairs of number of codes and Dice, or None; "steps" and "stage", see `_stages`.
    """
    statistics = scan.model.statistics
    if statistics is None:
        return {"none": True}
    # Two checkpoints may share codewords whose statistics were counted over different scans.
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
    """steps: the training steps of the snapshots. stage: (K,) int32, the first snapshot in which a code was in use, else -1."""
    counts, steps = statistics.evolution_counts, statistics.evolution_steps
    if counts is None or steps is None or counts.shape[1] != len(statistics.counts):
        return {"steps": None, "stage": None}
    used = counts > 0
    stage = np.where(used.any(0), used.argmax(0), -1)
    return {"steps": steps.tolist(), "stage": packed(stage.astype(np.int32))}


def presence(scan: OpenScan, request: Request) -> Answer:
    """How often each code occurs in the scan, and whether its distribution is unlike that of the training scans.

    Args:
        scan: The scan on show.
        request: Unused.

    Returns:
        "counts": packed (K,) int32. "drift": the fields of vqseg.codebook's Drift, None if the codebook has no reference.
    """
    counts = scan_usage(scan.segmented.indices, scan.segmented.codebook_size)
    statistics = scan.model.statistics
    drift = None if statistics is None or statistics.drift_reference is None else statistics.drift(scan.segmented.indices)
    return {"counts": packed(counts.astype(np.int32)), "drift": None if drift is None else asdict(drift)}


def where(scan: OpenScan, request: Request) -> Answer:
    """How many tokens of each slice have one of the codes.

    Args:
        scan: The scan on show.
        request: "codes": list of codes.

    Returns:
        "slices": one number per acquired slice.
    """
    codes = codes_of(scan, request.get("codes"), scan.segmented.codebook_size)
    return {"slices": tokens_with(scan.segmented.indices, codes).sum((1, 2)).tolist()}


def atoms(scan: OpenScan, request: Request) -> Answer:
    """The pictures that codes decode to. They are decoded now if the statistics hold none.

    Args:
        scan: The scan on show.
        request: "codes": list of 1 to 128 codes.

    Returns:
        "atoms": packed (n, side, side) uint8. "side": in pixels.
    """
    codes, statistics = codes_of(scan, request.get("codes"), _MOST_ATOMS), statistics_of(scan)
    if len(codes) == 0:
        raise RequestError("codes must name at least one code")
    pictures = scan.segmented.atoms(codes.tolist()) if statistics.atoms is None else statistics.atoms[codes]
    return {"atoms": packed(pictures), "side": pictures.shape[1]}


def card(scan: OpenScan, request: Request) -> Answer:
    """The facts about a code that the browser does not have yet.

    Args:
        scan: The scan on show.
        request: "code"; "reach" of the replacement, None or missing for the checkpoint's own.

    Returns:
        "code". "neighbours": (code, distance, probability of the replacement), the nearest first. "partners": (code, count) of codes
        beside it. "position" and "spread": where it occurs in a slice. "atom_label": the class of its atom. Unknown facts are None.
    """
    code, statistics = code_of(scan, request.get("code")), statistics_of(scan)
    found = scan.segmented.neighbours(code, NEIGHBOURS, reach=checked_reach(request.get("reach"), scan))
    columns = (found.codes.tolist(), np.nan_to_num(found.distances).tolist(), np.nan_to_num(found.probabilities).tolist())
    return {
        "code": code,
        "neighbours": list(zip(*columns, strict=True)),
        "partners": _partners(statistics, code),
        "position": _known(statistics.position, code),
        "spread": _known(statistics.spread, code),
        "atom_label": None if statistics.atom_labels is None else int(statistics.atom_labels[code]),
    }


def patches(scan: OpenScan, request: Request) -> Answer:
    """Up to eight places on procedural phantoms where a code occurs.

    Args:
        scan: The scan on show.
        request: "code".

    Returns:
        "patches": packed (count, side, side) uint8, None if the statistics have no such places. "count". "side": in pixels.
    """
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
    """The code's entry as plain numbers. None if it was not measured, or if the code was never chosen."""
    return None if values is None or not np.isfinite(values[code]).all() else values[code].tolist()
