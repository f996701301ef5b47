"""Volume: the scan and its labels in three planes and in 3D, at the epsilon of the sidebar. All tabs share one crosshair."""

from __future__ import annotations

import gradio as gr

from app.tabs.tab import Tab
from app.tabs.volume.answers import NIIVUE_PATH, VOLUME_PATH, volume_routes
from app.visit.session import SessionStore
from app.web import mounting, source

# The page does not wait for this tab's modules: they come when it is first on show.
_WHEN_SEEN = """const seen = new IntersectionObserver(() => {
  if (element.offsetParent === null) return;
  seen.disconnect();
  %s
});
seen.observe(element);"""


def build_volume(store: SessionStore) -> None:
    """The frame of the tab; the volumes come by the routes of answers.py."""
    addresses = {"volumes": VOLUME_PATH, "niivue": NIIVUE_PATH}
    gr.HTML(
        # Relative addresses: the page itself may be served below any path.
        value={name: path.removeprefix("/") for name, path in addresses.items()},
        html_template=source("tabs/volume/view.html"),
        css_template=source("tabs/volume/view.css"),
        js_on_load=_WHEN_SEEN % mounting("tabs/volume/view.js"),
        apply_default_css=False,
        elem_id="volume",
    )


VOLUME = Tab("volume", "Volume", build_volume, volume_routes)
