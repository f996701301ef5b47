"""Perturb: the tokens before and after the perturbation, one token in detail, forced tokens, the curves over epsilon, and the phase
diagram over epsilon and reach."""

from __future__ import annotations

from dataclasses import asdict

import gradio as gr

from app.scan.axes import DECIBELS, FITTED_RATE, SHARES
from app.scan.seeds import SEEDS
from app.tabs.perturb.answers import bands, candidates, dropout, export, neighbours, palette, phase
from app.tabs.perturb.figure import AXIS_TITLES, FIGURES, NAMES, strength_curves
from app.tabs.tab import Tab
from app.visit.answering import answering
from app.visit.session import SessionStore
from app.web import mounting, source


def build_perturb(store: SessionStore) -> None:
    """Build the tab. A code has the colour of its place on the map of the checkpoint on show."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=320):
            gr.HTML(
                value={
                    "curves": strength_curves(),
                    "figures": FIGURES,
                    "names": NAMES,
                    "titles": AXIS_TITLES,
                    "shares": asdict(SHARES),
                    "decibels": asdict(DECIBELS),
                    "fitted_rate": FITTED_RATE,
                },
                html_template=source("tabs/perturb/view.html"),
                css_template=source("web/wipe.css", "tabs/perturb/view.css"),
                js_on_load=mounting("tabs/perturb/view.js"),
                server_functions=[answering(store, handler) for handler in (palette, neighbours, candidates, dropout, bands, export)],
                apply_default_css=False,
                elem_id="perturb",
            )
            gr.HTML('<div class="graph"></div>', apply_default_css=False, elem_id="curves")
        with gr.Column(scale=2, min_width=270):
            gr.HTML(
                value="",
                html_template=source("tabs/perturb/cell.html"),
                css_template=source("tabs/perturb/cell.css"),
                apply_default_css=False,
                elem_id="cell",
            )
    gr.HTML(
        value="",
        html_template=source("tabs/perturb/phase.html"),
        css_template=source("tabs/perturb/phase.css"),
        js_on_load=mounting("tabs/perturb/phase.js"),
        server_functions=[answering(store, phase)],
        apply_default_css=False,
        elem_id="phase",
    )


_BANDS = tuple(map(str, SEEDS))
PERTURB = Tab("perturb", "Perturb", build_perturb, readable={"bands": (lambda value: value in _BANDS, f"one of {', '.join(_BANDS)}")})
