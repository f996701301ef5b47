"""Codebook: the codewords as a map, how often each is chosen, and which of them the slice on view uses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from app.codebook_figures import codeword_map, rank_frequency
from app.components import source
from app.frames import FrameRequest, RequestError, make_frame
from app.render import css_colour, label_colours
from app.session import SessionError, SessionStore

if TYPE_CHECKING:
    from vqseg.codebook import CodebookStatistics

# Longer lists are of whole scans: still a map, no more a highlight.
_MOST_CODES = 4096


@dataclass(frozen=True)
class CodebookTab:
    """What is drawn anew when the scan on show comes from another checkpoint."""

    outputs: list[Any]
    draw: Callable[[dict[str, Any] | None], list[Any]]


def build_codebook(store: SessionStore) -> CodebookTab:
    """The tab of the checkpoint that encoded the scan on show; one without statistics says so."""

    def codes(request: Any) -> dict[str, Any]:
        return slice_codes(store, request)

    def summary(request: Any) -> dict[str, Any]:
        return codebook_summary(store, request)

    missing = gr.Markdown(
        "### This checkpoint has no codebook statistics\n"
        "Make them with `python -m vqseg codebook --checkpoint FOLDER --output FOLDER` and start the app again.",
        elem_id="no-statistics",
        visible=False,
    )
    with gr.Column() as content:
        gr.HTML(
            value="",
            html_template=source("codes.html"),
            css_template=source("codes.css"),
            js_on_load=source("codes.js"),
            server_functions=[codes, summary],
            apply_default_css=False,
            elem_id="codes",
        )
        with gr.Row(equal_height=False):
            with gr.Column(scale=2, min_width=320):
                plot = gr.Plot(label="Codewords", show_label=False, elem_id="codewords")
            with gr.Column(scale=1, min_width=280):
                frequency = gr.Plot(label="Rank and frequency", show_label=False, elem_id="frequency")

    def draw(value: dict[str, Any] | None) -> list[Any]:
        try:
            model = store.get((value or {}).get("token")).model
        except SessionError:
            return [gr.skip()] * 4
        if model.statistics is None:
            return [gr.update(visible=True), gr.update(visible=False), None, None]
        figures = codeword_map(model.statistics, model.classes), rank_frequency(model.statistics)
        # By this the page knows whose codes the map shows.
        figures[0].update_layout(meta=model.name)
        return [gr.update(visible=False), gr.update(visible=True), *figures]

    return CodebookTab([missing, content, plot, frequency], draw)


def codebook_summary(store: SessionStore, request: Any) -> dict[str, Any]:
    """What is said of the codebook of the scan on show; {"size": 0} if its checkpoint has no statistics."""
    if not isinstance(request, dict):
        return {"error": "the request must be an object"}
    try:
        model = store.get(request.get("token")).model
    except SessionError as error:
        return {"error": str(error.args[0])}
    return {"checkpoint": model.name, **(_summary(model.statistics, model.classes) if model.statistics else {"size": 0})}


def slice_codes(store: SessionStore, request: Any) -> dict[str, Any]:
    """Where on the map the codes of the view on show lie: those of the scan, and those that QPM brought in."""
    if not isinstance(request, dict):
        return {"error": "the request must be an object"}
    try:
        scan = store.get(request.get("token"))
        frame = make_frame(scan, FrameRequest.checked(request, scan))
    except (SessionError, RequestError) as error:
        return {"error": str(error.args[0])}
    statistics = scan.model.statistics
    if statistics is None:
        return {"error": "this checkpoint has no codebook statistics"}
    clean = np.unique(frame.clean_codes)
    brought_in = np.setdiff1d(frame.codes, clean)
    return {"clean": _points(statistics, clean), "brought_in": _points(statistics, brought_in)}


def _points(statistics: CodebookStatistics, codes: np.ndarray) -> dict[str, list[float]]:
    known = codes[codes < len(statistics.counts)][:_MOST_CODES]
    x, y = statistics.projection[known].T
    return {"code": known.tolist(), "x": x.tolist(), "y": y.tolist()}


def _summary(statistics: CodebookStatistics, classes: tuple[str, ...]) -> dict[str, Any]:
    active = np.flatnonzero(statistics.counts > 0)
    colours = [css_colour(colour) for colour in label_colours(len(classes))]
    # Black is for pictures; on a map in light and in dark the background class is grey.
    colours[0] = "#8a97a0"
    return {
        "size": len(statistics.counts),
        "in_use": len(active),
        "utilisation": statistics.utilisation,
        "perplexity": statistics.perplexity,
        "source": statistics.source,
        "active": active.tolist(),
        "usage": np.log10(statistics.counts[active]).round(3).tolist(),
        "majority": statistics.majority_class[active].tolist(),
        "classes": list(classes),
        "colours": colours,
    }
