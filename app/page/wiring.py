"""What happens when: Gradio's events of the sidebar, each bound to what app/visits.py does and to what the browser shows."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.page.endpoints import OPENS
from app.page.sidebar import OPACITY, Sidebar
from app.page.visits import Visits
from app.web import calling

_PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
# Before the prepared label files of Gradio's cache are deleted (see delete_cache) they are asked for again.
CACHE_SECONDS, _REFRESH_SECONDS = 600, 240


def wire(blocks: gr.Blocks, bar: Sidebar, viewer: gr.HTML, tabs: gr.Tabs, visits: Visits) -> None:
    shown: list[Any] = [viewer, bar.plane, bar.index, bar.download, bar.truth, bar.window, bar.case, bar.checkpoint]
    update = calling("web/store.js", "update", ["scan", *bar.view])
    follow: dict[str, Any] = {"fn": None, "inputs": [viewer, *bar.view.values()], "js": update}

    link, ticket = gr.JSON(visible=False), gr.Textbox(visible=False)
    asked: list[Any] = [*shown, bar.visible, bar.strength, bar.mode, bar.seed, tabs]
    # A visitor may choose again before the former choice is there; that one is then called off.
    opens: dict[str, Any] = {**OPENS, **_PRIVATE, "trigger_mode": "multiple"}
    loaded = blocks.load(
        visits.linked,
        [link, ticket],
        asked,
        js=_event("linkAsked"),
        **OPENS,
        **_PRIVATE,
    )
    case = bar.case.input(visits.example, [bar.case, bar.checkpoint, ticket], shown, js=_event("exampleChosen"), **opens)
    chosen = [viewer, bar.download, bar.truth, bar.case, bar.checkpoint, bar.visible]
    begin = _event("checkpointChosen")
    reopened = bar.checkpoint.input(visits.checkpoint, [bar.checkpoint, viewer, ticket], chosen, js=begin, **opens)
    typed = bar.other.submit(visits.other, [bar.other, viewer, ticket], chosen, js=begin, **opens)
    sent = bar.upload.upload(visits.upload, [bar.upload, bar.checkpoint, ticket], [*shown, bar.upload], js=_event("fileSent"), **opens)
    for event in (loaded, case, reopened, typed, sent):
        # Not then(): it does not come after an event that the queue refused.
        event.success(None, js=_event("openingDone"))
        event.success(**follow)
        # Multiple: of two that end at once only the second one finds nothing on its way any more.
        event.failure(
            visits.restored,
            [viewer],
            [bar.case, bar.checkpoint],
            js=_event("openingFailed"),
            queue=False,
            trigger_mode="multiple",
            **_PRIVATE,
        )
    # A file that was refused leaves the drop zone empty for the next one.
    sent.failure(lambda: None, None, bar.upload, queue=False, **_PRIVATE)
    _wire_truth(bar, viewer, visits, follow)
    bar.plane.input(visits.plane, [viewer, bar.plane], bar.index, queue=False, **_PRIVATE).then(**follow)
    for control in bar.view.values():
        if control is not bar.plane:
            control.change(**follow, trigger_mode="always_last")
    bar.reroll.click(None, None, bar.seed, js=_event("anySeed"))
    _wire_reset(bar, viewer, visits, follow)
    gr.Timer(_REFRESH_SECONDS).tick(visits.download, viewer, bar.download, **_PRIVATE)
    blocks.unload(visits.end)


def _event(function: str) -> str:
    """What page/events.js does at an event."""
    return calling("page/events.js", function)


def _wire_truth(bar: Sidebar, viewer: gr.HTML, visits: Visits, follow: dict[str, Any]) -> None:
    checked = bar.truth.upload(
        visits.truth,
        [bar.truth, viewer],
        [viewer, bar.truth],
        show_progress="full",
        show_progress_on=bar.truth,
        api_visibility="private",
        **OPENS,
    )
    checked.then(**follow)
    checked.failure(lambda: None, None, bar.truth, queue=False, **_PRIVATE)


def _wire_reset(bar: Sidebar, viewer: gr.HTML, visits: Visits, follow: dict[str, Any]) -> None:
    """One key back to the start: what was set by hand in Python's build is set again in the browser."""
    start = [0, "resample", 0, OPACITY, False, True, "network", "radiological"]
    outputs: list[Any] = [bar.strength, bar.mode, bar.seed, bar.opacity, bar.outline, bar.shown, bar.window, bar.convention]

    def reset(value: dict[str, Any] | None) -> list[Any]:
        return [*start, *visits.home(value)]

    outputs += [bar.plane, bar.index, bar.visible]
    bar.reset.click(reset, viewer, outputs, js=_event("resetAsked"), queue=False, **_PRIVATE).then(**follow)
