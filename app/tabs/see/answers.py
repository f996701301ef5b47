"""What See asks the server for: the pictures of one slice."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.scan.frame_request import FrameRequest
from app.scan.frames import Frame, make_frame, truth_scores
from app.scan.open_scan import OpenScan
from app.scan.render import greyscale, packed
from app.scan.replay import REPLAYS
from app.visit.answering import Answer, Request


def frame(scan: OpenScan, request: Request) -> Answer:
    """The pictures of a FrameRequest as packed bytes.

    A picture that cuts through many slices needs them all: until they are decoded the answer is {"done": n, "of": n} slices, and the
    same request goes on with them.
    """
    asked, decoding = FrameRequest.checked(request, scan), 0.0
    if not scan.acquired(asked.plane) and not REPLAYS.ready(scan, asked):
        replay = REPLAYS.advance(scan, asked)
        if replay.done < scan.segmented.slice_count:
            return {"done": replay.done, "of": scan.segmented.slice_count}
        decoding = replay.milliseconds
    made = make_frame(scan, asked)
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
    if not scan.acquired(request.plane):
        return {"clean_codes": None, "codes": None}
    return {"clean_codes": packed(frame.clean_codes.astype(np.int32)), "codes": packed(frame.codes.astype(np.int32))}


def _input(scan: OpenScan, request: FrameRequest, frame: Frame) -> dict[str, Any]:
    """What does not change with the perturbation: the slice as the network reads it, and its values as the file has them."""
    values = scan.views[request.plane].cut(scan.segmented.scan.voxels, request.index)
    whole = bool((values == np.rint(values)).all() and np.abs(values).max() < 2**15)
    values = values.astype(np.int16 if whole else np.float32)
    return {"image": packed(greyscale(frame.image)), "values": packed(values), "values_type": values.dtype.name}
