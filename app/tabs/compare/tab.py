"""Compare: a second scan beside the one on show, under the same epsilon, reach and seed."""

from __future__ import annotations

import gradio as gr

from app.tabs.compare.answers import agreement, aligned, beside, with_beside
from app.tabs.tab import Tab
from app.visit.answering import answering
from app.visit.session import SessionStore
from app.web import mounting, source


def build_compare(store: SessionStore) -> gr.HTML:
    """Build the tab. Its value is what can be chosen as the second scan; its event "submit" opens one, see app/page/wiring.py."""
    return gr.HTML(
        value=None,
        html_template=source("tabs/compare/view.html"),
        css_template=source("web/wipe.css", "tabs/compare/view.css"),
        js_on_load=mounting("tabs/compare/view.js"),
        server_functions=[
            answering(store, beside),
            answering(store, with_beside(store, agreement)),
            answering(store, with_beside(store, aligned)),
        ],
        apply_default_css=False,
        elem_id="compare",
    )


COMPARE = Tab("compare", "Compare", build_compare)
