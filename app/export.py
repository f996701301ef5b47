"""What is on the screen as text and figures: a token table, a configuration, lines of Python that reproduce it, a figure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from app.frames import Frame, FrameRequest, RequestError, dropout_frame, make_frame
from app.render import absolute_difference, greyscale, label_colours, overlay
from app.session import OpenScan
from vqseg.types import Array

FIGURE_FORMATS = ("png", "svg")


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
        "edits": [list(edit) for edit in request.edits],
    }
    return json.dumps(values, indent=2) + "\n"


def python_lines(scan: OpenScan, request: FrameRequest) -> str:
    """A script that writes the perturbed label volume beside itself; forced tokens are put into their slice."""
    name, settings = scan.segmented.scan.name, f"strength={request.strength!r}, mode={request.mode!r}, seed={request.seed!r}"
    lines = [
        "from vqseg.checkpoint import load_model",
        "from vqseg.data.scan import read_scan, write_labels",
        "from vqseg.inference import Segmenter",
        "",
        f"scan = read_scan({name!r})",
        f"opened = Segmenter(load_model({scan.model.name!r})).open(scan)",
        f"labels = opened.perturb_volume({settings}).labels",
    ]
    if request.edits:
        forced = {(row, column): code for row, column, code in request.edits}
        place = ", ".join(str(request.index) if axis == scan.segmented.axis else ":" for axis in range(3))
        lines.append(f"labels[{place}] = opened.perturb({request.index}, {settings}, forced={forced!r}).labels")
    lines.append('write_labels(labels, scan, "labels.nii.gz")')
    return "\n".join(lines) + "\n"


def client_lines(scan: OpenScan, request: FrameRequest, address: str) -> str:
    """The same picture asked of a running app. Forced tokens are no part of that endpoint, which the lines then say."""
    note = "# Tokens that were forced by hand are left out: the endpoint has none.\n" if request.edits else ""
    arguments = ", ".join(map(repr, (request.plane, request.index, request.strength, request.mode, request.seed)))
    return (
        "from gradio_client import Client, handle_file\n\n"
        f"{note}client = Client({address!r})\n"
        f"segmentation, reconstruction, figures = client.predict(\n"
        f'    handle_file({scan.segmented.scan.name!r}), {arguments}, api_name="/perturb"\n)\n'
        "print(segmentation, reconstruction, figures)\n"
    )


@dataclass(frozen=True)
class Drawing:
    """How labels are drawn over a picture: opacity 0 to 1, outlines alone, names of the structures that are drawn."""

    opacity: float
    outline: bool
    visible: tuple[str, ...]

    @classmethod
    def checked(cls, values: Mapping[str, Any]) -> Drawing:
        """The drawing in `values`, with "shown" false for none at all. Raises RequestError for values that are none."""
        opacity, visible = values.get("opacity"), values.get("visible")
        if isinstance(opacity, bool) or not isinstance(opacity, (int, float)) or not 0 <= opacity <= 1:
            raise RequestError(f"opacity must be a number from 0 to 1, got {opacity!r}")
        if not isinstance(visible, list) or not all(isinstance(name, str) for name in visible):
            raise RequestError("visible must be a list of names of structures")
        return cls(float(opacity), bool(values.get("outline")), tuple(visible) if values.get("shown") else ())


def figure(scan: OpenScan, request: FrameRequest, drawing: Drawing, file_format: str) -> bytes:
    """Input, segmentation, reconstruction and difference side by side with a legend, as PNG (300 dpi) or SVG.

    All in the network's own window and in radiological convention.
    """
    # Importing matplotlib takes a second; only figures need it. Figure and not pyplot: requests come on many threads.
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    frame, view = make_frame(scan, request), scan.views[request.plane]
    colours, classes = label_colours(len(scan.segmented.classes)), scan.segmented.classes
    grey, visible = greyscale(frame.image), np.array([name in drawing.visible for name in classes])
    segmentation = overlay(grey, frame.labels, colours, opacity=drawing.opacity, outline_only=drawing.outline, visible=visible)
    pictures: tuple[tuple[str, Array], ...] = (
        ("Input", grey),
        ("Segmentation", segmentation),
        ("Reconstruction", greyscale(frame.reconstruction)),
        ("Absolute difference", absolute_difference(grey, greyscale(frame.reconstruction))),
    )
    sheet = Figure(figsize=(7.2, 1.8 / view.ratio + 0.55), layout="constrained")
    aspect = view.shape[1] / view.shape[0] / view.ratio
    for axes, (title, picture) in zip(sheet.subplots(1, 4), pictures, strict=True):
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255, aspect=aspect, interpolation="nearest")
        axes.set_title(title, fontsize=8)
        axes.set_axis_off()
    handles = [Patch(color=colours[i] / 255, label=classes[i]) for i in range(1, len(classes)) if visible[i]]
    if handles:
        sheet.legend(handles=handles, loc="outside lower left", ncols=len(handles), fontsize=7, frameon=False)
    caption = f"{request.plane} slice {request.index}, ε = {request.strength:g}, {request.mode}, seed {request.seed}"
    sheet.supxlabel(caption, fontsize=7, x=0.99, ha="right")
    written = io.BytesIO()
    sheet.savefig(written, format=file_format, dpi=300)
    return written.getvalue()


def curve(scan: OpenScan, request: FrameRequest, strengths: Array) -> dict[str, list[Any]]:
    """Figures of one slice over epsilon, lists of the same length."""
    frames = [make_frame(scan, replace(request, strength=float(strength))) for strength in strengths]
    return {"epsilon": strengths.tolist(), "replaced_share": [frame.replaced_share for frame in frames], **_figures_over(frames)}


def dropout_curve(scan: OpenScan, request: FrameRequest, rates: Array) -> dict[str, list[Any]]:
    """The same over the rate of feature dropout, on which no token is replaced."""
    return {"rate": rates.tolist(), **_figures_over([dropout_frame(scan, request, float(rate)) for rate in rates])}


def _figures_over(frames: Sequence[Frame]) -> dict[str, list[float]]:
    return {name: [getattr(frame, name) for frame in frames] for name in ("dice_vs_clean", "agreement", "psnr")}
