"""Label: brush and eraser over the network's labels, the next slice worth labelling, and the network taught by what was corrected."""

from __future__ import annotations

import gradio as gr

from app.tabs.label.answers import corrected, disagreement, meanings
from app.tabs.label.tuning import TuningAnswers
from app.tabs.tab import Tab
from app.visit.answering import answering
from app.visit.fine_tunings import FineTunings
from app.visit.session import SessionStore
from app.web import mounting, source


def build_label(store: SessionStore) -> None:
    """Build the tab. It corrects the labels at strength 0 of the acquired slices."""
    tuning = TuningAnswers(FineTunings(store))
    handlers = (meanings, disagreement, corrected, tuning.fine_tune, tuning.tuning, tuning.cancel_tuning)
    gr.HTML(
        value="",
        html_template=source("tabs/label/view.html"),
        css_template=source("tabs/label/view.css"),
        js_on_load=mounting("tabs/label/view.js"),
        server_functions=[answering(store, handler) for handler in handlers],
        apply_default_css=False,
        elem_id="label",
    )


LABEL = Tab("label", "Label", build_label)
