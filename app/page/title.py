"""The top of the page: what this is in a sentence and a figure, a tour, and what a visitor may want to know about it."""

from __future__ import annotations

import gradio as gr

from app.web import mounting, source


def build_title() -> None:
    """Build it inside the present Blocks."""
    gr.HTML(
        value="",
        html_template=source("page/title.html").replace("{figure}", source("page/title_figure.svg")),
        css_template=source("page/title.css"),
        js_on_load=mounting("page/title.js"),
        apply_default_css=False,
        elem_id="title",
    )
