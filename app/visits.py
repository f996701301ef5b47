"""Opening scans on behalf of a visit: what Gradio's events call, and what they show then."""

from __future__ import annotations

import html
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr

from app.examples import Examples
from app.frames import FrameRequest, RequestError
from app.links import Link
from app.models import Models, Served
from app.session import OpenScan, SessionError, SessionStore
from app.sidebar import slice_slider, structures
from app.tabs.see import describe
from app.truth import truth_labels
from app.uploads import Uploads
from vqseg.checkpoint import CheckpointError
from vqseg.data.scan import ScanError

# What the page knows of the scan on show: the viewer's value.
Shown = dict[str, Any] | None


class Visits:
    """Holds the app's parts, never a visitor's data: that is in the store."""

    def __init__(self, models: Models, store: SessionStore, uploads: Uploads, cases: Examples) -> None:
        self._models, self._store, self._uploads, self._cases = models, store, uploads, cases

    def example(self, title: str | None, checkpoint: str, request: gr.Request) -> list[Any]:
        """Outputs for the viewer, plane, slice, download and truth after choosing a bundled case."""
        with _errors_as_messages():
            scan = self._cases.open(title, self._models.get(checkpoint))
        return self._shared(scan, request) if scan else [gr.skip()] * 5

    def linked(self, link: Shown, request: gr.Request) -> list[Any]:
        """The same, then case, checkpoint, structures, epsilon, mode, seed and tab as the page's address asks for.

        What it says wrongly is left out; a checkpoint that is not to be had here is named in a message.
        """
        asked = Link.read(link or {}, self._cases.titles)
        model = self._linked_model(asked.checkpoint)
        scan = self._cases.open(asked.case, model)
        if scan is None:
            return [gr.skip()] * 12
        outputs, plane = self._shared(scan, request), asked.plane or scan.plane
        slider = slice_slider(scan, plane, asked.index)
        outputs[0]["forced"] = {"plane": plane, "index": slider["value"], "edits": _edits_of(scan, asked, plane, slider["value"])}
        outputs[1], outputs[2] = plane, gr.update(**slider)
        chosen = [asked.case, self._picked(model), gr.update(**structures(model.classes))]
        return [*outputs, *chosen, asked.strength, asked.mode, asked.seed, gr.Tabs(selected=asked.tab)]

    def upload(
        self,
        path: str | None,
        checkpoint: str,
        request: gr.Request,
        # Gradio fills in a parameter whose default is a Progress.
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> list[Any]:
        """As for an example, then the emptied drop zone and case picker, after a file was sent. A bad file changes nothing."""
        with _errors_as_messages():
            progress(0, desc="Reading the file")
            scan, model = self._uploads.read(path), self._models.get(checkpoint)
            opened = OpenScan(model.segmenter.open(scan, lambda share: progress(share, desc="Encoding the slices")), model)
            token = self._store.put(opened, _owner(request))
        return [*self._outputs(opened, token, scan.name), None, None]

    def checkpoint(self, name: str, value: Shown, request: gr.Request) -> list[Any]:
        """Viewer, download, truth, checkpoint picker and structures after the scan on show was encoded by another checkpoint."""
        with _errors_as_messages():
            return self._reopened(self._models.get(name), value, request)

    def other(self, name: str | None, value: Shown, request: gr.Request) -> list[Any]:
        """The same for a folder or a Hub id that was typed, which is then chosen in the picker."""
        if not (name or "").strip():
            return [gr.skip()] * 5
        with _errors_as_messages():
            # Anew: a training run may have written it again.
            return self._reopened(self._models.get((name or "").strip(), anew=True), value, request)

    def restored(self, value: Shown) -> list[Any]:
        """The pickers of case and checkpoint as the scan on show has them, after something else could not be opened."""
        try:
            scan = self._held(value)
        except SessionError:
            return [gr.skip(), gr.skip()]
        return [scan.example, scan.model.name]

    def truth(self, path: str | None, value: Shown) -> list[Any]:
        """The view and the emptied drop zone after a label file was sent for the scan on show. A bad file changes nothing."""
        with _errors_as_messages():
            scan = self._held(value)
            given = self._uploads.read(path)
            # Lent to every visitor: what one of them sent must not become the others' truth.
            if scan.example is not None:
                raise ScanError("a bundled example has its own truth; labels can be sent beside an own scan")
            scan.truth = truth_labels(given, scan.segmented.scan, scan.model.classes)
        return [{**(value or {}), "truth": given.name}, None]

    def plane(self, value: Shown, plane: str) -> Any:
        """The slice slider for another plane of the scan on show."""
        try:
            return gr.update(**slice_slider(self._held(value), plane))
        except SessionError:
            # The view says so at its next request.
            return gr.skip()

    def home(self, value: Shown) -> list[Any]:
        """Plane, slice slider and structures as they were when the scan on show was opened."""
        try:
            scan = self._held(value)
        except SessionError:
            return [gr.skip()] * 3
        return [scan.plane, gr.update(**slice_slider(scan, scan.plane)), gr.update(**structures(scan.model.classes))]

    def download(self, value: Shown) -> Any:
        """The prepared label file once more, so that it is young in Gradio's cache."""
        try:
            return str(self._held(value).label_file())
        except SessionError:
            return gr.skip()

    def end(self, request: gr.Request) -> None:
        self._store.release(_owner(request))

    def _held(self, value: Shown) -> OpenScan:
        return self._store.get((value or {}).get("token"))

    def _reopened(self, model: Served, value: Shown, request: gr.Request) -> list[Any]:
        scan = self._held(value)
        opened = self._cases.open(scan.example, model) or OpenScan(model.segmenter.open(scan.segmented.scan), model)
        # Labels keep their meaning only where the classes do.
        if scan.example is None and scan.model.classes == model.classes:
            opened.truth = scan.truth
        token = self._store.put(opened, _owner(request), shared=opened.example is not None)
        viewer, _, _, download, truth = self._outputs(opened, token, (value or {})["name"])
        return [viewer, download, truth, self._picked(model), gr.update(**structures(model.classes))]

    def _linked_model(self, name: str | None) -> Served:
        if name is not None and self._models.linkable(name):
            try:
                return self._models.get(name)
            except CheckpointError as error:
                gr.Warning(html.escape(str(error)))
        elif name is not None:
            gr.Warning(html.escape(f"The link asks for the checkpoint {name}, which is not to be had here; shown is the default one."))
        return self._models.default

    def _picked(self, model: Served) -> dict[str, Any]:
        """Properties of the picker with a checkpoint chosen, one that this visit opened by hand among the others."""
        names = self._models.names()
        if model.name not in [name for _, name in names]:
            names.append((model.title, model.name))
        return gr.update(choices=names, value=model.name)

    def _shared(self, scan: OpenScan, request: gr.Request) -> list[Any]:
        return self._outputs(scan, self._store.put(scan, _owner(request), shared=True), scan.example or "")

    def _outputs(self, scan: OpenScan, token: str, title: str) -> list[Any]:
        return [
            describe(token, scan, title),
            scan.plane,
            gr.update(**slice_slider(scan, scan.plane)),
            gr.update(value=str(scan.label_file()), interactive=True),
            # An example is lent to everyone and has its truth: only one's own scan takes another.
            gr.update(value=None, visible=scan.example is None),
        ]


def _edits_of(scan: OpenScan, link: Link, plane: str, index: int) -> list[list[int]]:
    """The forced tokens that a link asks for, none of them if one is not to be had in this slice."""
    values = {"plane": plane, "index": index, "strength": link.strength, "mode": link.mode, "seed": link.seed, "edits": link.edits}
    try:
        return [list(edit) for edit in FrameRequest.checked(values, scan).edits]
    except RequestError:
        return []


@contextmanager
def _errors_as_messages() -> Iterator[None]:
    try:
        yield
    except (ScanError, SessionError, CheckpointError) as error:
        # Toasts are HTML, and a file's name is the visitor's.
        raise gr.Error(html.escape(str(error.args[0])), duration=12, print_exception=False) from error


def _owner(request: gr.Request) -> str:
    return str(request.session_hash)
