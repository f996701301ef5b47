"""See: input, segmentation and reconstruction of one slice, drawn again at every change in the sidebar."""

from __future__ import annotations

import gradio as gr

from app.tabs.see.answers import fitting, frame, picture, profile, results
from app.tabs.tab import Tab
from app.visit.answering import answering
from app.visit.session import SessionStore
from app.web import mounting, source


def build_see(store: SessionStore) -> gr.HTML:
    """Build the tab: the viewer. Its value is that of `app.scan.description.describe` for the scan on show."""
    return gr.HTML(
        value=None,
        html_template=source("tabs/see/view.html"),
        css_template=source("tabs/see/view.css"),
        js_on_load=mounting("tabs/see/view.js"),
        server_functions=[answering(store, handler) for handler in (frame, fitting, results, picture, profile)],
        apply_default_css=False,
        elem_id="viewer",
    )


SEE = Tab(
    "see",
    "See",
    build_see,
    readable={
        "changed": (lambda value: value == "on", "on"),
        "profile": (lambda value: value in ("truth", "clean", "changed"), "one of truth, clean, changed"),
    },
)
