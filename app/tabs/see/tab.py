"""See: input, segmentation and reconstruction of one slice, answering live to the sidebar."""

from __future__ import annotations

from typing import Any

import gradio as gr
import numpy as np

from app.scan.frames import Frame, FrameRequest, RequestError, make_frame, truth_scores
from app.scan.render import greyscale, label_colours, packed
from app.scan.replay import advance
from app.visit.session import OpenScan, SessionError, SessionStore
from app.web import mounting, source


def build_see(store: SessionStore) -> gr.HTML:
    """The linked view. Its value is `describe(...)` of the scan on show."""

    def frame(request: Any) -> dict[str, Any]:
        # Called past the queue and without a session: the token is the only key, and nothing in the request is trusted.
        return answer(store, request)

    return gr.HTML(
        value=None,
        html_template=source("tabs/see/view.html"),
        css_template=source("tabs/see/view.css"),
        js_on_load=mounting("tabs/see/view.js"),
        server_functions=[frame],
        apply_default_css=False,
        elem_id="viewer",
    )


def answer(store: SessionStore, request: Any) -> dict[str, Any]:
    """The pictures of a request as packed bytes, or {"error": message} if it is wrong or the scan is gone.

    A picture that cuts through many slices needs them all: until they are decoded the answer is {"done": n, "of": n} slices, and the
    same request goes on with them.
    """
    if not isinstance(request, dict):
        return {"error": "the request must be an object"}
    try:
        token = request.get("token")
        scan = store.get(token)
        asked = FrameRequest.checked(request, scan)
        settings, decoding = (asked.strength, asked.mode, asked.seed), 0.0
        if scan.views[asked.plane].axis != scan.segmented.axis and not scan.has_volume(*settings):
            replay = advance(scan, str(token), asked)
            if replay.done < scan.segmented.slice_count:
                return {"done": replay.done, "of": scan.segmented.slice_count}
            scan.keep_volume(*settings, replay.volume())
            decoding = replay.milliseconds
        made = make_frame(scan, asked)
    except (SessionError, RequestError) as error:
        return {"error": str(error.args[0])}
    return {
        "labels": packed(made.labels),
        "reconstruction": packed(greyscale(made.reconstruction)),
        "changes": packed(made.changes),
        **_tokens(made, scan, asked),
        "truth": truth_scores(scan, asked, made),
        **(_input(scan, asked, made) if request.get("with_image") else {"image": None}),
        "agreement": made.agreement,
        **made.figures(),
        "milliseconds": made.milliseconds + decoding,
    }


def _tokens(frame: Frame, scan: OpenScan, request: FrameRequest) -> dict[str, Any]:
    """The slice's grid of codes before and after QPM, in the array's own order; other planes cut through many slices' grids."""
    if scan.views[request.plane].axis != scan.segmented.axis:
        return {"clean_codes": None, "codes": None}
    return {"clean_codes": packed(frame.clean_codes.astype(np.int32)), "codes": packed(frame.codes.astype(np.int32))}


def _input(scan: OpenScan, request: FrameRequest, frame: Frame) -> dict[str, Any]:
    """What does not change with the perturbation: the slice as the network reads it, and its values as the file has them."""
    values = scan.views[request.plane].cut(scan.segmented.scan.voxels, request.index)
    whole = bool((values == np.rint(values)).all() and np.abs(values).max() < 2**15)
    values = values.astype(np.int16 if whole else np.float32)
    return {"image": packed(greyscale(frame.image)), "values": packed(values), "values_type": values.dtype.name}


def _outside(scan: OpenScan) -> bool | None:
    """Whether the scan's codes are spread unlike those of every training scan; None where the codebook has no reference for it."""
    statistics = scan.model.statistics
    return None if statistics is None or statistics.drift_reference is None else statistics.drift(scan.segmented.indices).outside


def describe(token: str, scan: OpenScan, title: str) -> dict[str, Any]:
    """What the browser knows of a scan besides its pictures."""
    grid, spacing, classes = scan.segmented.scan.shape, scan.segmented.scan.spacing, scan.model.classes
    millimetres = " × ".join(f"{s:.3g}" for s in spacing)
    return {
        "token": token,
        "truth": scan.truth is not None,
        "name": title,
        "own": scan.example is None,
        "checkpoint": scan.model.name,
        "outside": _outside(scan),
        "grid": " × ".join(map(str, grid)) + (f" at {millimetres} mm" if scan.segmented.scan.header is not None else ""),
        "classes": list(classes),
        "colours": label_colours(len(classes)).tolist(),
        "grid_of_tokens": [scan.segmented.indices.shape[1] // scan.segmented.levels, scan.segmented.indices.shape[2]],
        "codebook_size": scan.segmented.codebook_size,
        "levels": scan.segmented.levels,
        "cell": list(scan.segmented.cell_size),
        "planes": {
            plane: {
                "count": view.count,
                "shape": list(view.shape),
                "ratio": view.ratio,
                "letters": list(view.letters),
                "acquired": view.axis == scan.segmented.axis,
                "transpose": view.transpose,
                "flip": [view.flip_rows, view.flip_columns],
            }
            for plane, view in scan.views.items()
        },
    }
