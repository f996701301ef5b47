"""What happens when: Gradio's events of the sidebar, each bound to what visits.py does and to what the page shows then."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr

from app.page.endpoints import OPENS
from app.page.sidebar import Sidebar, slice_slider, structures, windows
from app.page.visits import Opened, Shown, Ticket, Visits
from app.scan.models import Models, Served
from app.scan.open_scan import OpenScan
from app.tabs.registry import TABS
from app.visit.openings import BusyError, CalledOffError
from app.visit.session import SessionError
from app.web import calling
from vqseg.checkpoint import CheckpointError
from vqseg.data.scan import ScanError

_PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
# Of the events that open a scan. A visitor may choose again before the former choice is there; that one is then called off.
_OPENING: dict[str, Any] = {**OPENS, **_PRIVATE, "trigger_mode": "multiple"}
# Before the prepared label files of Gradio's cache are deleted (see delete_cache) they are asked for again.
CACHE_SECONDS, _REFRESH_SECONDS = 600, 240

# By component, what becomes of it; those that are left out stay as they are.
Updates = dict[Any, Any]


class Wiring:
    """Binds the page's controls. The browser is told by the viewer's value, from which all views follow."""

    def __init__(self, bar: Sidebar, viewer: gr.HTML, tabs: gr.Tabs, visits: Visits) -> None:
        self._bar, self._viewer, self._tabs, self._visits = bar, viewer, tabs, visits
        update = calling("web/store.js", "update", ["scan", *bar.view])
        self._follow: dict[str, Any] = {"fn": None, "inputs": [viewer, *bar.view.values()], "js": update}

    def wire(self, blocks: gr.Blocks) -> None:
        """Bind everything, inside the present Blocks."""
        bar, viewer, visits = self._bar, self._viewer, self._visits
        for event in (self._link(blocks), self._case(), self._checkpoint(), self._other(), self._upload()):
            self._settle(event)
        self._truth()
        self._views()
        self._reset()

        def download(value: Shown) -> Any:
            # Once more, so that it is young in Gradio's cache.
            scan = visits.held(value)
            return gr.skip() if scan is None else str(scan.label_file())

        def end(request: gr.Request) -> None:
            visits.end(_owner(request))

        gr.Timer(_REFRESH_SECONDS).tick(download, viewer, bar.download, **_PRIVATE)
        blocks.unload(end)

    def _link(self, blocks: gr.Blocks) -> Any:
        bar, visits = self._bar, self._visits
        query, ticket = gr.JSON(visible=False), gr.Textbox(visible=False)

        def linked(query: dict[str, Any] | None, ticket: Ticket, request: gr.Request) -> Updates:
            with errors_as_messages():
                found = visits.linked(query or {}, tuple(tab.name for tab in TABS), ticket, _owner(request))
            if found is None:
                return {}
            if found.warning:
                gr.Warning(html.escape(found.warning))
            scan, link = found.opened.scan, found.link
            slider = slice_slider(scan, found.plane, found.index)
            forced = {"plane": found.plane, "index": slider["value"], "edits": [list(edit) for edit in found.edits]}
            return {
                **self._shown(found.opened),
                self._viewer: {**found.opened.value, "forced": forced},
                bar.plane: found.plane,
                bar.index: gr.update(**slider),
                bar.visible: gr.update(**structures(scan.model.classes)),
                bar.strength: link.strength,
                bar.mode: link.mode,
                bar.seed: link.seed,
                self._tabs: gr.Tabs(selected=link.tab or TABS[0].name),
            }

        outputs = [*self._outputs, bar.visible, bar.strength, bar.mode, bar.seed, self._tabs]
        return blocks.load(linked, [query, ticket], outputs, js=_event("linkAsked"), **OPENS, **_PRIVATE)

    def _case(self) -> Any:
        ticket = gr.Textbox(visible=False)

        def example(title: str | None, checkpoint: str, ticket: Ticket, request: gr.Request) -> Updates:
            with errors_as_messages():
                opened = self._visits.example(title, checkpoint, ticket, _owner(request))
            return {} if opened is None else self._shown(opened)

        inputs = [self._bar.case, self._bar.checkpoint, ticket]
        return self._bar.case.input(example, inputs, self._outputs, js=_event("exampleChosen"), **_OPENING)

    def _checkpoint(self) -> Any:
        def checkpoint(name: str, value: Shown, ticket: Ticket, request: gr.Request) -> Updates:
            with errors_as_messages():
                return self._reopened(self._visits.checkpoint(name, value, ticket, _owner(request)))

        return self._reopening(self._bar.checkpoint.input, checkpoint, self._bar.checkpoint)

    def _other(self) -> Any:
        def other(name: str | None, value: Shown, ticket: Ticket, request: gr.Request) -> Updates:
            typed = (name or "").strip()
            if not typed:
                return {}
            with errors_as_messages():
                return self._reopened(self._visits.other(typed, value, ticket, _owner(request)))

        return self._reopening(self._bar.other.submit, other, self._bar.other)

    def _reopening(self, event: Any, handler: Callable[..., Updates], control: Any) -> Any:
        bar, ticket = self._bar, gr.Textbox(visible=False)
        outputs = [self._viewer, bar.download, bar.truth, bar.case, bar.checkpoint, bar.visible]
        return event(handler, [control, self._viewer, ticket], outputs, js=_event("checkpointChosen"), **_OPENING)

    def _upload(self) -> Any:
        bar, ticket = self._bar, gr.Textbox(visible=False)

        def upload(path: str | None, checkpoint: str, ticket: Ticket, request: gr.Request) -> Updates:
            with errors_as_messages():
                opened = self._visits.upload(path, checkpoint, ticket, _owner(request))
            # An emptied drop zone takes the next file.
            return {**self._shown(opened), bar.upload: None}

        inputs = [bar.upload, bar.checkpoint, ticket]
        sent = bar.upload.upload(upload, inputs, [*self._outputs, bar.upload], js=_event("fileSent"), **_OPENING)
        sent.failure(lambda: None, None, bar.upload, queue=False, **_PRIVATE)
        return sent

    def _settle(self, event: Any) -> None:
        """What follows when something was opened, or was not."""
        bar = self._bar

        def restored(value: Shown, request: gr.Request) -> Updates:
            scan = self._visits.restored(value, _owner(request))
            return {} if scan is None else {bar.case: scan.example, bar.checkpoint: picked(self._visits.models, scan.model)}

        # Not then(): it does not come after an event that the queue refused.
        event.success(None, js=_event("openingDone"))
        event.success(**self._follow)
        # Multiple: of two that end at once only the second one finds nothing on its way any more.
        event.failure(
            restored,
            [self._viewer],
            [bar.case, bar.checkpoint],
            js=_event("openingFailed"),
            queue=False,
            trigger_mode="multiple",
            **_PRIVATE,
        )

    def _truth(self) -> None:
        bar = self._bar

        def truth(path: str | None, value: Shown) -> Updates:
            with errors_as_messages():
                name = self._visits.truth(path, value)
            return {self._viewer: {**(value or {}), "truth": name}, bar.truth: None}

        shown: dict[str, Any] = {"show_progress": "full", "show_progress_on": bar.truth, "api_visibility": "private"}
        checked = bar.truth.upload(truth, [bar.truth, self._viewer], [self._viewer, bar.truth], **shown, **OPENS)
        checked.then(**self._follow)
        checked.failure(lambda: None, None, bar.truth, queue=False, **_PRIVATE)

    def _views(self) -> None:
        bar = self._bar

        def plane(value: Shown, name: str) -> Updates:
            scan = self._visits.held(value)
            return {} if scan is None else {bar.index: gr.update(**slice_slider(scan, name))}

        bar.plane.input(plane, [self._viewer, bar.plane], [bar.index], queue=False, **_PRIVATE).then(**self._follow)
        for control in bar.view.values():
            if control is not bar.plane:
                control.change(**self._follow, trigger_mode="always_last")
        bar.reroll.click(None, None, bar.seed, js=_event("anySeed"))

    def _reset(self) -> None:
        """One key back to the start: what was set by hand in Python's build is set again in the browser."""
        bar = self._bar

        def reset(value: Shown) -> Updates:
            scan = self._visits.held(value)
            return {**bar.start, **({} if scan is None else self._view_of(scan))}

        outputs = [*bar.start, bar.plane, bar.index, bar.visible]
        bar.reset.click(reset, [self._viewer], outputs, js=_event("resetAsked"), queue=False, **_PRIVATE).then(**self._follow)

    @property
    def _outputs(self) -> list[Any]:
        bar = self._bar
        return [self._viewer, bar.plane, bar.index, bar.download, bar.truth, bar.window, bar.case, bar.checkpoint]

    def _shown(self, opened: Opened) -> Updates:
        """The page with a scan on show, at its own plane and middle slice."""
        bar, scan = self._bar, opened.scan
        return {
            self._viewer: opened.value,
            bar.plane: scan.plane,
            bar.index: gr.update(**slice_slider(scan, scan.plane)),
            bar.download: gr.update(value=str(scan.label_file()), interactive=True),
            # An example is lent to everyone and has its truth: only one's own scan takes another.
            bar.truth: gr.update(value=None, visible=scan.example is None),
            bar.window: gr.update(**windows(scan)),
            bar.case: scan.example,
            bar.checkpoint: picked(self._visits.models, scan.model),
        }

    def _reopened(self, opened: Opened) -> Updates:
        """The page with the same scan under another checkpoint: plane, slice and window stay."""
        bar, shown = self._bar, self._shown(opened)
        kept = (self._viewer, bar.download, bar.truth, bar.case, bar.checkpoint)
        return {**{component: shown[component] for component in kept}, bar.visible: gr.update(**structures(opened.scan.model.classes))}

    def _view_of(self, scan: OpenScan) -> Updates:
        """Plane, slice and structures as they were when the scan was opened."""
        bar = self._bar
        slider, legend = slice_slider(scan, scan.plane), structures(scan.model.classes)
        return {bar.plane: scan.plane, bar.index: gr.update(**slider), bar.visible: gr.update(**legend)}


def picked(models: Models, model: Served) -> dict[str, Any]:
    """Properties of the picker with a checkpoint chosen, one that this visit opened by hand among the others."""
    names = models.names()
    if model.name not in [name for _, name in names]:
        names.append((model.title, model.name))
    return gr.update(choices=names, value=model.name)


@contextmanager
def errors_as_messages() -> Iterator[None]:
    """Show what went wrong as a message of the page."""
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


def _event(function: str) -> str:
    """What page/events.js does at an event."""
    return calling("page/events.js", function)
