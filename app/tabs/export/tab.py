"""Export: what is on the screen as files and as lines that reproduce it. One click each: the browser saves what it is given."""

from __future__ import annotations

import base64
from typing import Any

import gradio as gr

from app.scan.curves import POINTS, advance_curves
from app.scan.figures import FORMATS, Drawing, curve_figure, slice_figure, written
from app.scan.frames import FrameRequest, RequestError
from app.scan.replay import advance, replay_file
from app.tabs.export.lines import client_lines, configuration, python_lines, slice_tokens
from app.visit.session import SessionError, SessionStore
from app.web import mounting, source

_KINDS = ("lines", "tokens", *FORMATS, *(f"curves-{name}" for name in FORMATS))


def build_export(store: SessionStore) -> None:
    """The tab. What it gives names the checkpoint that encoded the scan on show."""

    def export(request: Any) -> dict[str, Any]:
        return exported(store, request)

    def labels(request: Any) -> dict[str, Any]:
        return labels_so_far(store, request)

    gr.HTML(
        value="",
        html_template=source("tabs/export/view.html"),
        css_template=source("tabs/export/view.css"),
        js_on_load=mounting("tabs/export/view.js"),
        server_functions=[export, labels],
        apply_default_css=False,
        elem_id="export",
    )


def exported(store: SessionStore, request: Any) -> dict[str, Any]:
    """{"bytes": base64} of request["kind"] "tokens" or a figure; for "lines" the texts python, client and configuration.

    The curves come when all their points are decoded: until then the answer is {"done": n, "of": n}, and the same request goes on.
    """
    if not isinstance(request, dict):
        return {"error": "the request must be an object"}
    try:
        token = request.get("token")
        scan = store.get(token)
        asked, kind = FrameRequest.checked(request, scan), request.get("kind")
        if kind not in _KINDS:
            raise RequestError(f"kind must be one of {', '.join(_KINDS)}, got {kind!r}")
        if kind == "lines":
            return {
                "python": python_lines(scan, asked),
                "client": client_lines(scan, asked, str(request.get("address"))),
                "configuration": configuration(scan, asked),
            }
        if kind == "tokens":
            return _packed(slice_tokens(scan, asked).encode())
        if kind in FORMATS:
            return _packed(written(slice_figure(scan, asked, Drawing.checked(request)), kind))
        replay = advance_curves(scan, str(token), asked)
        if replay.done < POINTS:
            return {"done": replay.done, "of": POINTS}
        return _packed(written(curve_figure(asked, *replay.curves()), kind.removeprefix("curves-")))
    except (SessionError, RequestError) as error:
        return {"error": str(error.args[0])}


def labels_so_far(store: SessionStore, request: Any) -> dict[str, Any]:
    """Slices of the label volume that are decoded, {"done": n, "of": n}, after some more; with the last its "name" and "bytes"."""
    if not isinstance(request, dict):
        return {"error": "the request must be an object"}
    try:
        token = request.get("token")
        scan = store.get(token)
        replay = advance(scan, str(token), FrameRequest.checked(request, scan))
    except (SessionError, RequestError) as error:
        return {"error": str(error.args[0])}
    slices = scan.segmented.slice_count
    if replay.done < slices:
        return {"done": replay.done, "of": slices}
    name, content = replay_file(scan, replay)
    return {"done": slices, "of": slices, "name": name, **_packed(content)}


def _packed(content: bytes) -> dict[str, str]:
    return {"bytes": base64.b64encode(content).decode("ascii")}
