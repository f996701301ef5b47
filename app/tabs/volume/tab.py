"""Volume: the scan and its labels in three planes and in 3D, at the epsilon of the sidebar; one crosshair with the other tabs."""

from __future__ import annotations

import gradio as gr

from app.tabs.tab import Tab
from app.tabs.volume.answers import NIIVUE_PATH, SCRIPT_PATH, VOLUME_PATH, volume_routes
from app.visit.session import SessionStore
from app.web import source


def build_volume(store: SessionStore) -> None:
    """The tab. Everything but the frame comes by the routes of answers.py, the first time that the tab is on show."""
    addresses = {"script": SCRIPT_PATH, "volumes": VOLUME_PATH, "niivue": NIIVUE_PATH}
    gr.HTML(
        # Without the leading slash: below whatever address the page is served from.
        value={name: path.removeprefix("/") for name, path in addresses.items()},
        html_template=source("tabs/volume/view.html"),
        css_template=source("tabs/volume/view.css"),
        js_on_load=source("tabs/volume/loader.js"),
        apply_default_css=False,
        elem_id="volume",
    )


VOLUME = Tab("volume", "Volume", build_volume, volume_routes)
