"""What the Export tab asks the server for: what is on show, as lines of Python, tables, figures and labels."""

from __future__ import annotations

from app.scan.curves import CURVES, POINTS
from app.scan.figures import CURVE_FIGURES, FIGURE_FORMATS, Drawing, curve_file, slice_figure, written
from app.scan.frame_request import FrameRequest, RequestError
from app.scan.open_scan import OpenScan, label_file_name
from app.scan.render import base64_answer
from app.scan.replay import REPLAYS, Replay
from app.scan.slice_pictures import SLICE_PICTURES, slice_picture
from app.scan.tokens import slice_tokens
from app.tabs.export.bundle import Bundle, label_bytes, zipped
from app.tabs.export.lines import client_lines, configuration, python_lines
from app.visit.answering import Answer, Request
from vqseg.data.label_files import NIFTI

_LONGEST_LINK = 4000
_KINDS = ("lines", "tokens", *FIGURE_FORMATS, *SLICE_PICTURES, *CURVE_FIGURES)


def export(scan: OpenScan, request: Request) -> Answer:
    """What is on show, as one kind of file or as lines.

    Args:
        scan: The scan on show.
        request: Keys of a FrameRequest; for figures also those of a Drawing. "kind": "lines", "tokens", "png", "svg" or one of
            SLICE_PICTURES and CURVE_FIGURES. "address": of the page, for "lines".

    Returns:
        For "lines" the texts "python", "client" and "configuration", else "bytes", base64 of the file. For the curves see `curve_file`.
    """
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
        return base64_answer(slice_tokens(scan, asked).encode())
    if kind in CURVE_FIGURES:
        return curve_file(scan, asked, kind)
    if kind in SLICE_PICTURES:
        return base64_answer(slice_picture(scan, asked, Drawing.checked(request), kind))
    return base64_answer(written(slice_figure(scan, asked, Drawing.checked(request)), kind))


def labels(scan: OpenScan, request: Request) -> Answer:
    """The label volume. Each call decodes a few more slices.

    Args:
        scan: The scan on show.
        request: Keys of a FrameRequest. "ending": of one of the scan's formats; left out for NIfTI.

    Returns:
        "done" and "of", numbers of slices. When all are done also "name" and "bytes", base64 of the file.
    """
    ending, fitting = request.get("ending", NIFTI.ending), [one.ending for one in scan.formats]
    if ending not in fitting:
        raise RequestError(f"ending must be one of {', '.join(fitting)}, got {ending!r}")
    replay, slices = REPLAYS.advance(scan, FrameRequest.checked(request, scan)), scan.segmented.slice_count
    if replay.done < slices:
        return {"done": replay.done, "of": slices}
    name, content = replay_file(scan, replay, ending)
    return {"done": slices, "of": slices, "name": name, **base64_answer(content)}


def everything(scan: OpenScan, request: Request) -> Answer:
    """Everything on show as one zip. Each call decodes a few more slices, or points of the curves.

    Args:
        scan: The scan on show.
        request: Keys of a FrameRequest and of a Drawing. "link": the page's address, for the README.

    Returns:
        "done" and "of", numbers of slices and points. When all are done also "bytes", base64 of the zip.
    """
    asked, drawing = FrameRequest.checked(request, scan), Drawing.checked(request)
    slices, has_curves = scan.segmented.slice_count, scan.acquired(asked.plane)
    of = slices + (POINTS if has_curves else 0)
    if not REPLAYS.ready(scan, asked) and (done := REPLAYS.advance(scan, asked).done) < slices:
        return {"done": done, "of": of}
    curves = CURVES.advance(scan, asked) if has_curves else None
    if curves is not None and curves.done < POINTS:
        return {"done": slices + curves.done, "of": of}
    volume = REPLAYS.decoded(scan, asked).labels
    bundle = Bundle(scan, asked, drawing, volume, None if curves is None else curves.curves(), _link(request.get("link")))
    return {"done": of, "of": of, **base64_answer(zipped(bundle.files()))}


def _link(value: object) -> str:
    """An address on one line; anything else counts as none."""
    return value if isinstance(value, str) and len(value) <= _LONGEST_LINK and value.isprintable() else ""


def replay_file(scan: OpenScan, replay: Replay, ending: str = NIFTI.ending) -> tuple[str, bytes]:
    """The labels of a volume as a file, on the scan's own grid.

    Args:
        scan: The scan.
        replay: The volume, completely decoded.
        ending: Of one of the scan's formats.

    Returns:
        Name and content of the file.
    """
    name = label_file_name(scan.segmented.scan.name, ending)
    return name, label_bytes(scan, replay.labels, name)
