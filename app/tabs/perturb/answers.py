"""What Perturb asks the server for: the colours of the codes, a token's neighbours, points and figures of the curves."""

from __future__ import annotations

import numpy as np

from app.scan.code_colours import code_colours
from app.scan.figures import curve_file
from app.scan.frame_request import FrameRequest, RequestError, whole_number
from app.scan.frames import dropout_frame, truth_scores
from app.scan.open_scan import OpenScan
from app.scan.render import packed
from app.visit.answering import Answer, Request

_NEIGHBOURS = 6


def palette(scan: OpenScan, request: Request) -> Answer:
    """{"colours": (K, 3) packed uint8}, None if the checkpoint of the scan on show has no map: then a colour means nothing."""
    statistics = scan.model.statistics
    return {"colours": packed(code_colours(statistics)) if statistics else None}


def neighbours(scan: OpenScan, request: Request) -> Answer:
    """The codewords nearest to request["code"], then the one it was replaced by, request["to"]: codes, distances, probabilities.

    atoms: packed uint8 pictures of request["code"] and of all these, `side` pixels high and wide.
    """
    last = scan.segmented.codebook_size - 1
    code, to = (whole_number(name, request.get(name), last) for name in ("code", "to"))
    found = scan.segmented.neighbours(code, _NEIGHBOURS, (to,))
    shown, stored = [code, *found.codes.tolist()], scan.model.statistics.atoms if scan.model.statistics else None
    atoms = scan.segmented.atoms(shown) if stored is None else stored[shown]
    return {
        "codes": found.codes.tolist(),
        "distances": _finite(found.distances),
        "probabilities": _finite(found.probabilities),
        "atoms": packed(atoms),
        "side": atoms.shape[-1],
    }


def dropout(scan: OpenScan, request: Request) -> Answer:
    """The figures of the slice on show after feature dropout at request["rate"], to be compared with those of a frame."""
    asked, rate = FrameRequest.checked(request, scan), request.get("rate")
    if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 <= rate <= 1:
        raise RequestError(f"rate must be a number from 0 to 1, got {rate!r}")
    frame = dropout_frame(scan, asked, float(rate))
    figures = {name: getattr(frame, name) for name in ("dice_vs_clean", "agreement", "psnr")}
    return {"rate": rate, "truth": truth_scores(scan, asked, frame), **figures}


def export(scan: OpenScan, request: Request) -> Answer:
    """The figure of the curves; see `app.scan.figures.curve_file`. request["kind"]: curves-png or curves-svg."""
    return curve_file(scan, FrameRequest.checked(request, scan), request.get("kind"))


def _finite(values: np.ndarray) -> list[float]:
    return [float(value) for value in np.nan_to_num(values)]
