"""The page: layout, then wiring. What the controls say goes to window.vqseg in the browser; Python is asked for pictures only."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from starlette.middleware import Middleware

from app.components import source
from app.endpoints import HEAVY, add_endpoints
from app.examples import Examples
from app.frames import FrameRequest, make_frame
from app.session import OpenScan, SessionStore
from app.sidebar import OPACITY, Sidebar, build_sidebar
from app.tabs.codebook import build_codebook
from app.tabs.export import build_export
from app.tabs.perturb import build_perturb
from app.tabs.see import build_see
from app.theme import style_sheet, theme
from app.uploads import UploadCounter, Uploads
from app.visits import Visits

if TYPE_CHECKING:
    from vqseg.codebook import CodebookStatistics
    from vqseg.inference import Segmenter

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


def build(
    segmenter: Segmenter,
    statistics: CodebookStatistics | None,
    examples: Sequence[Path],
    store: SessionStore | None = None,
    checkpoint: str = "checkpoint",
) -> App:
    """The whole app on one checkpoint. statistics: None if the checkpoint has none. examples: files of the bundled cases.

    checkpoint: what the lines to reproduce a view call it.
    """
    # Not "store or ...": an empty store has length 0.
    store, uploads = SessionStore() if store is None else store, Uploads()
    cases = Examples(segmenter, examples)
    visits = Visits(segmenter, store, uploads, cases)
    _warm_up(cases.first)
    with gr.Blocks(title="VQ-Seg", fill_width=True, delete_cache=(_CACHE_SECONDS, _CACHE_SECONDS)) as blocks:
        sidebar = build_sidebar(cases.titles, segmenter.classes, cases.first)
        gr.HTML("<h1>VQ-Seg</h1><p>Replace a scan's tokens and watch both decoders answer.</p>", elem_id="title", apply_default_css=False)
        with gr.Tabs(selected="see") as tabs:
            with gr.Tab("See", id="see") as see:
                viewer = build_see(store)
            with gr.Tab("Perturb", id="perturb") as perturb:
                build_perturb(store, statistics)
            with gr.Tab("Codebook", id="codebook") as codebook:
                build_codebook(blocks, store, statistics, segmenter.classes)
            with gr.Tab("Export", id="export") as export:
                build_export(store, checkpoint)
        for tab in (see, perturb, codebook, export):
            tab.select(None, js=f"() => window.vqseg.showTab({tab.id!r})")
        gr.HTML(f"<p>{DISCLAIMER}</p>", elem_id="disclaimer", apply_default_css=False)
        _wire(blocks, sidebar, viewer, tabs, visits)
        add_endpoints(segmenter, uploads)
    options = {
        "theme": theme(),
        "css": style_sheet(segmenter.classes),
        "head": f"<script>{source('store.js')}{source('frames.js')}</script>",
        "ssr_mode": False,
        "run_history": False,
        "footer_links": ["api"],
        "app_kwargs": {"middleware": [Middleware(UploadCounter, uploads=uploads)]},
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
    asked: list[Any] = [*shown, bar.case, bar.strength, bar.mode, bar.seed, tabs]
    blocks.load(visits.linked, link, asked, js="() => window.vqseg.linked()", **_PRIVATE).then(**follow)
    bar.case.input(visits.example, bar.case, shown, **_PRIVATE).then(**follow)
    uploaded = bar.upload.upload(
        visits.upload,
        bar.upload,
        [*shown, bar.upload, bar.case],
        show_progress="full",
        show_progress_on=bar.upload,
        **HEAVY,
        api_visibility="private",
    )
    uploaded.then(**follow)
    checked = bar.truth.upload(
        visits.truth,
        [bar.truth, viewer],
        [viewer, bar.truth],
        show_progress="full",
        show_progress_on=bar.truth,
        **HEAVY,
        api_visibility="private",
    )
    checked.then(**follow)
    # A file that was refused leaves the drop zone empty for the next one.
    for event, zone in ((uploaded, bar.upload), (checked, bar.truth)):
        event.failure(lambda: None, None, zone, queue=False, **_PRIVATE)
    bar.plane.input(visits.plane, [viewer, bar.plane], bar.index, queue=False, **_PRIVATE).then(**follow)
    for control in bar.view:
        if control is not bar.plane:
            control.change(**follow, trigger_mode="always_last")
    bar.reroll.click(None, None, bar.seed, js="() => [Math.floor(Math.random() * 2 ** 31)]")
    _wire_reset(bar, viewer, visits, follow)
    gr.Timer(_REFRESH_SECONDS).tick(visits.download, viewer, bar.download, **_PRIVATE)
    blocks.unload(visits.end)


def _wire_reset(bar: Sidebar, viewer: gr.HTML, visits: Visits, follow: dict[str, Any]) -> None:
    """One key back to the start: what was set by hand in Python's build is set again in the browser."""
    start = [0, "resample", 0, OPACITY, False, True, bar.visible.value, "network", "radiological"]
    outputs: list[Any] = [bar.strength, bar.mode, bar.seed, bar.opacity, bar.outline, bar.shown, bar.visible, bar.window, bar.convention]

    def reset(value: dict[str, Any] | None) -> list[Any]:
        return [*start, *visits.home(value)]

    bar.reset.click(reset, viewer, [*outputs, bar.plane, bar.index], queue=False, **_PRIVATE).then(**follow)
