"""The page: layout, then wiring. What the controls say goes to window.vqseg in the browser; Python is asked for pictures only."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from app.components import source
from app.endpoints import HEAVY, Page, add_endpoints
from app.examples import Examples
from app.frames import FrameRequest, make_frame
from app.models import Models
from app.session import OpenScan, SessionStore
from app.sidebar import OPACITY, Sidebar, build_sidebar
from app.tabs.codebook import build_codebook
from app.tabs.export import build_export
from app.tabs.learn import build_learn
from app.tabs.perturb import build_perturb
from app.tabs.see import build_see
from app.tabs.volume import build_volume
from app.theme import style_sheet, theme
from app.uploads import UploadCounter, Uploads
from app.visits import Visits
from app.volume_routes import volume_routes

logger = logging.getLogger(__name__)

DISCLAIMER = "Research demo, not for clinical use. Do not upload identifiable scans."
_PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
# Before the prepared label files of Gradio's cache are deleted (see delete_cache) they are asked for again.
_CACHE_SECONDS, _REFRESH_SECONDS = 600, 240


@dataclass(frozen=True)
class App:
    """A built page and how to launch it: theme, style and scripts belong to launch() in Gradio."""

    blocks: gr.Blocks
    launch_options: dict[str, Any]

    def launch(self, **options: Any) -> Any:
        return self.blocks.queue(max_size=64, default_concurrency_limit=2).launch(**self.launch_options, **options)


def build(models: Models, examples: Sequence[Path], store: SessionStore | None = None) -> App:
    """The whole app. It opens with the default checkpoint, which serves the endpoints too. examples: files of the bundled cases."""
    # Not "store or ...": an empty store has length 0.
    store, uploads = SessionStore() if store is None else store, Uploads()
    cases = Examples(examples)
    first = cases.open(next(iter(cases.titles), None), models.default)
    visits = Visits(models, store, uploads, cases)
    _warm_up(first)
    with Page(title="VQ-Seg", fill_width=True, delete_cache=(_CACHE_SECONDS, _CACHE_SECONDS)) as blocks:
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
        gr.HTML(f"<p>{DISCLAIMER}</p>", elem_id="disclaimer", apply_default_css=False)
        _wire(blocks, sidebar, viewer, tabs, visits)
        add_endpoints(models, uploads)
    options = {
        "theme": theme(),
        "css": style_sheet(),
        "head": f"<script>{source('store.js', 'pictures.js', 'frames.js')}</script>",
        "ssr_mode": False,
        "run_history": False,
        "footer_links": ["api"],
        "app_kwargs": {"routes": volume_routes(store), "middleware": [Middleware(UploadCounter, uploads=uploads)]},
    }
    return App(blocks, options)


def _warm_up(scan: OpenScan | None) -> None:
    """The first decodings of a process take ten times as long as the later ones: no visitor should have them."""
    if scan is not None:
        for strength in (0.5, 0.0):
            make_frame(scan, FrameRequest(scan.plane, scan.views[scan.plane].count // 2, strength, "resample", 0))


def _wire(blocks: gr.Blocks, bar: Sidebar, viewer: gr.HTML, tabs: gr.Tabs, visits: Visits) -> None:
    shown: list[Any] = [viewer, bar.plane, bar.index, bar.download, bar.truth]
    follow: dict[str, Any] = {"fn": None, "inputs": [viewer, *bar.view], "js": "(...values) => window.vqseg.update(...values)"}

    link = gr.JSON(visible=False)
    asked: list[Any] = [*shown, bar.case, bar.checkpoint, bar.visible, bar.strength, bar.mode, bar.seed, tabs]
    blocks.load(visits.linked, link, asked, js="() => window.vqseg.linked()", **_PRIVATE).then(**follow)
    opened = bar.case.input(visits.example, [bar.case, bar.checkpoint], shown, **HEAVY, **_PRIVATE)
    opened.then(**follow)
    chosen = [viewer, bar.download, bar.truth, bar.checkpoint, bar.visible]
    reopened = bar.checkpoint.input(visits.checkpoint, [bar.checkpoint, viewer], chosen, **HEAVY, **_PRIVATE)
    typed = bar.other.submit(visits.other, [bar.other, viewer], chosen, **HEAVY, **_PRIVATE)
    for event in (reopened, typed):
        event.then(**follow)
    for event in (opened, reopened, typed):
        event.failure(visits.restored, viewer, [bar.case, bar.checkpoint], queue=False, **_PRIVATE)
    _wire_files(bar, viewer, shown, visits, follow)
    bar.plane.input(visits.plane, [viewer, bar.plane], bar.index, queue=False, **_PRIVATE).then(**follow)
    for control in bar.view:
        if control is not bar.plane:
            control.change(**follow, trigger_mode="always_last")
    bar.reroll.click(None, None, bar.seed, js="() => [Math.floor(Math.random() * 2 ** 31)]")
    _wire_reset(bar, viewer, visits, follow)
    gr.Timer(_REFRESH_SECONDS).tick(visits.download, viewer, bar.download, **_PRIVATE)
    blocks.unload(visits.end)


def _wire_files(bar: Sidebar, viewer: gr.HTML, shown: list[Any], visits: Visits, follow: dict[str, Any]) -> None:
    """The drop zones. A file that was refused leaves its zone empty for the next one."""
    settings: dict[str, Any] = {"show_progress": "full", "api_visibility": "private", **HEAVY}
    uploaded = bar.upload.upload(
        visits.upload, [bar.upload, bar.checkpoint], [*shown, bar.upload, bar.case], show_progress_on=bar.upload, **settings
    )
    checked = bar.truth.upload(visits.truth, [bar.truth, viewer], [viewer, bar.truth], show_progress_on=bar.truth, **settings)
    for event, zone in ((uploaded, bar.upload), (checked, bar.truth)):
        event.then(**follow)
        event.failure(lambda: None, None, zone, queue=False, **_PRIVATE)


def _wire_reset(bar: Sidebar, viewer: gr.HTML, visits: Visits, follow: dict[str, Any]) -> None:
    """One key back to the start: what was set by hand in Python's build is set again in the browser."""
    start = [0, "resample", 0, OPACITY, False, True, "network", "radiological"]
    outputs: list[Any] = [bar.strength, bar.mode, bar.seed, bar.opacity, bar.outline, bar.shown, bar.window, bar.convention]

    def reset(value: dict[str, Any] | None) -> list[Any]:
        return [*start, *visits.home(value)]

    bar.reset.click(reset, viewer, [*outputs, bar.plane, bar.index, bar.visible], queue=False, **_PRIVATE).then(**follow)
