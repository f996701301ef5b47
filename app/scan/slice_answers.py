"""The answer to a request for a picture, as the browser reads it. See and Compare show it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from app.scan.channels import RGB, grey_of, opening_channel
from app.scan.computing import LaterError, OutOfDateError
from app.scan.fair import Rank
from app.scan.frame_request import FrameRequest
from app.scan.frames import Frame, make_frame, truth_scores
from app.scan.lru import LruOfEach
from app.scan.open_scan import OpenScan
from app.scan.render import greyscale, packed
from app.scan.replay import REPLAYS
from app.scan.shared import SHARED, on_grid

Answer = dict[str, Any]

# By slice: what the perturbation does not change is packed once.
_CLEAN_CODES: LruOfEach[OpenScan, int, str] = LruOfEach(lambda _: 32)
# By the request's "for": the rank of its turn, and its lane.
_RANKS = {"shown": (Rank.SHOWN, "shown"), "ahead": (Rank.AHEAD, None)}


def slice_answer(scan: OpenScan, request: Mapping[str, Any]) -> Answer:
    """The pictures of one slice. Other planes than the acquired one need the whole volume; each call decodes a few more of its slices.

    Args:
        scan: The scan on show.
        request: Keys of a FrameRequest. "with_image": whether the answer includes the input. "for": "shown" for the picture on show,
            whose newer request makes a waiting one out of date; "ahead" for one that may be wanted later. Without it neither.

    Returns:
        "skipped": "newer" if the request is out of date, "busy" if others wait and it can be asked later. While the volume is being
        decoded only "done" and "of", numbers of slices; ask again with the same request. Then packed "labels", "reconstruction" and
        "changes"; "reconstruction_rgb" and "image_rgb" with three bytes a pixel, None unless the channel is RGB; "clean_codes" and
        "codes", None in other planes; "truth", Dice of every structure against the ground truth, or None; "image", "values" and
        "values_type" of the input and "clean_labels", its labels at strength 0; "voxels", how many voxels of the whole scan have each
        label at strength 0, and "voxel_ml", millilitres of one, None where the spacing is unknown; the numbers of a Frame.

    Raises:
        RequestError: If a value of the request is wrong.
    """
    asked = FrameRequest.checked(request, scan)
    try:
        return _pictures(scan, asked, request)
    except OutOfDateError:
        return {"skipped": "newer"}
    except LaterError:
        return {"skipped": "busy"}


def _pictures(scan: OpenScan, asked: FrameRequest, request: Mapping[str, Any]) -> Answer:
    decoding = 0.0
    if not scan.acquired(asked.plane) and not REPLAYS.ready(scan, asked):
        replay = REPLAYS.advance(scan, asked)
        if replay.done < scan.segmented.slice_count:
            return {"done": replay.done, "of": scan.segmented.slice_count}
        decoding = replay.milliseconds
    rank, lane = _RANKS.get(str(request.get("for")), (Rank.SHOWN, None))
    made = SHARED.computed(scan, asked, lambda: _packed(scan, asked), rank=rank, lane=lane, keep=on_grid(asked.strength))
    answer = {**made, "milliseconds": made["milliseconds"] + decoding}
    return {**answer, **(_input(scan, asked) if request.get("with_image") else {"image": None})}


def _packed(scan: OpenScan, request: FrameRequest) -> Answer:
    """What the perturbation changes. The caller has a turn of the processor."""
    made = make_frame(scan, request)
    return {
        "labels": packed(made.labels),
        "reconstruction": packed(greyscale(made.reconstruction)),
        "reconstruction_rgb": None if made.colours is None else packed(greyscale(made.colours[1])),
        "changes": packed(made.changes),
        **_tokens(made, scan, request),
        "truth": truth_scores(scan, request, made),
        "agreement": made.agreement,
        "changed_share": made.changed_share,
        **made.figures(),
    }


def _tokens(frame: Frame, scan: OpenScan, request: FrameRequest) -> dict[str, Any]:
    """The slice's grid of codes before and after the QPM, in the order of the array. Other planes cut through many grids."""
    if not scan.acquired(request.plane):
        return {"clean_codes": None, "codes": None}
    clean = _CLEAN_CODES.of(scan).made(request.index, lambda: packed(frame.clean_codes.astype(np.int32)))
    return {"clean_codes": clean, "codes": packed(frame.codes.astype(np.int32))}


def _input(scan: OpenScan, request: FrameRequest) -> Answer:
    key = ("input", request.plane, request.index, request.channel)
    return SHARED.kept(scan, key, lambda: _packed_input(scan, request))


def _packed_input(scan: OpenScan, request: FrameRequest) -> Answer:
    """What the perturbation does not change: the slice as the network reads it, the values of the file, the labels at strength 0."""
    view = scan.views[request.plane]
    segmented = scan.segmented
    every, clean, shown = (view.cut(array, request.index) for array in (segmented.scan.voxels, segmented.labels, segmented.normalised))
    values, image = (grey_of(scan, picture, request.channel) for picture in (every, shown))
    coloured = (request.channel or opening_channel(scan)) == RGB
    whole = bool((values == np.rint(values)).all() and np.abs(values).max() < 2**15)
    values = values.astype(np.int16 if whole else np.float32)
    packed_values = {"values": packed(values), "values_type": values.dtype.name}
    sizes = {"voxels": list(scan.voxels), "voxel_ml": scan.voxel_ml}
    colours = packed(greyscale(shown)) if coloured else None
    return {"image": packed(greyscale(image)), "image_rgb": colours, "clean_labels": packed(clean), **packed_values, **sizes}
