"""The plotly figure of the Perturb tab, in plotly's own form. page.css sets its height; curves.js adds points and the text's colour."""

from __future__ import annotations

import json
from typing import Any

import plotly.graph_objects as go

from app.scan.figures import CURVE_COLOURS, CURVE_TITLES

# In the order of the traces. Four dashed traces of feature dropout follow in the same order, then four bands and four means.
CURVES, COLOURS = CURVE_TITLES, CURVE_COLOURS
# What frames and points of dropout call them: the browser fills the traces by these names.
FIGURES = ("dice_vs_clean", "agreement", "truth", "psnr")
# What app.scan.curves calls them.
NAMES = ("dice_vs_clean", "agreement", "dice_vs_truth", "psnr")

AXIS_TITLES = {"shares": "Dice, agreement", "decibels": "PSNR in dB"}


def strength_curves() -> dict[str, Any]:
    """Empty curves over epsilon and over the dropout rate: Dice and agreement on the left, PSNR on the right. "data" and "layout"."""
    figure = go.Figure()
    for dash, variable in (("solid", "ε"), ("dash", "dropout p =")):
        for name, colour in zip(CURVES, COLOURS, strict=True):
            # Enough decimals that no Dice looks like 1 and is not.
            axis, unit, digits = ("2", " dB", ".1f") if name == "PSNR" else ("", "", ".5~f")
            figure.add_scatter(
                x=[],
                y=[],
                name=name,
                legendgroup=name,
                showlegend=dash == "solid" and not axis,
                xaxis="x" + axis,
                yaxis="y" + axis,
                mode="lines",
                line={"width": 3 if dash == "solid" else 2, "color": colour, "dash": dash},
                hovertemplate=variable + " %{x:.2f}: %{y:" + digits + "}" + unit + "<extra>" + name + "</extra>",
            )
    figure.add_scatter(x=[None], y=[None], name="dropout at p", mode="lines", line={"width": 2, "color": "#93a3ad", "dash": "dash"})
    _add_bands(figure)
    figure.update_layout(
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        uirevision="keep",
        # The remaining buttons fit beside the legend.
        modebar={"remove": ["zoom", "pan", "select", "lasso", "zoomin", "zoomout", "autoscale"], "bgcolor": "rgba(0,0,0,0)"},
        hoverlabel={"font": {"size": 14}},
        font={"size": 13, "color": "#64757f"},
        margin={"l": 4, "r": 8, "t": 8, "b": 4},
        legend={"orientation": "h", "x": 0, "y": 1.04, "yanchor": "bottom", "font": {"size": 13}},
        xaxis={"domain": [0, 0.58], "title": {"text": "ε (share of tokens replaced) or p"}},
        yaxis={"range": [0, 1.02], "title": {"text": AXIS_TITLES["shares"], "font": {"size": 13}}},
        xaxis2={"domain": [0.7, 1], "anchor": "y2", "title": {"text": "ε or p"}},
        yaxis2={"anchor": "x2", "rangemode": "tozero", "title": {"text": AXIS_TITLES["decibels"], "font": {"size": 13}}},
    )
    figure.update_xaxes(range=[0, 1], gridcolor="rgba(128,140,150,.25)", automargin=True, zeroline=False)
    figure.update_yaxes(gridcolor="rgba(128,140,150,.25)", automargin=True, zeroline=False)
    # The template has the looks of traces that are not drawn here, most of it.
    figure.layout.template = None
    made: dict[str, Any] = json.loads(figure.to_json())
    return made


def _add_bands(figure: go.Figure) -> None:
    """For every curve a band over seeds, as an area, and then for every curve the mean, both empty."""
    for is_mean in (False, True):
        for name, colour in zip(CURVES, COLOURS, strict=True):
            axis, unit, digits = ("2", " dB", ".2f") if name == "PSNR" else ("", "", ".5~f")
            drawn: dict[str, Any] = {
                "line": {"width": 3, "color": colour},
                "hovertemplate": "ε %{x:.2f}: %{y:"
                + digits
                + "} ± %{customdata:"
                + digits
                + "}"
                + unit
                + "<extra>"
                + name
                + ", mean</extra>",
            }
            area = {"fill": "toself", "fillcolor": colour, "opacity": 0.22, "line": {"width": 0}, "hoverinfo": "skip"}
            more = drawn if is_mean else area
            figure.add_scatter(x=[], y=[], xaxis="x" + axis, yaxis="y" + axis, mode="lines", showlegend=False, **more)
