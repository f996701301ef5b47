"""Perturb: the tokens before and after, one of them in detail, forced by hand, and what epsilon costs."""

from __future__ import annotations

from typing import Any

import gradio as gr
import numpy as np

from app.codebook_figures import code_colours, strength_curves
from app.components import source
from app.frames import FrameRequest, RequestError, stability, whole_number
from app.render import greyscale, packed
from app.session import SessionError, SessionStore

SEEDS = 8
_NEIGHBOURS = 6


def build_perturb(store: SessionStore) -> None:
    """The tab. Codes have the colours of their places on the map of the checkpoint on show."""

    def palette(request: Any) -> dict[str, Any]:
        return code_palette(store, request)

    def neighbours(request: Any) -> dict[str, Any]:
        return code_neighbours(store, request)

    def sensitivity(request: Any) -> dict[str, Any]:
        return sensitivity_map(store, request)

    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=320):
            gr.HTML(
                value={"seeds": SEEDS},
                html_template=source("perturb.html"),
                css_template=source("perturb.css"),
                js_on_load=source("perturb.js"),
                server_functions=[palette, neighbours, sensitivity],
                apply_default_css=False,
                elem_id="perturb",
            )
            gr.Plot(strength_curves(), show_label=False, elem_id="curves")
        with gr.Column(scale=2, min_width=270):
            gr.HTML(value="", html_template=source("cell.html"), css_template=source("cell.css"), apply_default_css=False, elem_id="cell")


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
    """The codewords nearest to request["code"], then the one it was replaced by, request["to"]: codes, distances, probabilities."""
    if not isinstance(request, dict):
        return {"error": "the request must be an object"}
    try:
        scan = store.get(request.get("token"))
        last = scan.segmented.codebook_size - 1
        code, to = (whole_number(name, request.get(name), last) for name in ("code", "to"))
        found = scan.segmented.neighbours(code, _NEIGHBOURS, (to,))
    except (SessionError, RequestError) as error:
        return {"error": str(error.args[0])}
    return {"codes": found.codes.tolist(), "distances": _finite(found.distances), "probabilities": _finite(found.probabilities)}


def sensitivity_map(store: SessionStore, request: Any) -> dict[str, Any]:
    """Perturbation sensitivity of the picture on show over SEEDS draws: a packed uint8 picture, 255 where no two draws agree."""
    if not isinstance(request, dict):
        return {"error": "the request must be an object"}
    try:
        scan = store.get(request.get("token"))
        return {"picture": packed(greyscale(stability(scan, FrameRequest.checked(request, scan), SEEDS)))}
    except (SessionError, RequestError) as error:
        return {"error": str(error.args[0])}


def _finite(values: np.ndarray) -> list[float]:
    return [float(value) for value in np.nan_to_num(values)]
