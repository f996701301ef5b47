"""The strip of a cine below the tabs: frames to choose and to play, volumes over time, ejection fraction, files."""

from __future__ import annotations

import gradio as gr

from app.scan.cine import OpenCine
from app.scan.frame_request import RequestError, whole_number
from app.scan.heart import curve_file, frame_file, series_file, told
from app.scan.open_scan import OpenScan
from app.scan.render import base64_answer
from app.visit.answering import Answer, Handler, Request, answering
from app.visit.cines import Cines
from app.visit.session import SessionStore
from app.web import mounting, source
from vqseg.cardiac import CardiacError

_KINDS = ("frame", "labels", "curve")


def build_cine(store: SessionStore, cines: Cines) -> gr.HTML:
    """Build the strip inside the present Blocks. It is hidden until a cine is on show.

    Args:
        store: Holds the visitors' scans.
        cines: Encode the frames.

    Returns:
        The component.
    """
    return gr.HTML(
        value="",
        html_template=source("page/cine.html"),
        css_template=source("page/cine.css"),
        js_on_load=mounting("page/cine.js"),
        server_functions=[answering(store, follow_by(cines)), answering(store, series)],
        apply_default_css=False,
        elem_id="cine",
    )


def follow_by(cines: Cines) -> Handler:
    """Make the handler that tells of a cine's frames.

    Args:
        cines: Encode what is wanted.

    Returns:
        A handler with the name `follow`.
    """

    def follow(scan: OpenScan, request: Request) -> Answer:
        """How far a cine is, and what its frames show. "frame": the number of the one that is wanted next. See `told`."""
        cine = _cine(scan)
        cine.want(whole_number("frame", request.get("frame"), cine.frames - 1))
        cines.go_on(cine)
        return told(cine)

    return follow


def series(scan: OpenScan, request: Request) -> Answer:
    """A file of labels at strength 0, or of volumes.

    Args:
        scan: The cine; for "frame" the frame on show.
        request: "kind": "frame" for a 3D NIfTI, "labels" for a 4D one of all frames, "curve" for a CSV.

    Returns:
        "name", and "bytes", base64 of the file.
    """
    kind = request.get("kind")
    if kind not in _KINDS:
        raise RequestError(f"kind must be one of {', '.join(_KINDS)}, got {kind!r}")
    try:
        name, content = frame_file(scan) if kind == "frame" else (series_file if kind == "labels" else curve_file)(_cine(scan))
    except CardiacError as error:
        raise RequestError(str(error.args[0])) from error
    return {"name": name, **base64_answer(content)}


def _cine(scan: OpenScan) -> OpenCine:
    if scan.cine is None:
        raise RequestError("this scan is a single frame")
    return scan.cine
