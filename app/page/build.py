"""The layout of the page, and how it is served. The browser keeps the values of the controls (web/store.js)."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from app.page.busy import BusyMessage
from app.page.cine import build_cine
from app.page.endpoints import MOST_THREADS, add_endpoints
from app.page.guard import Guard, allowed_hosts
from app.page.housekeeping import housekeeping
from app.page.last_resort import Heartbeats, LastResort
from app.page.page import Page
from app.page.preloading import PreloadModules, RunFirst
from app.page.sending import Compressing, Keeping
from app.page.sidebar import build_sidebar
from app.page.theme import style_sheet, theme
from app.page.title import build_title
from app.page.uploading import upload_route
from app.page.visits import Ticket, Visits
from app.page.wiring import Wiring
from app.scan.branches import BOTH, NEITHER, NOTICED, RECONSTRUCTION, SEGMENTATION
from app.scan.curves import STEPS
from app.scan.frame_request import LARGEST_SEED
from app.scan.models import Models
from app.scan.structures import FULL_NAMES
from app.scan.windows import HOUNSFIELD_WINDOWS
from app.tabs.registry import TABS
from app.tabs.tab import Tab
from app.visit.examples import Examples, warm_up
from app.visit.handed_out import HandedOut
from app.visit.listening import is_local
from app.visit.memory import GivingBack
from app.visit.openings import Openings
from app.visit.presence import Presence
from app.visit.session import SessionStore
from app.visit.uploads import Uploads
from app.web import calling, module_path, module_routes, mounting, preloads, source
from app.web.catalogues import catalogue_facts, catalogue_routes, catalogues
from app.web.glossary import terms
from app.web.plotly import plotly_path, plotly_routes
from vqseg.data import apart
from vqseg.data.scan import scan_endings
from vqseg.inference import replacements

logger = logging.getLogger(__name__)

# Modules that the first picture needs. The browser fetches them, and all that they import, at once instead of one import after the other.
_FIRST = ("page/page.js", "page/events.js", "page/opening.js", "page/gallery.js", "page/reach.js", "tabs/see/view.js", "web/store.js")
# The Hub shows a Space in a frame of its own page.
_FRAMES = "'self' https://huggingface.co https://*.hf.space" if "SPACE_ID" in os.environ else "'self'"
# Gradio's own words in the fields for files; their titles say what each is for. The same for every browser: the page translates them.
_UPLOAD_WORDS = {"upload_text.drop_file": "Drop your file here", "upload_text.click_to_upload": "choose a file"}
DISCLAIMER = "Research demo, not for clinical use. Do not upload identifiable scans."


@dataclass(frozen=True)
class App:
    """A built page with its options of launch(), where Gradio takes theme, style and scripts."""

    blocks: gr.Blocks
    launch_options: dict[str, Any]

    def launch(self, *, most_queued: int = 64, **options: Any) -> Any:
        """Serve the page.

        Args:
            most_queued: How many events may wait in Gradio's queue. Any further one is refused.
            options: Of Gradio's launch(), for example server_port.

        Returns:
            What Gradio's launch() returns.
        """
        given: dict[str, Any] = {**self.launch_options, "max_threads": MOST_THREADS, **options}
        name = given.get("server_name") or "127.0.0.1"
        guard = Middleware(Guard, hosts=allowed_hosts(name), local=is_local(name), frames=_FRAMES)
        parts = given.get("app_kwargs") or {}
        given["app_kwargs"] = {**parts, "middleware": [guard, Middleware(LastResort), *parts.get("middleware", [])]}
        return self.blocks.queue(max_size=most_queued, default_concurrency_limit=2).launch(**given)


def facts() -> dict[str, Any]:
    """Constants that all views of the browser take from Python: `Facts` of web/types.d.ts. A tab's own constants are in its value."""
    branches = {"neither": NEITHER, "segmentation": SEGMENTATION, "reconstruction": RECONSTRUCTION, "both": BOTH}
    return {
        "windows": {name: [window.centre, window.width] for name, window in HOUNSFIELD_WINDOWS.items()},
        "endings": list(scan_endings()),
        "curve_steps": len(STEPS),
        "largest_seed": LARGEST_SEED,
        "branches": branches,
        "noticed": NOTICED,
        "replacements": replacements(),
        "structures": FULL_NAMES,
        "tabs": [tab.name for tab in TABS],
        "plotly": plotly_path(),
        "terms": terms(),
        "languages": catalogue_facts(),
    }


def _head() -> str:
    """The frame's style, the facts, and the modules that work on the whole page."""
    # Unescaped, a text with "</script>" in it would end the script.
    told = json.dumps(facts()).replace("<", "\\u003c")
    scripts = f'<script type="application/json" id="vqseg-facts">{told}</script>'
    return f'<style>{source("page/frame.css")}</style>{scripts}<script type="module" src="{module_path("page/page.js")}"></script>'


def build(models: Models, examples: Sequence[Path] | Examples, store: SessionStore | None = None, openings: Openings | None = None) -> App:
    """Build the whole app.

    Args:
        models: The checkpoints. The page opens with the default one.
        examples: The bundled examples, or their files. The page opens with the first one.
        store: Holds the visitors' scans; by default one with the environment's budget of bytes.
        openings: The scans that are being opened; by default with the limits of app/visit/openings.py.

    Returns:
        The page, ready to launch.
    """
    # "store or ..." would replace an empty store, whose length is 0.
    store, uploads = SessionStore() if store is None else store, Uploads()
    cases = examples if isinstance(examples, Examples) else Examples(examples)
    openings = openings or Openings(after=GivingBack().soon)
    first = cases.open_first(models)
    visits = Visits(models, store, uploads, cases, openings, presence := Presence())
    handed_out = HandedOut(presence)
    warm_up(first)
    # The process that reads what visitors send, so that the first of them does not wait for it.
    apart.prepare()
    with Page(uploads, title="VQ-Seg", fill_width=True) as blocks:
        sidebar = build_sidebar(cases.all, models, first)
        build_title()
        with gr.Tabs(selected=TABS[0].name, overflow_behavior="wrap") as tabs:
            built = {tab.name: _build_tab(tab, store) for tab in TABS}
        build_cine(store, visits.cines)
        _build_opening(visits)
        gr.HTML(f"<p>{DISCLAIMER}</p>", elem_id="disclaimer", apply_default_css=False)
        Wiring(sidebar, built["see"], tabs, visits, built["compare"]).wire(blocks)
        add_endpoints(models, uploads, openings, handed_out, store.most_scan_bytes)

    def end(owner: str, address: str) -> None:
        visits.end(owner)
        handed_out.release(owner)
        if not presence.anybody_at(address):
            uploads.forsake(address)

    options = {
        "theme": theme(),
        "css": style_sheet(),
        "head": _head(),
        "ssr_mode": False,
        "i18n": gr.I18n(en=_UPLOAD_WORDS, **dict.fromkeys(catalogues(), _UPLOAD_WORDS)),
        "run_history": False,
        "footer_links": ["api"],
        # A larger file is refused while it arrives, before it fills the disk.
        "max_file_size": "2gb",
        "app_kwargs": {
            "lifespan": housekeeping((uploads, handed_out, store.rooms), blocks),
            "routes": [
                *(upload_route(uploads), *module_routes(), *plotly_routes(), *catalogue_routes()),
                *(route for tab in TABS for route in tab.routes(store)),
            ],
            "middleware": [
                Middleware(PreloadModules, addresses=preloads(*_FIRST)),
                Middleware(Heartbeats, presence=presence, end=end),
                Middleware(BusyMessage),
                Middleware(Keeping),
                Middleware(Compressing),
                Middleware(RunFirst, address=module_path("web/leaving.js")),
            ],
        },
    }
    return App(blocks, options)


def _build_tab(tab: Tab, store: SessionStore) -> Any:
    """Build a tab inside the present Blocks. Returns what `tab.build` returns."""
    with gr.Tab(tab.title, id=tab.name) as place:
        built = tab.build(store)
    place.select(None, js=calling("web/links.js", "showTab", given=[tab.name]))
    return built


def _build_opening(visits: Visits) -> None:
    """The strip with the progress of opening a scan, and a button to cancel. It bypasses the queue, in which the scan may be waiting."""

    def progress(ticket: Ticket) -> dict[str, Any]:
        return visits.progress(ticket)

    def cancel(ticket: Ticket) -> None:
        visits.cancel(ticket)

    gr.HTML(
        value="",
        html_template=source("page/opening.html"),
        css_template=source("page/opening.css"),
        js_on_load=mounting("page/opening.js"),
        server_functions=[progress, cancel],
        apply_default_css=False,
        elem_id="opening",
    )
