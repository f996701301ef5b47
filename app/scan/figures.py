"""Figures for print, as PNG (300 dpi) or SVG: the pictures of a slice, and its curves over epsilon and over the dropout rate."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from app.scan.axes import DECIBELS, FITTED_RATE, SHARES, axis_title, fitted
from app.scan.curves import CURVES, POINTS, Curve
from app.scan.edits import edits_as_text
from app.scan.frame_request import FrameRequest, RequestError
from app.scan.frames import make_frame
from app.scan.open_scan import OpenScan
from app.scan.planes import PlaneView
from app.scan.render import absolute_difference, base64_answer, greyscale, label_colours, mean_of_colours, overlay
from vqseg.data.scan import has_geometry
from vqseg.shares import ratio
from vqseg.types import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FIGURE_FORMATS = ("png", "svg")
CURVE_FIGURES = tuple(f"curves-{name}" for name in FIGURE_FORMATS)
"""Kinds of the curves' figure, as the browser requests them."""
CURVE_TITLES = ("Dice vs ε = 0", "agreement", "Dice vs truth", "PSNR")
CURVE_COLOURS = ("#239089", "#e69f00", "#cc79a7", "#7a8b96")
# Lengths of a scale bar in millimetres. The longest one that takes at most a quarter of the picture is drawn.
_BARS = (5, 10, 20, 50, 100, 200)
_OUTLINED: dict[str, Any] = {"color": "white", "fontsize": 7, "fontweight": "bold"}


@dataclass(frozen=True)
class Drawing:
    """How labels are drawn over a picture.

    Attributes:
        opacity: From 0 to 1.
        outline: Whether only the outlines are drawn.
        visible: Names of the structures that are drawn.
    """

    opacity: float
    outline: bool
    visible: tuple[str, ...]

    @classmethod
    def checked(cls, values: Mapping[str, Any]) -> Drawing:
        """The drawing that a request asks for; if its "shown" is false, no structure is drawn. Raises RequestError for wrong values."""
        opacity, visible = values.get("opacity"), values.get("visible")
        if isinstance(opacity, bool) or not isinstance(opacity, (int, float)) or not 0 <= opacity <= 1:
            raise RequestError(f"opacity must be a number from 0 to 1, got {opacity!r}")
        if not isinstance(visible, list) or not all(isinstance(name, str) for name in visible):
            raise RequestError("visible must be a list of names of structures")
        return cls(float(opacity), bool(values.get("outline")), tuple(visible) if values.get("shown") else ())


def slice_figure(scan: OpenScan, request: FrameRequest, drawing: Drawing) -> Figure:
    """Input, segmentation, reconstruction and their difference side by side, with edge letters, scale bar, legend and settings.

    The pictures have the network's own window and the radiological convention. Without geometry in the scan's file there are no
    letters and no scale bar.

    Args:
        scan: The scan.
        request: The slice and its settings.
        drawing: How the labels are drawn.

    Returns:
        A matplotlib figure, 7.2 inches wide.
    """
    # Importing matplotlib takes a second, and only figures need it. pyplot is not safe here: requests come from many threads.
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine
    from matplotlib.patches import Patch

    frame, view = make_frame(scan, request), scan.views[request.plane]
    colours, classes = label_colours(len(scan.segmented.classes)), scan.segmented.classes
    image, reconstruction = (greyscale(one) for one in frame.colours or (frame.image, frame.reconstruction))
    visible = np.array([name in drawing.visible for name in classes])
    segmentation = overlay(image, frame.labels, colours, opacity=drawing.opacity, outline_only=drawing.outline, visible=visible)
    pictures: tuple[tuple[str, Array], ...] = (
        ("Input", image),
        ("Segmentation", segmentation),
        ("Reconstruction", reconstruction),
        ("Absolute difference", mean_of_colours(absolute_difference(image, reconstruction))),
    )
    sheet = Figure(figsize=(7.2, 1.75 / view.ratio + 0.6), layout=ConstrainedLayoutEngine(h_pad=0.06))
    every = sheet.subplots(1, 4)
    for axes, (title, picture) in zip(every, pictures, strict=True):
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255, aspect=view.shape[1] / view.shape[0] / view.ratio, interpolation="nearest")
        axes.set_title(title, fontsize=8)
        axes.set_axis_off()
        _letter(axes, view)
    if has_geometry(scan.segmented.scan):
        _scale_bar(every[0], _millimetres_a_column(scan, view))
    handles = [Patch(color=colours[i] / 255, label=classes[i]) for i in range(1, len(classes)) if visible[i]]
    if handles:
        sheet.legend(handles=handles, loc="outside lower left", ncols=len(handles), fontsize=7, frameon=False, borderpad=0)
    figures = f"Dice {ratio(frame.dice_vs_clean)} against ε = 0, PSNR {frame.psnr:.1f} dB"
    sheet.supxlabel(f"{_settings(request)}\n{figures}", fontsize=7, x=0.995, ha="right", linespacing=1.4)
    return sheet


def curve_figure(request: FrameRequest, swapped: Curve, dropped: Curve) -> Figure:
    """Dice, agreement and PSNR of an acquired slice: solid lines over epsilon, dashed lines over the rate of feature dropout.

    The upright axes fit the data and say where they begin.

    Args:
        request: The slice and its settings; epsilon is marked.
        swapped: The result of `curve`. Dice against the ground truth is drawn if it is there.
        dropped: The result of `dropout_curve`.

    Returns:
        A matplotlib figure, 7.2 inches wide.
    """
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    sheet = Figure(figsize=(7.2, 2.9), layout="constrained")
    shares, decibels = sheet.subplots(1, 2, width_ratios=(3, 2))
    looks = dict(zip(CURVE_TITLES, CURVE_COLOURS, strict=True))
    places = (("dice_vs_clean", shares), ("agreement", shares), ("dice_vs_truth", shares), ("psnr", decibels))
    drawn = {name: place for name, place in zip(CURVE_TITLES, places, strict=True) if place[0] in swapped}
    values_of: dict[Axes, list[float | None]] = {shares: [], decibels: []}
    for values, x, dash in ((swapped, "epsilon", "-"), (dropped, "rate", "--")):
        for name, (key, axes) in drawn.items():
            # None becomes NaN, a gap in the line: neither picture has a structure there.
            steps, points = np.array(values[x], dtype=float), np.array(values[key], dtype=float)
            values_of[axes] += [value for step, value in zip(steps, values[key], strict=True) if x == "epsilon" or step <= FITTED_RATE]
            axes.plot(steps, points, dash, color=looks[name], linewidth=1.6 if dash == "-" else 1.2)
    for axes, label, fit in ((shares, "share", SHARES), (decibels, "PSNR in dB", DECIBELS)):
        low, high = fitted(values_of[axes], fit)
        axes.axvline(request.strength, color="0.2", linewidth=0.8, linestyle=":")
        axes.set(xlim=(0, 1), ylim=(low, high + 0.02 * (high - low)), xlabel="ε or p", ylabel=axis_title(label, low))
        axes.grid(color="0.9", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=7)
        axes.xaxis.label.set_size(8)
        axes.yaxis.label.set_size(8)
    handles = [Line2D([], [], color=looks[name], label=name) for name in drawn]
    handles += [Line2D([], [], color="0.4", label="QPM at ε"), Line2D([], [], color="0.4", linestyle="--", label="dropout at p")]
    sheet.legend(handles=handles, loc="outside upper left", ncols=len(handles), fontsize=7, frameon=False)
    sheet.supxlabel(_settings(request), fontsize=7, x=0.995, ha="right")
    return sheet


def curve_file(scan: OpenScan, request: FrameRequest, kind: object) -> dict[str, Any]:
    """The figure of the curves. Each call decodes a few more points.

    Args:
        scan: The scan.
        request: The slice and its settings; epsilon is marked.
        kind: One of CURVE_FIGURES.

    Returns:
        "bytes": base64 of the file. Until all points are decoded: "done" and "of", numbers of points; ask again with the same request.

    Raises:
        RequestError: For another kind, or if the plane is not that of the acquired slices.
    """
    if kind not in CURVE_FIGURES:
        raise RequestError(f"kind must be one of {', '.join(CURVE_FIGURES)}, got {kind!r}")
    replay = CURVES.advance(scan, request)
    if replay.done < POINTS:
        return {"done": replay.done, "of": POINTS}
    return base64_answer(written(curve_figure(request, *replay.curves()), str(kind).removeprefix("curves-")))


def written(sheet: Figure, file_format: str) -> bytes:
    """A figure as the content of a file.

    Args:
        sheet: The figure.
        file_format: One of FIGURE_FORMATS.

    Returns:
        The file's bytes, the same for the same figure; pixels are at 300 dpi.
    """
    import matplotlib

    # An SVG would hold the time and random names.
    matplotlib.rcParams["svg.hashsalt"] = "vqseg"
    content = io.BytesIO()
    sheet.savefig(content, format=file_format, dpi=300, metadata={"Date": None} if file_format == "svg" else None)
    return content.getvalue()


def _settings(request: FrameRequest) -> str:
    """All settings of the picture except the scan and the checkpoint."""
    reach = "" if request.reach is None else f", reach {request.reach:g}"
    text = f"{request.plane} slice {request.index}, ε = {request.strength:g}, {request.mode}{reach}, seed {request.seed}"
    forced = edits_as_text(request.edits)
    return f"{text}, forced tokens {forced if len(forced) <= 40 else forced.count('_') + 1}" if forced else text


def _letter(axes: Axes, view: PlaneView) -> None:
    from matplotlib.patheffects import withStroke

    places = ((0.5, 0.98, "center", "top"), (0.98, 0.5, "right", "center"), (0.5, 0.02, "center", "bottom"), (0.02, 0.5, "left", "center"))
    for letter, (x, y, across, along) in zip(view.letters, places, strict=True):
        outlined = [withStroke(linewidth=1.5, foreground="black")]
        axes.text(x, y, letter, ha=across, va=along, transform=axes.transAxes, path_effects=outlined, **_OUTLINED)


def _millimetres_a_column(scan: OpenScan, view: PlaneView) -> float:
    """Width of a displayed pixel. A transposed picture has the first of its two array axes along its columns, else the second."""
    first, second = (axis for axis in range(3) if axis != view.axis)
    return scan.segmented.scan.spacing[first if view.transpose else second]


def _scale_bar(axes: Axes, millimetres: float) -> None:
    from matplotlib.patheffects import withStroke

    left, right = axes.get_xlim()
    fitting = [bar for bar in _BARS if bar / millimetres <= abs(right - left) / 4]
    if not fitting:
        return
    share, outlined = fitting[-1] / millimetres / abs(right - left), [withStroke(linewidth=1.5, foreground="black")]
    axes.plot((0.04, 0.04 + share), (0.05, 0.05), color="white", linewidth=1.5, transform=axes.transAxes, path_effects=outlined)
    label = f"{fitting[-1]} mm"
    axes.text(0.04 + share / 2, 0.07, label, ha="center", va="bottom", transform=axes.transAxes, path_effects=outlined, **_OUTLINED)
