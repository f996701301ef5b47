"""What the Compare tab asks the server for: the second scan's pictures, how far both agree, and which codes stand for which.

Both scans belong to the visit: A is the one on show, B the one beside it. Where both are needed, the request names B by "beside", an object
with its token and with what is not as in A, such as "index" and "reach".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.scan.computing import COMPUTING
from app.scan.counterparts import counterparts
from app.scan.frame_request import FrameRequest, RequestError
from app.scan.frames import make_frame, truth_scores
from app.scan.open_scan import OpenScan
from app.scan.replay import REPLAYS
from app.scan.slice_answers import slice_answer
from app.visit.answering import Answer, Handler, Request
from app.visit.session import SessionStore
from vqseg.inference import dice_by_class


def with_beside(store: SessionStore, handler: Callable[[OpenScan, OpenScan, Request], Answer]) -> Handler:
    """A handler of one scan made from one of two: the second is named by the request.

    Args:
        store: Holds both.
        handler: Answers a request about A and B.

    Returns:
        A handler of A with the same name. It raises SessionError if B is no longer held.
    """

    def answer(scan: OpenScan, request: Request) -> Answer:
        beside = request.get("beside")
        if not isinstance(beside, dict):
            raise RequestError("beside must be an object with the token of the second scan")
        return handler(scan, store.get(beside.get("token")), request)

    answer.__name__ = handler.__name__
    return answer


def beside(scan: OpenScan, request: Request) -> Answer:
    """The pictures of B. See `app.scan.slice_answers.slice_answer`, for which B is the scan."""
    return slice_answer(scan, request)


def agreement(one: OpenScan, other: OpenScan, request: Request) -> Answer:
    """How far the labels of A and B agree, and how well each fits the ground truth.

    Args:
        one: A.
        other: B.
        request: Keys of a FrameRequest for A. "beside": what is different in B, which has no forced tokens.

    Returns:
        Dice of every structure, None for one that neither side has. Of the slice: "between" A and B, and "a" and "b" against their ground
        truth, None without one. "whole": between A and B in the whole scan at strength 0. "between" and "whole" are None for two scans.
        Only "done" and "of" while a volume is being decoded; ask again.
    """
    # A forced token is a code of one codebook, and means nothing in the other.
    asked = FrameRequest.checked(request, one), FrameRequest.checked({**request, **request["beside"], "edits": []}, other)
    for scan, settings in zip((one, other), asked, strict=True):
        if not scan.acquired(settings.plane) and not REPLAYS.ready(scan, settings):
            replay = REPLAYS.advance(scan, settings)
            if replay.done < scan.segmented.slice_count:
                return {"done": replay.done, "of": scan.segmented.slice_count}
    frames = [make_frame(scan, settings) for scan, settings in zip((one, other), asked, strict=True)]
    a, b = (truth_scores(scan, settings, frame) for scan, settings, frame in zip((one, other), asked, frames, strict=True))
    answer: dict[str, Any] = {"a": a, "b": b, "between": None, "whole": None}
    if same_scan(one, other):
        classes = len(one.segmented.classes)
        answer["between"] = dice_by_class(frames[0].labels, frames[1].labels, classes)
        answer["whole"] = dice_by_class(one.segmented.labels, other.segmented.labels, classes)
    return answer


def aligned(one: OpenScan, other: OpenScan, request: Request) -> Answer:
    """Which code of B fires where a code of A does. See `app.scan.counterparts`.

    Args:
        one: A.
        other: B, the same scan.
        request: "beside".

    Returns:
        "codes", "counts", "partners", "shares" and "matched", lists by code of A, the most frequent first; "told", a share.
    """
    if not same_scan(one, other):
        raise RequestError("codes are compared by the places that they share, so both must be the same scan")
    with COMPUTING.turn():
        pairs = counterparts(one, other)
    lists = {name: getattr(pairs, name).tolist() for name in ("codes", "counts", "partners", "matched")}
    return {**lists, "shares": pairs.shares.round(4).tolist(), "told": pairs.told}


def same_scan(one: OpenScan, other: OpenScan) -> bool:
    """Whether A and B are one scan: the same example, or the same one of the visitor's own; and the same frame of a cine."""
    places = [(scan.frame_of or scan.identity, scan.frame, scan.segmented.scan.shape) for scan in (one, other)]
    return places[0] == places[1]
