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
from app.page.wiring import CACHE_SECONDS, wire
from app.scan.frames import FrameRequest, make_frame
from app.scan.models import Models
from app.tabs.codebook.tab import build_codebook
from app.tabs.export.tab import build_export
from app.tabs.learn.tab import build_learn
from app.tabs.perturb.tab import build_perturb
from app.tabs.see.tab import build_see
from app.tabs.volume.answers import volume_routes
from app.tabs.volume.tab import build_volume
from app.visit.examples import Examples
from app.visit.openings import Openings
from app.visit.session import OpenScan, SessionStore
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
        with gr.Tabs(selected="see") as tabs:
            with gr.Tab("See", id="see") as see:
                viewer = build_see(store)
            with gr.Tab("Perturb", id="perturb") as perturb:
                build_perturb(store)
            with gr.Tab("Codebook", id="codebook") as codebook:
                build_codebook(store)
            with gr.Tab("Learn", id="learn") as learn:
                build_learn(store)
            with gr.Tab("Volume", id="volume") as volume:
                build_volume()
            with gr.Tab("Export", id="export") as export:
                build_export(store)
        for tab in (see, perturb, codebook, learn, volume, export):
            tab.select(None, js=f"() => window.vqseg.showTab({tab.id!r})")
        _build_opening(visits)
        gr.HTML(f"<p>{DISCLAIMER}</p>", elem_id="disclaimer", apply_default_css=False)
        wire(blocks, sidebar, viewer, tabs, visits)
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
        "app_kwargs": {"routes": volume_routes(store), "middleware": [Middleware(UploadCounter, uploads=uploads), Middleware(BusyMessage)]},
    }
    return App(blocks, options)


def _warm_up(scan: OpenScan | None) -> None:
    """The first decodings of a process take ten times as long as the later ones: no visitor should have them."""
    if scan is not None:
        for strength in (0.5, 0.0):
            make_frame(scan, FrameRequest(scan.plane, scan.views[scan.plane].count // 2, strength, "resample", 0))


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
