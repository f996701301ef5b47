"""The page: its layout, and how it is served. What the controls say goes to window.vqseg in the browser; Python gives pictures only."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from app.page.busy import BusyMessage
from app.page.endpoints import Page, add_endpoints
from app.page.sidebar import build_sidebar
from app.page.theme import style_sheet, theme
from app.page.visits import Visits
from app.page.wiring import CACHE_SECONDS, Wiring
from app.scan.frame_request import FrameRequest
from app.scan.frames import make_frame
from app.scan.models import Models
from app.scan.open_scan import OpenScan
from app.tabs.registry import TABS
from app.tabs.tab import Tab
from app.visit.examples import Examples
from app.visit.openings import Openings
from app.visit.session import SessionStore
from app.visit.uploads import UploadCounter, Uploads
from app.web import source

logger = logging.getLogger(__name__)

# What all views share, in the order in which it is run.
_HEAD = (
    "web/store.js",
    "web/pictures.js",
    "web/zoom.js",
    "web/frames.js",
    "web/openings.js",
    "web/files.js",
    "web/names.js",
    "web/ahead.js",
)
DISCLAIMER = "Research demo, not for clinical use. Do not upload identifiable scans."


@dataclass(frozen=True)
class App:
    """A built page and how to launch it: theme, style and scripts belong to launch() in Gradio."""

    blocks: gr.Blocks
    launch_options: dict[str, Any]

    def launch(self, *, most_queued: int = 64, **options: Any) -> Any:
        """most_queued: events that wait before others are refused. options: of gradio's launch, as server_port."""
        return self.blocks.queue(max_size=most_queued, default_concurrency_limit=2).launch(**{**self.launch_options, **options})


def _head() -> str:
    """The shared scripts, and where Gradio keeps plotly.js: it names that file by its content."""
    plots = next((Path(gr.__file__).parent / "templates" / "frontend" / "assets").glob("PlotlyPlot-*.js"), None)
    name = json.dumps(plots.name if plots else "")
    store, *others = _HEAD
    return f"{source(store)}\nwindow.vqseg.plots = {name};\n{source(*others)}"


def build(models: Models, examples: Sequence[Path], store: SessionStore | None = None, openings: Openings | None = None) -> App:
    """The whole app. It opens with the default checkpoint, which serves the endpoints too. examples: files of the bundled cases.

    store, openings: what visitors hold and what is being opened for them, with other limits than those of the environment.
    """
    # Not "store or ...": an empty store has length 0.
    store, uploads = SessionStore() if store is None else store, Uploads()
    cases, openings = Examples(examples), openings or Openings()
    first = cases.open(next(iter(cases.titles), None), models.default)
    visits = Visits(models, store, uploads, cases, openings)
    _warm_up(first)
    with Page(title="VQ-Seg", fill_width=True, delete_cache=(CACHE_SECONDS, CACHE_SECONDS)) as blocks:
        sidebar = build_sidebar(cases.titles, models, first)
        gr.HTML("<h1>VQ-Seg</h1><p>Replace a scan's tokens and watch both decoders answer.</p>", elem_id="title", apply_default_css=False)
        with gr.Tabs(selected=TABS[0].name) as tabs:
            built = {tab.name: _build_tab(tab, store) for tab in TABS}
        _build_opening(visits)
        gr.HTML(f"<p>{DISCLAIMER}</p>", elem_id="disclaimer", apply_default_css=False)
        Wiring(sidebar, built["see"], tabs, visits).wire(blocks)
        add_endpoints(models, uploads, openings, store.most_scan_bytes)
    options = {
        "theme": theme(),
        "css": style_sheet(),
        "head": f"<style>{source('page/frame.css')}</style><script>{_head()}</script>",
        "ssr_mode": False,
        "run_history": False,
        "footer_links": ["api"],
        # Larger files are refused while they arrive, before they fill the disk.
        "max_file_size": "2gb",
        "app_kwargs": {
            "routes": [route for tab in TABS for route in tab.routes(store)],
            "middleware": [Middleware(UploadCounter, uploads=uploads), Middleware(BusyMessage)],
        },
    }
    return App(blocks, options)


def _build_tab(tab: Tab, store: SessionStore) -> Any:
    """Build a tab inside the present Blocks; returns what its own builder does."""
    with gr.Tab(tab.title, id=tab.name) as place:
        built = tab.build(store)
    place.select(None, js=f"() => window.vqseg.showTab({tab.name!r})")
    return built


def _warm_up(scan: OpenScan | None) -> None:
    """The first decodings of a process take ten times as long as the later ones: no visitor should have them."""
    if scan is not None:
        for strength in (0.5, 0.0):
            make_frame(scan, FrameRequest(scan.plane, scan.views[scan.plane].middle, strength, "resample", 0))


def _build_opening(visits: Visits) -> None:
    """The strip that tells how far a scan is, with a button to stop it. Past the queue, which may be what it waits for."""

    def progress(ticket: Any) -> dict[str, Any]:
        return visits.progress(ticket)

    def cancel(ticket: Any) -> None:
        visits.cancel(ticket)

    gr.HTML(
        value="",
        html_template=source("page/opening.html"),
        css_template=source("page/opening.css"),
        js_on_load=source("page/opening.js"),
        server_functions=[progress, cancel],
        apply_default_css=False,
        elem_id="opening",
    )
