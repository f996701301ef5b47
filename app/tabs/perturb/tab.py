"""Perturb: the tokens before and after, one of them in detail, forced by hand, and what epsilon costs."""

from __future__ import annotations

from typing import Any

import gradio as gr
import numpy as np

from app.scan.code_colours import code_colours
from app.scan.frames import FrameRequest, RequestError, dropout_frame, truth_scores, whole_number
from app.scan.render import packed
from app.tabs.export.tab import exported
from app.tabs.perturb.figure import FIGURES, strength_curves
from app.visit.session import SessionError, SessionStore
from app.web import mounting, source

_NEIGHBOURS = 6


def build_perturb(store: SessionStore) -> None:
    """The tab. Codes have the colours of their places on the map of the checkpoint on show."""

    def palette(request: Any) -> dict[str, Any]:
        return code_palette(store, request)

    def neighbours(request: Any) -> dict[str, Any]:
        return code_neighbours(store, request)

    def dropout(request: Any) -> dict[str, Any]:
        return dropout_point(store, request)

    def export(request: Any) -> dict[str, Any]:
        return exported(store, request)

    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=320):
            gr.HTML(
                value={"figures": FIGURES},
                html_template=source("tabs/perturb/view.html"),
                css_template=source("tabs/perturb/view.css"),
                js_on_load=mounting("tabs/perturb/view.js"),
                server_functions=[palette, neighbours, dropout, export],
                apply_default_css=False,
                elem_id="perturb",
            )
            gr.Plot(strength_curves(), show_label=False, elem_id="curves")
        with gr.Column(scale=2, min_width=270):
            gr.HTML(
                value="",
                html_template=source("tabs/perturb/cell.html"),
                css_template=source("tabs/perturb/cell.css"),
                apply_default_css=False,
                elem_id="cell",
            )


def code_palette(store: SessionStore, request: Any) -> dict[str, Any]:
    """{"colours": (K, 3) packed uint8}, None if the checkpoint of the scan on show has no map: then a colour means nothing."""
    if not isinstance(request, dict):
        return {"error": "the request must be an object"}
    try:
        statistics = store.get(request.get("token")).model.statistics
    except SessionError as error:
        return {"error": str(error.args[0])}
    return {"colours": packed(code_colours(statistics)) if statistics else None}


def code_neighbours(store: SessionStore, request: Any) -> dict[str, Any]:
    """The codewords nearest to request["code"], then the one it was replaced by, request["to"]: codes, distances, probabilities.

    atoms: packed uint8 pictures of request["code"] and of all these, `side` pixels high and wide.
    """
    if not isinstance(request, dict):
        return {"error": "the request must be an object"}
    try:
        scan = store.get(request.get("token"))
        last = scan.segmented.codebook_size - 1
        code, to = (whole_number(name, request.get(name), last) for name in ("code", "to"))
    except (SessionError, RequestError) as error:
        return {"error": str(error.args[0])}
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


def dropout_point(store: SessionStore, request: Any) -> dict[str, Any]:
    """The figures of the slice on show after feature dropout at request["rate"], to be compared with those of a frame."""
    if not isinstance(request, dict):
        return {"error": "the request must be an object"}
    try:
        scan, rate = store.get(request.get("token")), request.get("rate")
        asked = FrameRequest.checked(request, scan)
        if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 <= rate <= 1:
            raise RequestError(f"rate must be a number from 0 to 1, got {rate!r}")
        frame = dropout_frame(scan, asked, float(rate))
    except (SessionError, RequestError) as error:
        return {"error": str(error.args[0])}
    figures = {name: getattr(frame, name) for name in ("dice_vs_clean", "agreement", "psnr")}
    return {"rate": rate, "truth": truth_scores(scan, asked, frame), **figures}


def _finite(values: np.ndarray) -> list[float]:
    return [float(value) for value in np.nan_to_num(values)]
