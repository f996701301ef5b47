"""Volume: the scan and its labels in three planes and in 3D, at the epsilon of the sidebar. All tabs share one crosshair."""

from __future__ import annotations

import gradio as gr

from app.tabs.tab import Tab
from app.tabs.volume.answers import NIIVUE_PATH, SCRIPT_PATH, VOLUME_PATH, volume_routes
from app.visit.session import SessionStore
from app.web import source


def build_volume(store: SessionStore) -> None:
    """Build the tab. Its script and its volumes come by the routes of answers.py when the tab is first on show."""
    addresses = {"script": SCRIPT_PATH, "volumes": VOLUME_PATH, "niivue": NIIVUE_PATH}
    gr.HTML(
        # Relative addresses: the page itself may be served below any path.
        value={name: path.removeprefix("/") for name, path in addresses.items()},
        html_template=source("tabs/volume/view.html"),
        css_template=source("tabs/volume/view.css"),
        js_on_load=source("tabs/volume/loader.js"),
        apply_default_css=False,
        elem_id="volume",
    )


VOLUME = Tab("volume", "Volume", build_volume, volume_routes)
