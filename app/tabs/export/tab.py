"""Export: what is on show, as files and as lines of Python that reproduce it. One click saves a file."""

from __future__ import annotations

import gradio as gr

from app.tabs.export.answers import everything, export, labels
from app.tabs.tab import Tab
from app.visit.answering import answering
from app.visit.session import SessionStore
from app.web import mounting, source


def build_export(store: SessionStore) -> None:
    """Build the tab. Its lines name the checkpoint that encoded the scan on show."""
    gr.HTML(
        value="",
        html_template=source("tabs/export/view.html"),
        css_template=source("tabs/export/view.css"),
        js_on_load=mounting("tabs/export/view.js"),
        server_functions=[answering(store, handler) for handler in (export, labels, everything)],
        apply_default_css=False,
        elem_id="export",
    )


EXPORT = Tab("export", "Export", build_export)
