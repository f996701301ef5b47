"""Volume: the scan and its labels in three planes and in 3D, at the epsilon of the sidebar; one crosshair with the other tabs."""

from __future__ import annotations

import gradio as gr

from app.components import source
from app.volume_routes import NIIVUE_PATH, VOLUME_PATH


def build_volume() -> None:
    """Everything comes by the routes of app/volume_routes.py, the first time that the tab is on show."""
    gr.HTML(
        # Without the leading slash: below whatever address the page is served from.
        value={"volumes": VOLUME_PATH.removeprefix("/"), "niivue": NIIVUE_PATH.removeprefix("/")},
        html_template=source("volume.html"),
        css_template=source("volume.css"),
        js_on_load=source(
            "volume_source.js", "volume_words.js", "volume_planes.js", "volume_niivue.js", "volume_crosshair.js", "volume.js"
        ),
        apply_default_css=False,
        elem_id="volume",
    )
