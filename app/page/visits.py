"""Opening scans on behalf of a visit: what Gradio's events call, and what they show then."""

from __future__ import annotations

import html
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr

from app.page.sidebar import slice_slider, structures, windows
from app.scan.frames import FrameRequest, RequestError
from app.scan.models import Models, Served
from app.scan.truth import truth_labels
from app.tabs.see.tab import describe
from app.visit.examples import Examples
from app.visit.links import Link
from app.visit.openings import BusyError, CalledOffError, Opening, Openings
from app.visit.session import OpenScan, SessionError, SessionStore
from app.visit.uploads import Uploads
from vqseg.checkpoint import CheckpointError
from vqseg.data.scan import ScanError
from vqseg.types import Scan

# What the page knows of the scan on show: the viewer's value; and by what it asks how far the next one is.
Shown = dict[str, Any] | None
Ticket = str | None


class Visits:
    """Holds the app's parts, never a visitor's data: that is in the store."""

    def __init__(self, models: Models, store: SessionStore, uploads: Uploads, cases: Examples, openings: Openings) -> None:
        self._models, self._store, self._uploads, self._cases, self._openings = models, store, uploads, cases, openings

    def example(self, title: str | None, checkpoint: str, ticket: Ticket, request: gr.Request) -> list[Any]:
        """Viewer, plane, slice, download, truth and windows, then the pickers of case and checkpoint, after a bundled case was chosen."""
        with self._opening(ticket, request) as opening:
            scan = self._case(title, self._model(checkpoint, opening), opening)
            if scan is None:
                return [gr.skip()] * 8
            return [*self._shared(scan, request), scan.example, self._picked(scan.model)]

    def linked(self, link: Shown, ticket: Ticket, request: gr.Request) -> list[Any]:
        """The same, then structures, epsilon, mode, seed and tab as the page's address asks for.

        What it says wrongly is left out; a checkpoint that is not to be had here is named in a message.
        """
        asked = Link.read(link or {}, self._cases.titles)
        with self._opening(ticket, request) as opening:
            model = self._linked_model(asked.checkpoint, opening)
            scan = self._case(asked.case, model, opening)
            if scan is None:
                return [gr.skip()] * 13
            outputs, plane = self._shared(scan, request), asked.plane or scan.plane
        slider = slice_slider(scan, plane, asked.index)
        outputs[0]["forced"] = {"plane": plane, "index": slider["value"], "edits": _edits_of(scan, asked, plane, slider["value"])}
        outputs[1], outputs[2] = plane, gr.update(**slider)
        chosen = [asked.case, self._picked(model), gr.update(**structures(model.classes))]
        return [*outputs, *chosen, asked.strength, asked.mode, asked.seed, gr.Tabs(selected=asked.tab)]

    def upload(self, path: str | None, checkpoint: str, ticket: Ticket, request: gr.Request) -> list[Any]:
        """As for an example, then the emptied drop zone, after a file was sent. A bad file changes nothing."""
        with self._opening(ticket, request) as opening:
            with self._uploads.read_in_turn(path, self._openings, opening, self._store.most_scan_bytes) as scan:
                opened = _encoded(scan, self._model(checkpoint, opening), opening)
            opening.tell()
            token = self._store.put(opened, _owner(request))
            return [*self._outputs(opened, token, scan.name), None, self._picked(opened.model), None]

    def checkpoint(self, name: str, value: Shown, ticket: Ticket, request: gr.Request) -> list[Any]:
        """Viewer, download, truth, pickers of case and checkpoint, structures: the scan on show, encoded by another checkpoint."""
        with self._opening(ticket, request) as opening:
            return self._reopened(self._model(name, opening), value, opening, request)

    def other(self, name: str | None, value: Shown, ticket: Ticket, request: gr.Request) -> list[Any]:
        """The same for a folder or a Hub id that was typed, which is then chosen in the picker."""
        if not (name or "").strip():
            return [gr.skip()] * 6
        with self._opening(ticket, request) as opening:
            # Anew: a training run may have written it again.
            return self._reopened(self._model((name or "").strip(), opening, anew=True), value, opening, request)

    def progress(self, ticket: Ticket) -> dict[str, Any]:
        """How far something is that is being opened; see `Openings.progress`."""
        return self._openings.progress(ticket)

    def cancel(self, ticket: Ticket) -> None:
        """Stop opening something. What was on show before stays."""
        self._openings.cancel(ticket)

    def restored(self, value: Shown, request: gr.Request) -> list[Any]:
        """The pickers of case and checkpoint as the scan on show has them, after something else was not opened."""
        if self._openings.busy(_owner(request)):
            return [gr.skip(), gr.skip()]
        try:
            scan = self._held(value)
        except SessionError:
            return [gr.skip(), gr.skip()]
        return [scan.example, self._picked(scan.model)]

    def truth(self, path: str | None, value: Shown) -> list[Any]:
        """The view and the emptied drop zone after a label file was sent for the scan on show. A bad file changes nothing."""
        with _errors_as_messages():
            scan = self._held(value)
            given = self._uploads.read(path, self._store.most_scan_bytes)
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
        self._openings.leave(_owner(request))
        self._store.release(_owner(request))

    def _held(self, value: Shown) -> OpenScan:
        return self._store.get((value or {}).get("token"))

    @contextmanager
    def _opening(self, ticket: Ticket, request: gr.Request) -> Iterator[Opening]:
        with _errors_as_messages(), self._openings.opening(ticket, _owner(request)) as opening:
            yield opening

    def _model(self, name: str, opening: Opening, *, anew: bool = False) -> Served:
        opening.tell(stage="loading")
        return self._models.get(name, anew=anew)

    def _case(self, title: str | None, model: Served, opening: Opening) -> OpenScan | None:
        kept = self._cases.kept(title, model)
        if kept is not None:
            return kept
        with self._openings.turn(opening):
            return self._cases.open(title, model, lambda share: opening.tell(share, "encoding"))

    def _reopened(self, model: Served, value: Shown, opening: Opening, request: gr.Request) -> list[Any]:
        scan = self._held(value)
        opened = self._case(scan.example, model, opening)
        if opened is None:
            with self._openings.turn(opening):
                opened = _encoded(scan.segmented.scan, model, opening)
            # Labels keep their meaning only where the classes do.
            opened.truth = scan.truth if scan.model.classes == model.classes else None
        opening.tell()
        token = self._store.put(opened, _owner(request), shared=opened.example is not None)
        viewer, _, _, download, truth, _ = self._outputs(opened, token, (value or {})["name"])
        return [viewer, download, truth, opened.example, self._picked(model), gr.update(**structures(model.classes))]

    def _linked_model(self, name: str | None, opening: Opening) -> Served:
        if name is not None and self._models.linkable(name):
            try:
                return self._model(name, opening)
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
            gr.update(**windows(scan)),
        ]


def _edits_of(scan: OpenScan, link: Link, plane: str, index: int) -> list[list[int]]:
    """The forced tokens that a link asks for, none of them if one is not to be had in this slice."""
    values = {"plane": plane, "index": index, "strength": link.strength, "mode": link.mode, "seed": link.seed, "edits": link.edits}
    try:
        return [list(edit) for edit in FrameRequest.checked(values, scan).edits]
    except RequestError:
        return []


def _encoded(scan: Scan, model: Served, opening: Opening) -> OpenScan:
    return OpenScan(model.segmenter.open(scan, lambda share: opening.tell(share, "encoding")), model)


@contextmanager
def _errors_as_messages() -> Iterator[None]:
    try:
        yield
    except CalledOffError as error:
        # An error all the same, so that nothing on the page changes; but the visitor knows.
        raise gr.Error("called off", visible=False, print_exception=False) from error
    except (ScanError, SessionError, CheckpointError, BusyError) as error:
        # Toasts are HTML, and a file's name is the visitor's.
        raise gr.Error(html.escape(str(error.args[0])), duration=12, print_exception=False) from error


def _owner(request: gr.Request) -> str:
    return str(request.session_hash)
