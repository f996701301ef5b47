"""What the See tab asks the server for: the pictures of one slice, and what was found in all of them."""

from __future__ import annotations

from dataclasses import asdict

from app.scan.figures import Drawing
from app.scan.fitting import fitting_checkpoint
from app.scan.frame_request import FrameRequest, RequestError, whole_number
from app.scan.open_scan import OpenScan
from app.scan.profile import next_scores
from app.scan.render import base64_answer
from app.scan.replay import REPLAYS
from app.scan.results import results_of
from app.scan.slice_answers import slice_answer
from app.scan.slice_pictures import SLICE_PICTURES, slice_picture
from app.visit.answering import Answer, Request


def frame(scan: OpenScan, request: Request) -> Answer:
    """The pictures of one slice. See `app.scan.slice_answers.slice_answer`."""
    return slice_answer(scan, request)


def fitting(scan: OpenScan, request: Request) -> Answer:
    """A checkpoint that knows a scan which the present one does not. A few slices are encoded by each one that may be it.

    Args:
        scan: The scan on show.
        request: Nothing else is read.

    Returns:
        "fits": "name" and "title" of the checkpoint, None if no other one knows the scan either.
    """
    found = fitting_checkpoint(scan)
    return {"fits": None if found is None else {"name": found.name, "title": found.title}}


def results(scan: OpenScan, request: Request) -> Answer:
    """What was found in the whole scan. Each call decodes a few more slices.

    Args:
        scan: The scan on show.
        request: Keys of a FrameRequest.

    Returns:
        While the volume is being decoded only "done" and "of", numbers of slices; ask again with the same request. Then "voxels", how
        many have each label, and "clean", the same at strength 0; "voxel_ml", millilitres of a voxel, None where the spacing is unknown;
        "dice_vs_clean" and "truth", Dice of every structure against the labels at strength 0 and against the ground truth, where there
        is one.
    """
    asked = FrameRequest.checked(request, scan)
    if not REPLAYS.ready(scan, asked):
        replay = REPLAYS.advance(scan, asked)
        if replay.done < scan.segmented.slice_count:
            return {"done": replay.done, "of": scan.segmented.slice_count}
    return asdict(results_of(scan, REPLAYS.decoded(scan, asked).labels))


def profile(scan: OpenScan, request: Request) -> Answer:
    """Scores of the slices of the plane on show, one after the other. Each call scores a few more.

    Args:
        scan: The scan on show.
        request: Keys of a FrameRequest. "known": how many slices from the first on are scored already.

    Returns:
        "scores": a list of "clean", "changed" and "truth" of the slices after those, see SliceScore. "of": how many slices there are.
        "busy": whether others wait, so that it is better asked later.
    """
    asked = FrameRequest.checked(request, scan)
    part = next_scores(scan, asked, whole_number("known", request.get("known"), scan.views[asked.plane].count))
    return {"scores": [asdict(score) for score in part.scores], "of": part.of, "busy": part.busy}


def picture(scan: OpenScan, request: Request) -> Answer:
    """The slice on show as a PNG of its own size.

    Args:
        scan: The scan on show.
        request: Keys of a FrameRequest and of a Drawing. "kind": one of SLICE_PICTURES.

    Returns:
        "bytes": base64 of the file.
    """
    asked, drawing, kind = FrameRequest.checked(request, scan), Drawing.checked(request), request.get("kind")
    if kind not in SLICE_PICTURES:
        raise RequestError(f"kind must be one of {', '.join(SLICE_PICTURES)}, got {kind!r}")
    return base64_answer(slice_picture(scan, asked, drawing, kind))
