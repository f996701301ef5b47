"""The evolution of a codebook during training: its snapshots for the browser, and as an animated GIF."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from app.scan.frame_request import RequestError
from app.scan.open_scan import OpenScan
from app.scan.render import packed
from vqseg.codebook import perplexity, share_in_use
from vqseg.shares import percent
from vqseg.types import Array

if TYPE_CHECKING:
    from vqseg.codebook import CodebookStatistics

_MILLISECONDS, _LAST = 900, 2500
_TEAL, _GREY, _INK = "#0d736e", "#c3ced4", "#36434c"


def evolution(scan: OpenScan, request: dict[str, Any]) -> dict[str, Any]:
    """The snapshots of the training.

    Args:
        scan: The scan on show.
        request: Unused.

    Returns:
        "steps": T training steps; None if the checkpoint has no snapshots. "places": packed (T, K, 2) float32. "counts": packed
        (T, K) int32, -1 for a codeword that did not exist yet. "utilisation" and "perplexity": T numbers each.
    """
    known = _moments(scan.model.statistics)
    if known is None:
        return {"steps": None}
    steps, places, counts = known
    return {
        "steps": steps.tolist(),
        "places": packed(places.astype(np.float32)),
        "counts": packed(counts.astype(np.int32)),
        "utilisation": share_in_use(counts).tolist(),
        "perplexity": [perplexity(one) for one in counts],
    }


def film(scan: OpenScan, request: dict[str, Any]) -> dict[str, Any]:
    """The evolution as an animated GIF.

    Args:
        scan: The scan on show.
        request: Unused.

    Returns:
        "bytes": base64 of the file.

    Raises:
        RequestError: If the checkpoint has no snapshots.
    """
    known = _moments(scan.model.statistics)
    if known is None:
        raise RequestError("this checkpoint has no snapshots of its training")
    return {"bytes": base64.b64encode(draw_film(*known)).decode("ascii")}


def draw_film(steps: Array, places: Array, counts: Array) -> bytes:
    """Draw the evolution: the map on the left, utilisation and perplexity on the right.

    Args:
        steps: (T,) training steps.
        places: (T, K, 2) places of the codewords on the map.
        counts: (T, K) how often each codeword was chosen, -1 if it did not exist yet.

    Returns:
        An animated GIF.
    """
    low, high = places.min((0, 1)), places.max((0, 1))
    rim = 0.04 * (high - low)
    pictures = [_picture(moment, steps, places, counts, low - rim, high + rim) for moment in range(len(steps))]
    # All frames share one palette, so that the colours do not flicker.
    palette = pictures[-1].quantize(64)
    frames = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    file = io.BytesIO()
    durations = [_MILLISECONDS] * (len(frames) - 1) + [_LAST]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0, optimize=True)
    return file.getvalue()


def _moments(statistics: CodebookStatistics | None) -> tuple[Array, Array, Array] | None:
    if statistics is None or statistics.evolution is None or statistics.evolution_steps is None or statistics.evolution_counts is None:
        return None
    return statistics.evolution_steps, statistics.evolution, statistics.evolution_counts


def _picture(moment: int, steps: Array, places: Array, counts: Array, low: Array, high: Array) -> Image.Image:
    # Importing matplotlib takes a second, and only a saved film needs it.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 5.4), dpi=80, layout="constrained")
    places_of = figure.subplot_mosaic([["map", "utilisation"], ["map", "perplexity"]], width_ratios=(1.9, 1))
    used, share = counts[moment] > 0, float(share_in_use(counts[moment]))
    axes = places_of["map"]
    # The more codewords, the smaller the points.
    area = float(np.clip(24_000 / len(used), 5, 30))
    for mask, colour in ((counts[moment] == 0, _GREY), (used, _TEAL)):
        x, y = places[moment][mask].T
        axes.scatter(x, y, s=area, c=colour, linewidths=0)
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xticks=[], yticks=[], title=f"step {steps[moment]:,}: {percent(share)} in use")
    for spine in axes.spines.values():
        spine.set_color(_GREY)
    curves = {"utilisation": share_in_use(counts), "perplexity": np.array([perplexity(one) for one in counts])}
    for title, values in curves.items():
        plot = places_of[title]
        plot.plot(steps, values, color=_TEAL, linewidth=2)
        plot.plot(steps[moment], values[moment], "o", color=_INK, markersize=8)
        plot.set(title=title, ylim=(0, None), xlabel="training step" if title == "perplexity" else "")
        plot.spines[["top", "right"]].set_visible(False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return Image.open(buffer).convert("RGB")
