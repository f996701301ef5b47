"""What the Perturb tab asks the server for: colours of the codes, neighbours of a token, points and figures of the curves."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np

from app.scan.code_colours import code_colours, code_places
from app.scan.figures import curve_file
from app.scan.frame_request import FAR_MODES, MODES, FrameRequest, RequestError, checked_reach, whole_number
from app.scan.frames import dropout_frame, truth_scores
from app.scan.open_scan import OpenScan
from app.scan.phase import PHASES, answer
from app.scan.render import packed
from app.scan.seeds import SEED_CURVES, SEEDS, STRENGTHS
from app.scan.shared import SHARED, on_grid
from app.visit.answering import Answer, Request

_NEIGHBOURS = 6


def palette(scan: OpenScan, request: Request) -> Answer:
    """The colours of the codes.

    Args:
        scan: The scan on show.
        request: Unused.

    Returns:
        "colours": packed (K, 3) uint8, and "places": packed (K, 2) uint8, where the codes lie on the map that the colours come from. Both
        None without statistics of the codebook: then there is no map that gives colours a meaning.
    """
    statistics = scan.model.statistics
    if statistics is None:
        return {"colours": None, "places": None}
    places = np.rint(255 * code_places(statistics)).astype(np.uint8)
    return {"colours": packed(code_colours(statistics)), "places": packed(places)}


def neighbours(scan: OpenScan, request: Request) -> Answer:
    """The nearest codewords of a code, and last the one that replaced it.

    Args:
        scan: The scan on show.
        request: "code"; "to": the code that replaced it; "reach", None or missing for the checkpoint's own.

    Returns:
        "codes", "distances" and "probabilities" of the replacement, one list each. "atoms": packed (1 + n, side, side) uint8,
        pictures of the code itself and of these. "side": in pixels.
    """
    last = scan.segmented.codebook_size - 1
    code, to = (whole_number(name, request.get(name), last) for name in ("code", "to"))
    found = scan.segmented.neighbours(code, _NEIGHBOURS, (to,), checked_reach(request.get("reach"), scan))
    shown, stored = [code, *found.codes.tolist()], scan.model.statistics.atoms if scan.model.statistics else None
    atoms = scan.segmented.atoms(shown) if stored is None else stored[shown]
    return {
        "codes": found.codes.tolist(),
        "distances": _finite(found.distances),
        "probabilities": _finite(found.probabilities),
        "atoms": packed(atoms),
        "side": atoms.shape[-1],
    }


def candidates(scan: OpenScan, request: Request) -> Answer:
    """How many codewords each token of the slice may effectively become where it is replaced.

    Args:
        scan: The scan on show.
        request: Keys of a FrameRequest. Strength, seed and forced tokens are ignored.

    Returns:
        "candidates": packed (h, w) float32 of the slice's grid, in the order of the array, each from 1 to K - 1.
    """
    asked = FrameRequest.checked(request, scan)
    if not scan.acquired(asked.plane) or asked.mode not in FAR_MODES:
        raise RequestError(f"candidates belong to the tokens of acquired slices and to a mode that has a reach: {', '.join(FAR_MODES)}")

    def make() -> Answer:
        return {"candidates": packed(scan.segmented.candidates(asked.index, asked.reach).astype(np.float32))}

    return SHARED.computed(scan, ("candidates", asked.index, asked.reach), make)


def dropout(scan: OpenScan, request: Request) -> Answer:
    """One point of the curve over the rate of feature dropout.

    Args:
        scan: The scan on show.
        request: Keys of a FrameRequest. "rate": from 0 to 1.

    Returns:
        "rate", "dice_vs_clean", "agreement" and "psnr" in dB. "truth": Dice of every structure against the ground truth, None without.
    """
    asked, rate = FrameRequest.checked(request, scan), request.get("rate")
    if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 <= rate <= 1:
        raise RequestError(f"rate must be a number from 0 to 1, got {rate!r}")
    # Strength, mode and reach have no part in it.
    dropped = replace(asked, strength=0.0, mode=MODES[0], reach=None)
    return SHARED.computed(scan, ("dropout", dropped, rate), lambda: _dropout_point(scan, dropped, float(rate)), keep=on_grid(rate))


def _dropout_point(scan: OpenScan, asked: FrameRequest, rate: float) -> Answer:
    frame = dropout_frame(scan, asked, rate)
    figures = {name: getattr(frame, name) for name in ("dice_vs_clean", "agreement", "psnr")}
    return {"rate": rate, "truth": truth_scores(scan, asked, frame), **figures}


def bands(scan: OpenScan, request: Request) -> Answer:
    """Mean and spread of the curves over epsilon, over several seeds. Each call decodes a few more points.

    Args:
        scan: The scan on show.
        request: Keys of a FrameRequest; the strength is ignored, and the seed is the first one. "seeds": how many, one of SEEDS.

    Returns:
        "strengths": values of epsilon. "seeds": how many are complete; "done" and "of": numbers of points. "figures": by name "mean" and
        "spread", lists with None where there is no value; empty before the first seed is complete.
    """
    count = request.get("seeds")
    if count not in SEEDS:
        raise RequestError(f"seeds must be one of {', '.join(map(str, SEEDS))}, got {count!r}")
    found = SEED_CURVES.advance(scan, _acquired(FrameRequest.checked(request, scan), scan), int(count))
    return {"strengths": STRENGTHS.tolist(), **asdict(found)}


def _acquired(asked: FrameRequest, scan: OpenScan) -> FrameRequest:
    """The request, if its slice is an acquired one: any other picture needs the whole volume for each point."""
    if not scan.acquired(asked.plane):
        raise RequestError(f"curves belong to acquired slices; choose plane {scan.plane}")
    return asked


def phase(scan: OpenScan, request: Request) -> Answer:
    """The phase diagram of an acquired slice, as far as it is decoded. Each call decodes a few more cells.

    Args:
        scan: The scan on show.
        request: Keys of a FrameRequest. Strength, mode and reach are ignored. "token": visitors take turns by it.

    Returns:
        See `app.scan.phase.answer`.
    """
    return answer(*PHASES.advance(scan, FrameRequest.checked(request, scan), who=request.get("token")))


def export(scan: OpenScan, request: Request) -> Answer:
    """The figure of the curves.

    Args:
        scan: The scan on show.
        request: Keys of a FrameRequest. "kind": "curves-png" or "curves-svg".

    Returns:
        See `app.scan.figures.curve_file`.
    """
    return curve_file(scan, FrameRequest.checked(request, scan), request.get("kind"))


def _finite(values: np.ndarray) -> list[float]:
    return [float(value) for value in np.nan_to_num(values)]
