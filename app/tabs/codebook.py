"""Codebook: the codewords as a map linked with the slice on show, a card for each, how they came about, and what perturbing costs."""

from __future__ import annotations

import gradio as gr
import plotly.graph_objects as go

from app.codebook_answers import answering, atoms, book, card, patches, presence, where
from app.codebook_film import evolution, film
from app.codebook_layouts import Layouts
from app.codebook_radii import TWO_RADII, dropout_cost
from app.components import source
from app.session import SessionStore

# One scope: the store first, then what listens to it, then what starts all.
_SCRIPTS = ("store", "hover", "colour", "map", "layout", "head", "slice", "card", "plots", "usage", "evolution", "radii", "start")
_HANDLERS = (book, presence, where, atoms, card, patches, evolution, film, dropout_cost)


def build_codebook(store: SessionStore) -> None:
    """The tab. It shows the codebook of the checkpoint that encoded the scan on show."""
    gr.HTML(
        value="",
        html_template=source("codes.html"),
        css_template=source("codes.css"),
        js_on_load="\n".join(source(f"codes_{name}.js") for name in _SCRIPTS),
        server_functions=[answering(store, handler) for handler in (*_HANDLERS, Layouts().layout, TWO_RADII.radii)],
        apply_default_css=False,
        elem_id="codes",
    )
    # Gradio brings plotly.js to the browser with the first figure it draws: this empty one is never seen.
    gr.Plot(go.Figure(), show_label=False, elem_id="plotly")
