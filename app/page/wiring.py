"""Gradio's events: each control is bound to a method of visits.py, and its result to what the page then shows."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr

from app.page.endpoints import OPENS
from app.page.files import formats, saving, series
from app.page.opened import Linked, Opened
from app.page.sidebar import Sidebar, channels, slice_slider, structures, windows
from app.page.visits import Shown, Ticket, Visits
from app.scan.models import Models, Served
from app.scan.open_scan import OpenScan
from app.tabs.registry import TABS
from app.visit.limits import TooManyError
from app.visit.links import unread
from app.visit.openings import CalledOffError
from app.visit.places import BusyError
from app.visit.session import SessionError
from app.web import calling
from vqseg.checkpoint import CheckpointError
from vqseg.data.scan import ScanError

_PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
# Options of the events that open a scan. A visitor may choose again before the first choice is open; the first one is then cancelled.
_OPENING: dict[str, Any] = {**OPENS, **_PRIVATE, "trigger_mode": "multiple"}
# Of a control that is used again before its answer has come: Gradio would drop the second use, and the page would show the first one.
_AGAIN: dict[str, Any] = {**_PRIVATE, "queue": False, "trigger_mode": "always_last"}

# New values or properties by component. A component that is left out stays as it is.
Updates = dict[Any, Any]


class Wiring:
    """Binds the page's events. Each method binds those of one control.

    A handler returns Updates. The viewer's value tells the browser which scan is on show. After an event, `_follow` hands this value
    and the controls to the browser's store, from which all views are drawn.
    """

    def __init__(self, bar: Sidebar, viewer: gr.HTML, tabs: gr.Tabs, visits: Visits, compared: gr.HTML) -> None:
        """Take the components; `wire` binds them.

        Args:
            bar: The controls.
            viewer: The component whose value describes the scan on show.
            tabs: The tabs, of which a link may choose one.
            visits: Opens scans.
            compared: The component that shows a second scan beside the one on show.
        """
        self._bar, self._viewer, self._tabs, self._visits, self._compared = bar, viewer, tabs, visits, compared
        update = calling("web/store.js", "update", ["scan", *bar.view])
        self._follow: dict[str, Any] = {"fn": None, "inputs": [viewer, *bar.view.values()], "js": update}

    def wire(self, blocks: gr.Blocks) -> None:
        """Bind all events, inside the present Blocks."""
        bar, viewer, visits = self._bar, self._viewer, self._visits
        opening = (*self._link(blocks), self._case(), *self._checkpoint(), self._other(), self._upload(), self._series(), self._phase())
        for event in opening:
            self._settle(event)
        self._beside()
        self._truth()
        self._views()
        self._reset()

        def download(value: Shown, ending: str | None) -> Any:
            scan = visits.held(value)
            return gr.skip() if scan is None else gr.update(**saving(scan, ending))

        bar.saved_as.input(download, [viewer, bar.saved_as], bar.download, **_AGAIN)
        # Only for this event does Gradio's page hold a connection open, by which page/last_resort.py knows the end of a visit.
        blocks.unload(lambda: None)

    def _link(self, blocks: gr.Blocks) -> tuple[Any, Any]:
        """Bind the page's address, and the view that a teacher leads the page to, which is opened in the same way."""
        bar, visits = self._bar, self._visits
        query, ticket = gr.JSON(visible=False), gr.Textbox(visible=False)

        def linked(query: dict[str, Any] | None, ticket: Ticket, request: gr.Request) -> Updates:
            with errors_as_messages():
                found = visits.linked(query or {}, tuple(tab.name for tab in TABS), ticket, _owner(request))
            if found is None:
                return gr.skip()
            _tell_unread(found, query or {})
            scan, link, value = found.opened.scan, found.link, found.opened.value
            slider = slice_slider(scan, found.plane, found.index)
            forced = {"plane": found.plane, "index": slider["value"], "edits": [list(edit) for edit in found.edits]}
            frames = {} if scan.cine is None else {"cine": {**value["cine"], "asked": min(link.frame, scan.cine.frames - 1)}}
            return {
                **self._shown(found.opened),
                self._viewer: {**value, **frames, "forced": forced, "reach": {**value["reach"], "asked": found.reach}},
                bar.plane: found.plane,
                bar.index: gr.update(**slider),
                bar.channel: gr.update(**{**channels(scan), "value": found.channel or None}),
                bar.visible: gr.update(**structures(scan.model.classes)),
                bar.strength: found.strength,
                bar.mode: link.mode,
                bar.seed: link.seed,
                self._tabs: gr.Tabs(selected=link.tab or TABS[0].name),
            }

        outputs = [*self._outputs, bar.visible, bar.strength, bar.mode, bar.seed, self._tabs]
        led = gr.Button("Follow", elem_id="led", visible="hidden")
        loaded = blocks.load(linked, [query, ticket], outputs, js=_event("linkAsked"), **OPENS, **_PRIVATE)
        return loaded, led.click(linked, [query, ticket], outputs, js=_event("viewLed"), **_OPENING)

    def _case(self) -> Any:
        ticket = gr.Textbox(visible=False)

        def example(title: str | None, checkpoint: str, ticket: Ticket, request: gr.Request) -> Updates:
            with errors_as_messages():
                opened = self._visits.example(title, checkpoint, ticket, _owner(request))
            if opened is None:
                return gr.skip()
            legend = {self._bar.visible: gr.update(**structures(opened.scan.model.classes))} if opened.brought else {}
            return {**self._shown(opened), **legend}

        inputs, outputs = [self._bar.case, self._bar.checkpoint, ticket], [*self._outputs, self._bar.visible]
        return self._bar.case.input(example, inputs, outputs, js=_event("exampleChosen"), **_OPENING)

    def _checkpoint(self) -> tuple[Any, Any]:
        """Bind the list of checkpoints, and what opens a scan with a checkpoint that a view offers."""

        def checkpoint(name: str, value: Shown, ticket: Ticket, request: gr.Request) -> Updates:
            with errors_as_messages():
                return self._reopened(self._visits.checkpoint(name, value, ticket, _owner(request)))

        control = self._bar.checkpoint
        # Not by the list: what was fine-tuned is not among its choices, and Gradio refuses any other value of a list.
        suggested = self._reopening(self._viewer.submit, checkpoint, gr.Textbox(visible=False), "suggestionTaken")
        return self._reopening(control.input, checkpoint, control), suggested

    def _other(self) -> Any:
        def other(name: str | None, value: Shown, ticket: Ticket, request: gr.Request) -> Updates:
            typed = (name or "").strip()
            if not typed:
                return gr.skip()
            with errors_as_messages():
                return self._reopened(self._visits.other(typed, value, ticket, _owner(request)))

        return self._reopening(self._bar.other.submit, other, self._bar.other)

    def _reopening(self, event: Any, handler: Callable[..., Updates], control: Any, told: str = "checkpointChosen") -> Any:
        bar, ticket = self._bar, gr.Textbox(visible=False)
        outputs = [*self._again_outputs, bar.visible]
        return event(handler, [control, self._viewer, ticket], outputs, js=_event(told), **_OPENING)

    def _upload(self) -> Any:
        bar, ticket = self._bar, gr.Textbox(visible=False)

        def upload(paths: list[str] | None, checkpoint: str, ticket: Ticket, request: gr.Request) -> Updates:
            with errors_as_messages():
                opened = self._visits.upload(paths, checkpoint, ticket, _owner(request))
            # The drop zone must be empty to take the next file. A scan of one's own opens with the network's own answer.
            return {**self._shown(opened), bar.upload: None, bar.strength: 0}

        inputs = [bar.upload, bar.checkpoint, ticket]
        sent = bar.upload.upload(upload, inputs, [*self._outputs, bar.upload, bar.strength], js=_event("fileSent"), **_OPENING)
        sent.failure(lambda: None, None, bar.upload, queue=False, **_PRIVATE)
        return sent

    def _series(self) -> Any:
        bar, ticket = self._bar, gr.Textbox(visible=False)

        def chosen(number: int, checkpoint: str, ticket: Ticket, request: gr.Request) -> Updates:
            with errors_as_messages():
                return self._shown(self._visits.series(number, checkpoint, ticket, _owner(request)))

        return bar.series.input(chosen, [bar.series, bar.checkpoint, ticket], self._outputs, js=_event("seriesChosen"), **_OPENING)

    def _phase(self) -> Any:
        """Bind the file with the other phase of the scan on show. Plane and slice stay."""
        bar, ticket = self._bar, gr.Textbox(visible=False)

        def phase(path: str | None, value: Shown, ticket: Ticket, request: gr.Request) -> Updates:
            with errors_as_messages():
                return {
                    **self._again(self._visits.pair(path, value, ticket, _owner(request))),
                    bar.phase: gr.update(value=None, visible=False),
                }

        inputs, outputs = [bar.phase, self._viewer, ticket], self._again_outputs
        sent = bar.phase.upload(phase, inputs, outputs, js=_event("phaseSent"), **_OPENING)
        sent.failure(lambda: None, None, bar.phase, queue=False, **_PRIVATE)
        return sent

    def _beside(self) -> None:
        """Bind the choice of a second scan. The one on show stays, whatever comes of it."""
        choice, ticket, arrived = gr.JSON(visible=False), gr.Textbox(visible=False), gr.JSON(visible=False)
        self._compared.value = self._visits.besides()

        def beside(choice: dict[str, Any] | None, value: Shown, ticket: Ticket, request: gr.Request) -> dict[str, Any] | None:
            with errors_as_messages():
                opened = self._visits.beside(choice or {}, value, ticket, _owner(request))
            return None if opened is None else opened.value

        inputs = [choice, self._viewer, ticket]
        event = self._compared.submit(beside, inputs, [arrived], js=_event("besideChosen"), **_OPENING)
        event.success(None, [arrived], js=_event("besideOpened"))
        event.failure(None, None, js=_event("besideFailed"))

    def _settle(self, event: Any) -> None:
        """Bind what follows after a scan was opened, or after that has failed."""
        bar = self._bar

        def restored(value: Shown, request: gr.Request) -> Updates:
            scan = self._visits.restored(value, _owner(request))
            if scan is None:
                return gr.skip()
            return {
                bar.case: scan.example,
                bar.checkpoint: picked(self._visits.models, scan.model),
                bar.series: (value or {}).get("series"),
            }

        # then() is not called after an event that the queue has refused; success() and failure() cover all cases.
        event.success(None, js=_event("openingDone"))
        event.success(**self._follow)
        # "multiple": if two openings fail at once, only the second call finds that the visit is opening nothing more.
        event.failure(
            restored,
            [self._viewer],
            [bar.case, bar.checkpoint, bar.series],
            js=_event("openingFailed"),
            queue=False,
            trigger_mode="multiple",
            **_PRIVATE,
        )

    def _truth(self) -> None:
        bar = self._bar

        def truth(paths: list[str] | None, value: Shown) -> Updates:
            with errors_as_messages():
                name = self._visits.truth(paths, value)
            shown = {field: told for field, told in (value or {}).items() if field != "frame"}
            return {self._viewer: {**shown, "truth": name}, bar.truth: None}

        shown: dict[str, Any] = {"show_progress": "full", "show_progress_on": bar.truth, "api_visibility": "private"}
        checked = bar.truth.upload(truth, [bar.truth, self._viewer], [self._viewer, bar.truth], js=_event("truthSent"), **shown, **OPENS)
        checked.then(**self._follow)
        checked.failure(lambda: None, None, bar.truth, queue=False, **_PRIVATE)

    def _views(self) -> None:
        bar = self._bar

        def plane(value: Shown, name: str) -> Updates:
            scan = self._visits.held(value)
            return gr.skip() if scan is None else {bar.index: gr.update(**slice_slider(scan, name))}

        bar.plane.input(plane, [self._viewer, bar.plane], [bar.index], **_AGAIN).then(**self._follow)
        for control in bar.view.values():
            if control is not bar.plane:
                control.change(**self._follow, trigger_mode="always_last")
        bar.reroll.click(None, None, bar.seed, js=_event("anySeed"))

    def _reset(self) -> None:
        """Bind the button that restores the view: the controls' first values, and the scan's own plane, slice, strength and structures.

        And the one that undoes this: the controls' values before it, which the browser has kept.
        """
        bar = self._bar

        def reset(value: Shown) -> Updates:
            scan = self._visits.held(value)
            return {**bar.start, **({} if scan is None else self._view_of(scan))}

        def undone(value: Shown, kept: dict[str, Any] | None) -> Updates:
            scan = self._visits.held(value)
            if scan is None or not kept or kept.get("plane") not in scan.views:
                return gr.skip()
            back = {control: kept[name] for name, control in bar.view.items() if name in kept}
            return {**back, bar.index: gr.update(**slice_slider(scan, kept["plane"], kept.get("index")))}

        outputs = [*bar.start, bar.plane, bar.index, bar.channel, bar.visible]
        bar.reset.click(reset, [self._viewer], outputs, js=_event("resetAsked"), **_AGAIN).then(**self._follow)
        asked, back = [self._viewer, gr.JSON(visible=False)], list(bar.view.values())
        bar.undo.click(undone, asked, back, js=_event("undoAsked"), **_AGAIN).then(**self._follow)

    @property
    def _outputs(self) -> list[Any]:
        """The components that `_shown` updates."""
        bar = self._bar
        files = [bar.download, bar.saved_as, bar.truth, bar.phase, bar.series]
        return [self._viewer, bar.plane, bar.index, bar.channel, *files, bar.window, bar.case, bar.checkpoint]

    @property
    def _again_outputs(self) -> list[Any]:
        """The components that `_again` updates."""
        bar = self._bar
        return [self._viewer, bar.download, bar.saved_as, bar.truth, bar.phase, bar.case, bar.checkpoint]

    def _shown(self, opened: Opened) -> Updates:
        """The page with this scan on show, in its acquired plane at the slice that is shown first."""
        bar, scan = self._bar, opened.scan
        return {
            self._viewer: opened.value,
            bar.plane: scan.plane,
            bar.index: gr.update(**slice_slider(scan, scan.plane)),
            bar.channel: gr.update(**channels(scan)),
            # The strip of a cine saves the labels of the frame on show, and of all frames.
            bar.download: gr.update(**saving(scan), visible=scan.cine is None),
            bar.saved_as: gr.update(**{**formats(scan), "visible": scan.cine is None}),
            bar.series: gr.update(**series(opened.choice)),
            # A bundled example has its own ground truth, which all visitors share.
            bar.truth: gr.update(value=None, visible=scan.example is None),
            bar.phase: gr.update(value=None, visible=_may_pair(scan)),
            bar.window: gr.update(**windows(scan)),
            bar.case: scan.example,
            bar.checkpoint: picked(self._visits.models, scan.model),
        }

    def _reopened(self, opened: Opened) -> Updates:
        """The page with the same scan under another checkpoint. Plane, slice and window stay."""
        return {**self._again(opened), self._bar.visible: gr.update(**structures(opened.scan.model.classes))}

    def _again(self, opened: Opened) -> Updates:
        """The page with the same scan in another way. Plane, slice, window and structures stay."""
        shown = self._shown(opened)
        return {component: shown[component] for component in self._again_outputs}

    def _view_of(self, scan: OpenScan) -> Updates:
        """Plane, slice, strength and structures as the page first shows a scan."""
        bar = self._bar
        slider, legend = slice_slider(scan, scan.plane), structures(scan.model.classes)
        view = {bar.plane: scan.plane, bar.index: gr.update(**slider), bar.visible: gr.update(**legend)}
        view[bar.channel] = gr.update(**channels(scan))
        return {**view, bar.strength: scan.opening.strength}


def _tell_unread(found: Linked, query: dict[str, Any]) -> None:
    """Say what of the link is not as it was asked for. It stays until it is closed: the address no longer has it."""
    wrong = [*found.unread, *(words for tab in TABS for words in unread(query, tab.readable))]
    parts = [found.warning, f"Not understood in this link: {'; '.join(wrong)}." if wrong else ""]
    said = " ".join(part for part in parts if part)
    if said:
        gr.Warning(html.escape(said), duration=None)


def _may_pair(scan: OpenScan) -> bool:
    """Whether a file with the other phase would make an ejection fraction of a visitor's scan."""
    return scan.example is None and scan.cine is None and "LV" in (name.upper() for name in scan.model.classes)


def picked(models: Models, model: Served) -> dict[str, Any]:
    """Properties of the list of checkpoints, with one of them chosen.

    Args:
        models: The checkpoints that everyone may choose.
        model: The chosen one. It is added to the list if the visitor typed its name.

    Returns:
        An update of the dropdown.
    """
    names = models.names()
    if model.name not in [name for _, name in names]:
        names.append((model.title, model.name))
    return gr.update(choices=names, value=model.name)


@contextmanager
def errors_as_messages() -> Iterator[None]:
    """Turn errors of opening a scan into messages on the page."""
    try:
        yield
    except CalledOffError as error:
        # It has to be an error, so that nothing on the page changes. It is not visible, because the visitor knows.
        raise gr.Error("cancelled", visible=False, print_exception=False) from error
    except (ScanError, SessionError, CheckpointError, BusyError, TooManyError) as error:
        # Messages are HTML, and a visitor can choose any name for a file.
        raise gr.Error(html.escape(str(error.args[0])), duration=12, print_exception=False) from error


def _owner(request: gr.Request) -> str:
    return str(request.session_hash)


def _event(function: str) -> str:
    """The js= of an event that calls a function of page/events.js."""
    return calling("page/events.js", function)
