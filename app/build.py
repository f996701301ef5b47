"""The page: layout, then wiring. What the controls say goes to window.vqseg in the browser; Python is asked for pictures only."""

from __future__ import annotations

import html
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from starlette.middleware import Middleware

from app.components import source
from app.endpoints import add_endpoints
from app.examples import open_examples
from app.session import OpenScan, SessionError, SessionStore
from app.sidebar import OPACITY, Sidebar, build_sidebar, slice_slider
from app.tabs.codebook import build_codebook
from app.tabs.see import build_see, describe
from app.theme import style_sheet, theme
from app.uploads import UploadCounter, Uploads
from vqseg.data.scan import ScanError

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


def build(segmenter: Segmenter, statistics: CodebookStatistics | None, examples: Sequence[Path], store: SessionStore | None = None) -> App:
    """The whole app on one checkpoint. statistics: None if the checkpoint has none. examples: files of the bundled cases."""
    # Not "store or ...": an empty store has length 0.
    store, uploads = SessionStore() if store is None else store, Uploads()
    cases = open_examples(segmenter, examples)
    first = next(iter(cases.values()), None)
    visits = Visits(segmenter, store, uploads, cases)
    with gr.Blocks(title="VQ-Seg", fill_width=True, delete_cache=(_CACHE_SECONDS, _CACHE_SECONDS)) as blocks:
        sidebar = build_sidebar(list(cases), segmenter.classes, first)
        gr.HTML("<h1>VQ-Seg</h1><p>Replace a scan's tokens and watch both decoders answer.</p>", elem_id="title", apply_default_css=False)
        with gr.Tab("See", id="see"):
            viewer = build_see(store)
        with gr.Tab("Codebook", id="codebook"):
            build_codebook(blocks, store, statistics, segmenter.classes)
        gr.HTML(f"<p>{DISCLAIMER}</p>", elem_id="disclaimer", apply_default_css=False)
        _wire(blocks, sidebar, viewer, visits)
        add_endpoints(segmenter, uploads)
    options = {
        "theme": theme(),
        "css": style_sheet(segmenter.classes),
        "head": f"<script>{source('store.js')}</script>",
        "ssr_mode": False,
        "run_history": False,
        "footer_links": ["api"],
        "app_kwargs": {"middleware": [Middleware(UploadCounter, uploads=uploads)]},
    }
    return App(blocks, options)


class Visits:
    """Opening scans on behalf of a visit. Holds the app's parts, never a visitor's data: that is in the store."""

    def __init__(self, segmenter: Segmenter, store: SessionStore, uploads: Uploads, cases: dict[str, OpenScan]) -> None:
        self._segmenter, self._store, self._uploads, self._cases = segmenter, store, uploads, cases

    def example(self, title: str | None, request: gr.Request) -> list[Any]:
        """Outputs for the viewer, plane, slice and download after choosing a bundled case."""
        scan = self._cases.get(title or "")
        if scan is None:
            return [gr.skip()] * 4
        return self._outputs(scan, self._store.put(scan, _owner(request), shared=True), title or "")

    def upload(self, path: str | None, request: gr.Request, progress: gr.Progress = gr.Progress()) -> list[Any]:  # noqa: B008 - how Gradio injects it
        """The same, then the emptied drop zone and the case picker, after a file was sent. A file that cannot be opened changes nothing."""
        try:
            progress(0, desc="Reading the file")
            scan = self._uploads.read(path)
            opened = OpenScan(self._segmenter.open(scan, lambda share: progress(share, desc="Encoding the slices")))
            token = self._store.put(opened, _owner(request))
        except (ScanError, SessionError) as error:
            # Toasts are HTML, and a file's name is the visitor's.
            gr.Warning(html.escape(str(error.args[0])), title="This file was not opened", duration=12)
            return [gr.skip()] * 4 + [None, gr.skip()]
        return [*self._outputs(opened, token, scan.name), None, None]

    def plane(self, value: dict[str, Any] | None, plane: str) -> Any:
        """The slice slider for another plane of the scan on show."""
        try:
            return gr.update(**slice_slider(self._store.get((value or {}).get("token")), plane))
        except SessionError as error:
            gr.Warning(str(error.args[0]), title="The scan is gone")
            return gr.skip()

    def home(self, value: dict[str, Any] | None) -> list[Any]:
        """Plane and slice slider as they were when the scan on show was opened."""
        try:
            scan = self._store.get((value or {}).get("token"))
        except SessionError:
            return [gr.skip(), gr.skip()]
        return [scan.plane, gr.update(**slice_slider(scan, scan.plane))]

    def download(self, value: dict[str, Any] | None) -> Any:
        """The prepared label file once more, so that it is young in Gradio's cache."""
        try:
            return str(self._store.get((value or {}).get("token")).label_file())
        except SessionError:
            return gr.skip()

    def end(self, request: gr.Request) -> None:
        self._store.release(_owner(request))

    def _outputs(self, scan: OpenScan, token: str, title: str) -> list[Any]:
        return [
            describe(token, scan, title, self._segmenter.classes),
            scan.plane,
            gr.update(**slice_slider(scan, scan.plane)),
            gr.update(value=str(scan.label_file()), interactive=True),
        ]


def _owner(request: gr.Request) -> str:
    return str(request.session_hash)


def _wire(blocks: gr.Blocks, bar: Sidebar, viewer: gr.HTML, visits: Visits) -> None:
    shown: list[Any] = [viewer, bar.plane, bar.index, bar.download]
    follow: dict[str, Any] = {"fn": None, "inputs": [viewer, *bar.view], "js": "(...values) => window.vqseg.update(...values)"}

    blocks.load(visits.example, bar.case, shown, **_PRIVATE).then(**follow)
    bar.case.input(visits.example, bar.case, shown, **_PRIVATE).then(**follow)
    bar.upload.upload(
        visits.upload,
        bar.upload,
        [*shown, bar.upload, bar.case],
        show_progress="full",
        show_progress_on=bar.upload,
        api_visibility="private",
    ).then(**follow)
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
    start = [0, "resample", 0, OPACITY, False, True, bar.visible.value]
    outputs: list[Any] = [bar.strength, bar.mode, bar.seed, bar.opacity, bar.outline, bar.shown, bar.visible]

    def reset(value: dict[str, Any] | None) -> list[Any]:
        return [*start, *visits.home(value)]

    bar.reset.click(reset, viewer, [*outputs, bar.plane, bar.index], queue=False, **_PRIVATE).then(**follow)
