"""Opening scans on behalf of a visit: what Gradio's events call, and what they show then."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import gradio as gr

from app.examples import Examples
from app.links import Link
from app.session import OpenScan, SessionError, SessionStore
from app.sidebar import slice_slider
from app.tabs.see import describe
from app.truth import truth_labels
from app.uploads import Uploads
from vqseg.data.scan import ScanError

if TYPE_CHECKING:
    from vqseg.inference import Segmenter


class Visits:
    """Holds the app's parts, never a visitor's data: that is in the store."""

    def __init__(self, segmenter: Segmenter, store: SessionStore, uploads: Uploads, cases: Examples) -> None:
        self._segmenter, self._store, self._uploads, self._cases = segmenter, store, uploads, cases

    def example(self, title: str | None, request: gr.Request) -> list[Any]:
        """Outputs for the viewer, plane, slice, download and truth after choosing a bundled case."""
        scan = self._cases.open(title)
        if scan is None:
            return [gr.skip()] * 5
        return self._outputs(scan, self._store.put(scan, _owner(request), shared=True), title or "")

    def linked(self, link: dict[str, Any] | None, request: gr.Request) -> list[Any]:
        """The same, then the case picker, epsilon, mode, seed and tab, as the page's address asks for; what it says wrongly is left out."""
        asked = Link.read(link or {}, self._cases.titles)
        outputs = self.example(asked.case, request)
        scan = self._cases.open(asked.case)
        if scan is None:
            return [*outputs, *[gr.skip()] * 5]
        plane = asked.plane or scan.plane
        outputs[1], outputs[2] = plane, gr.update(**slice_slider(scan, plane, asked.index))
        return [*outputs, asked.case, asked.strength, asked.mode, asked.seed, gr.Tabs(selected=asked.tab)]

    # Gradio fills in a parameter whose default is a Progress.
    def upload(self, path: str | None, request: gr.Request, progress: gr.Progress = gr.Progress()) -> list[Any]:  # noqa: B008
        """The same, then the emptied drop zone and the case picker, after a file was sent. A bad file changes nothing."""
        try:
            progress(0, desc="Reading the file")
            scan = self._uploads.read(path)
            opened = OpenScan(self._segmenter.open(scan, lambda share: progress(share, desc="Encoding the slices")))
            token = self._store.put(opened, _owner(request))
        except (ScanError, SessionError) as error:
            # Toasts are HTML, and a file's name is the visitor's.
            message = html.escape(str(error.args[0]))
            raise gr.Error(message, duration=12, print_exception=False) from error
        return [*self._outputs(opened, token, scan.name, own=True), None, None]

    def truth(self, path: str | None, value: dict[str, Any] | None) -> list[Any]:
        """The view and the emptied drop zone after a label file was sent for the scan on show. A bad file changes nothing."""
        try:
            scan = self._store.get((value or {}).get("token"))
            given = self._uploads.read(path)
            # Lent to every visitor: what one of them sent must not become the others' truth.
            if self._cases.lends(scan):
                raise ScanError("a bundled example has its own truth; labels can be sent beside an own scan")
            scan.truth = truth_labels(given, scan.segmented.scan, self._segmenter.classes)
        except (ScanError, SessionError) as error:
            raise gr.Error(html.escape(str(error.args[0])), duration=12, print_exception=False) from error
        return [{**(value or {}), "truth": given.name}, None]

    def plane(self, value: dict[str, Any] | None, plane: str) -> Any:
        """The slice slider for another plane of the scan on show."""
        try:
            return gr.update(**slice_slider(self._store.get((value or {}).get("token")), plane))
        except SessionError:
            # The view says so at its next request.
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

    def _outputs(self, scan: OpenScan, token: str, title: str, *, own: bool = False) -> list[Any]:
        return [
            describe(token, scan, title, self._segmenter.classes, own=own),
            scan.plane,
            gr.update(**slice_slider(scan, scan.plane)),
            gr.update(value=str(scan.label_file()), interactive=True),
            # An example is lent to everyone and has its truth: only one's own scan takes another.
            gr.update(value=None, visible=own),
        ]


def _owner(request: gr.Request) -> str:
    return str(request.session_hash)
