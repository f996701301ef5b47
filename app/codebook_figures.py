"""The Codebook tab's plotly figures. Heights (page.css) and the colour of text (codes.js) are set in the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

if TYPE_CHECKING:
    from vqseg.codebook import CodebookStatistics

# The order of the map's traces; components/codes.js counts on it.
DEAD, ACTIVE, SLICE, BROUGHT_IN = range(4)

_LAYOUT = {
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "uirevision": "keep",
    "hoverlabel": {"font": {"size": 14}},
    "font": {"size": 14, "color": "#64757f"},
}


def codeword_map(statistics: CodebookStatistics, classes: tuple[str, ...]) -> go.Figure:
    """The projection of the codewords: never chosen, chosen (by usage, log), two empty traces for the slice on view, the colour bar."""
    dead, active = np.flatnonzero(statistics.counts == 0), np.flatnonzero(statistics.counts > 0)
    counts = statistics.counts[active]
    names = np.array(classes)[statistics.majority_class[active]] if len(active) else np.array([])
    ticks = range(int(np.log10(counts.max())) + 1 if len(active) else 1)
    scale = {"colorscale": "Viridis", "cmin": 0.0, "cmax": float(np.log10(counts.max())) if len(active) else 1.0}
    figure = go.Figure()
    figure.add_scattergl(
        **_positions(statistics, dead),
        name="never chosen",
        mode="markers",
        marker={"size": 3, "color": "#93a3ad", "opacity": 0.5},
        customdata=dead,
        hovertemplate="code %{customdata}<br>never chosen<extra></extra>",
    )
    figure.add_scattergl(
        **_positions(statistics, active),
        name="in use",
        mode="markers",
        marker={
            "size": 7,
            "line": {"width": 0.5, "color": "rgba(13,18,22,.45)"},
            "color": np.log10(counts),
            **scale,
        },
        customdata=np.stack([active.astype(object), counts.astype(object), names.astype(object)], -1) if len(active) else None,
        hovertemplate="code %{customdata[0]}<br>%{customdata[1]:,} tokens<br>mostly %{customdata[2]}<extra></extra>",
        showlegend=False,
    )
    for name, colour, opacity in (("in this view", "#64757f", 0.45), ("brought in by ε", "#d81b9a", 0.9)):
        figure.add_scattergl(
            x=[],
            y=[],
            name=name,
            mode="markers",
            # A slice may use a thousand codes: thin and half transparent, so that their colours stay to be read.
            marker={"size": 9, "symbol": "circle-open", "color": colour, "opacity": opacity, "line": {"width": 1}},
            hovertemplate="code %{customdata}<extra>" + name + "</extra>",
        )
    # The colour bar has a trace of its own: plotly draws none beside markers that differ in opacity.
    bar = {
        "title": {"text": "tokens", "side": "right", "font": {"size": 14}},
        "tickvals": list(ticks),
        "ticktext": [f"{10**t:,}" for t in ticks],
        "thickness": 10,
        "len": 0.9,
        "x": 1.0,
        "xpad": 4,
    }
    figure.add_scattergl(
        x=[None],
        y=[None],
        mode="markers",
        hoverinfo="skip",
        showlegend=False,
        marker={"color": [0], "showscale": True, "colorbar": bar, **scale},
    )
    figure.update_layout(
        **_LAYOUT,
        margin={"l": 4, "r": 4, "t": 36, "b": 4},
        legend={"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom"},
        dragmode="pan",
    )
    figure.update_xaxes(visible=False)
    # A UMAP has no scale: its axes may be stretched to the room there is.
    figure.update_yaxes(visible=False)
    return figure


def rank_frequency(statistics: CodebookStatistics) -> go.Figure:
    """Tokens per codeword from the most to the least chosen, both axes logarithmic."""
    counts = np.sort(statistics.counts[statistics.counts > 0])[::-1]
    figure = go.Figure()
    figure.add_scatter(
        x=np.arange(1, len(counts) + 1),
        y=counts,
        mode="lines",
        line={"width": 3, "color": "#239089"},
        hovertemplate="rank %{x:,}<br>%{y:,} tokens<extra></extra>",
    )
    figure.update_layout(
        **_LAYOUT,
        margin={"l": 4, "r": 12, "t": 40, "b": 4},
        showlegend=False,
        title={"text": "Usage by rank", "font": {"size": 15}, "x": 0},
    )
    figure.update_xaxes(
        type="log",
        title={"text": "rank of the codeword", "font": {"size": 14}},
        dtick=1,
        gridcolor="rgba(128,140,150,.25)",
        automargin=True,
    )
    figure.update_yaxes(
        type="log", title={"text": "tokens", "font": {"size": 14}}, dtick=1, gridcolor="rgba(128,140,150,.25)", automargin=True
    )
    return figure


def _positions(statistics: CodebookStatistics, codes: np.ndarray) -> dict[str, np.ndarray]:
    x, y = statistics.projection[codes].T
    return {"x": x, "y": y}


def code_colours(statistics: CodebookStatistics) -> np.ndarray:
    """(K, 3) uint8: codes that lie together on the map look alike. The map's two axes go from 0 to 1 by rank."""
    places = np.argsort(np.argsort(statistics.projection, axis=0), axis=0) / max(1, len(statistics.projection) - 1)
    x, y = places.T
    return np.rint(40 + 195 * np.stack([x, y, 1 - (x + y) / 2], -1)).astype(np.uint8)
