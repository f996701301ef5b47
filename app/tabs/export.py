"""Export: what is on the screen as files and as lines that reproduce it. One click each: the browser saves what it is given."""

from __future__ import annotations

import base64
from typing import Any

import gradio as gr

from app.components import source
from app.export import FIGURE_FORMATS, Drawing, client_lines, configuration, figure, python_lines, slice_tokens
from app.frames import FrameRequest, RequestError
from app.session import SessionError, SessionStore

_KINDS = ("lines", "tokens", *FIGURE_FORMATS)


def build_export(store: SessionStore) -> None:
    """The tab. What it gives names the checkpoint that encoded the scan on show."""

    def export(request: Any) -> dict[str, Any]:
        return exported(store, request)

    gr.HTML(
        value="",
        html_template=source("export.html"),
        css_template=source("export.css"),
        js_on_load=source("export.js"),
        server_functions=[export],
        apply_default_css=False,
        elem_id="export",
    )


def exported(store: SessionStore, request: Any) -> dict[str, Any]:
    """{"bytes": base64} of request["kind"] "tokens", "png" or "svg"; for "lines" the texts python, client and configuration."""
    if not isinstance(request, dict):
        return {"error": "the request must be an object"}
    try:
        scan = store.get(request.get("token"))
        asked, kind = FrameRequest.checked(request, scan), request.get("kind")
        if kind not in _KINDS:
            raise RequestError(f"kind must be one of {', '.join(_KINDS)}, got {kind!r}")
        if kind == "lines":
            return {
                "python": python_lines(scan, asked),
                "client": client_lines(scan, asked, str(request.get("address"))),
                "configuration": configuration(scan, asked),
            }
        content = slice_tokens(scan, asked).encode() if kind == "tokens" else figure(scan, asked, Drawing.checked(request), kind)
    except (SessionError, RequestError) as error:
        return {"error": str(error.args[0])}
    return {"bytes": base64.b64encode(content).decode("ascii")}
