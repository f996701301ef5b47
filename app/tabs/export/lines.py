"""What is on the screen as text and numbers: a token table, a configuration, lines of Python that reproduce it, curves."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from app.scan.edits import edits_as_text
from app.scan.frames import Frame, FrameRequest, RequestError, dropout_frame, forced_tokens, make_frame, truth_scores
from app.visit.session import OpenScan
from vqseg.types import Array

# Of the curves: epsilon, or the rate of dropout.
STEPS = np.linspace(0, 1, 21).round(2)


def tokens_csv(clean: Array, codes: Array) -> str:
    """One line a token of a slice: its place in the grid, its code before and after, whether it was replaced. (h, w) int each."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("row", "column", "code_before", "code_after", "replaced"))
    for (row, column), before in np.ndenumerate(clean):
        after = codes[row, column]
        writer.writerow((row, column, int(before), int(after), int(before != after)))
    return text.getvalue()


def slice_tokens(scan: OpenScan, request: FrameRequest) -> str:
    """The token table of a picture. Raises RequestError in a plane that cuts through many slices' grids."""
    if scan.views[request.plane].axis != scan.segmented.axis:
        raise RequestError(f"tokens lie in the acquired slices; choose plane {scan.plane}")
    frame = make_frame(scan, request)
    return tokens_csv(frame.clean_codes, frame.codes)


def configuration(scan: OpenScan, request: FrameRequest) -> str:
    """JSON: everything that decides what the picture looks like."""
    values = {
        "checkpoint": scan.model.name,
        "scan": scan.segmented.scan.name,
        "shape": list(scan.segmented.scan.shape),
        "plane": request.plane,
        "slice": request.index,
        "epsilon": request.strength,
        "mode": request.mode,
        "seed": request.seed,
        "edits": edits_as_text(request.edits),
    }
    return json.dumps(values, indent=2) + "\n"


def python_lines(scan: OpenScan, request: FrameRequest) -> str:
    """A script that writes the label volume at the present settings beside itself; forced tokens are put into their slice."""
    settings, forced = f"strength={request.strength!r}, mode={request.mode!r}, seed={request.seed!r}", forced_tokens(request)
    lines = [
        "import numpy as np",
        "",
        "from vqseg.checkpoint import load_model",
        "from vqseg.data.scan import read_scan, write_labels",
        "from vqseg.inference import Segmenter",
        "",
        f"scan = read_scan({scan.segmented.scan.name!r})",
        f"opened = Segmenter(load_model({scan.model.name!r})).open(scan)",
        *([f"forced = {{{request.index}: {forced!r}}}"] if forced else []),
        "slices = [",
        f"    opened.perturb(index, {settings}{', forced=forced.get(index)' if forced else ''}).labels",
        "    for index in range(opened.slice_count)",
        "]",
        'write_labels(np.stack(slices, opened.axis), scan, "labels.nii.gz")',
    ]
    return "\n".join(lines) + "\n"


def client_lines(scan: OpenScan, request: FrameRequest, address: str) -> str:
    """The same picture asked of a running app, forced tokens and checkpoint included."""
    arguments = ", ".join(map(repr, (request.plane, request.index, request.strength, request.mode, request.seed)))
    edits = f"    edits={edits_as_text(request.edits)!r},\n" if request.edits else ""
    return (
        "from gradio_client import Client, handle_file\n\n"
        f"client = Client({address!r})\n"
        "segmentation, reconstruction, figures = client.predict(\n"
        f"    handle_file({scan.segmented.scan.name!r}), {arguments},\n"
        f'{edits}    checkpoint={scan.model.name!r},\n    api_name="/perturb",\n)\n'
        "print(segmentation, reconstruction, figures)\n"
    )


def curve(scan: OpenScan, request: FrameRequest, strengths: Array) -> dict[str, list[Any]]:
    """Figures of one slice over epsilon, lists of the same length; dice_vs_truth, a mean over structures, where the scan has a truth."""
    return columns([strength_point(scan, request, float(strength)) for strength in strengths])


def dropout_curve(scan: OpenScan, request: FrameRequest, rates: Array) -> dict[str, list[Any]]:
    """The same over the rate of feature dropout, on which no token is replaced."""
    return columns([dropout_point(scan, request, float(rate)) for rate in rates])


def strength_point(scan: OpenScan, request: FrameRequest, strength: float) -> dict[str, Any]:
    """One point of `curve`."""
    frame = make_frame(scan, replace(request, strength=strength))
    return {"epsilon": strength, "replaced_share": frame.replaced_share, **_figures(scan, request, frame)}


def dropout_point(scan: OpenScan, request: FrameRequest, rate: float) -> dict[str, Any]:
    """One point of `dropout_curve`."""
    return {"rate": rate, **_figures(scan, request, dropout_frame(scan, request, rate))}


def columns(points: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    """Points of one curve, one at least, as a list for each of their names."""
    return {name: [point[name] for point in points] for name in points[0]}


def _figures(scan: OpenScan, request: FrameRequest, frame: Frame) -> dict[str, Any]:
    figures: dict[str, Any] = {name: getattr(frame, name) for name in ("dice_vs_clean", "agreement", "psnr")}
    if scan.truth is not None:
        figures["dice_vs_truth"] = _mean(truth_scores(scan, request, frame))
    return figures


def _mean(scores: Sequence[float | None] | None) -> float | None:
    known = [score for score in scores or () if score is not None]
    return float(np.mean(known)) if known else None
