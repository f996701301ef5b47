"""Plain SVG charts for a self-contained page that prints well. Colours are classes of the page's style sheet.

Every function returns an SVG element as text and escapes the text it is given.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np

from vqseg.shares import percent
from vqseg.types import Array


@dataclass(frozen=True)
class Axis:
    """low, high: the axis' range. ticks: (value, text). log: a logarithmic axis, whose values must be positive."""

    title: str
    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    log: bool = False

    def share(self, values: Array) -> Array:
        """Where values lie between low (0) and high (1)."""
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        given = np.log(values) if self.log else np.asarray(values, dtype=float)
        return (given - low) / max(high - low, 1e-12)


def decades(title: str, low: float, high: float) -> Axis:
    """A logarithmic axis with a tick at each power of ten.

    Args:
        title: Of the axis.
        low: Smallest value, positive; the axis begins at the power of ten at or below it.
        high: Largest value; the axis ends at a power of ten above it.
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(max(high, low) * 1.0001))
    ticks = [(10.0**power, f"{10.0**power:,.0f}" if power >= 0 else f"{10.0**power:g}") for power in range(first, last + 1)]
    return Axis(title, 10.0**first, 10.0**last, ticks, log=True)


def evenly(title: str, low: float, high: float, count: int = 5, form: str = "{:g}") -> Axis:
    """A linear axis with evenly spread ticks.

    Args:
        title: Of the axis.
        low: Where the axis begins.
        high: Where it ends.
        count: Number of ticks.
        form: Format of a tick's number.
    """
    return Axis(title, low, high, [(value, form.format(value)) for value in np.linspace(low, high, count)])


@dataclass
class Plot:
    """A frame with two axes; marks are added, then `svg` gives the element."""

    x: Axis
    y: Axis
    width: int = 480
    height: int = 280
    label: str = ""
    _marks: list[str] = field(default_factory=list)

    _LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 12, 44

    def places(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Values on the axes -> pixels.

        Args:
            x: Of any shape.
            y: The same shape.

        Returns:
            Pixels from the left, pixels from the top.
        """
        across = self._LEFT + self.x.share(np.asarray(x)) * (self.width - self._LEFT - self._RIGHT)
        down = self.height - self._BOTTOM - self.y.share(np.asarray(y)) * (self.height - self._TOP - self._BOTTOM)
        return across, down

    def line(self, x: Array, y: Array, css: str) -> None:
        """A line through points, thinned to what the eye can tell apart.

        Args:
            x: (n,).
            y: (n,).
            css: Colour class.
        """
        keep = np.unique(np.geomspace(1, len(x), min(len(x), 400)).astype(int) - 1) if len(x) > 400 else np.arange(len(x))
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(*self.places(np.asarray(x)[keep], np.asarray(y)[keep]), strict=True))
        self._marks.append(f'<polyline class="line {css}" points="{points}"/>')

    def dots(self, x: Array, y: Array, css: str, texts: Sequence[str] = ()) -> None:
        """A dot at each point.

        Args:
            x: (n,).
            y: (n,).
            css: Colour class.
            texts: Tooltips, one per point or none.
        """
        for index, (a, b) in enumerate(zip(*self.places(x, y), strict=True)):
            title = f"<title>{escape(texts[index])}</title>" if texts else ""
            self._marks.append(f'<circle class="dot {css}" cx="{a:.1f}" cy="{b:.1f}" r="4">{title}</circle>')

    def bars(self, edges: Array, stacks: Sequence[tuple[str, Array, str]]) -> None:
        """Stacked bars.

        Args:
            edges: (n + 1,), along x.
            stacks: (colour class, heights (n,), name), the lowest first.
        """
        bottom = np.zeros(len(edges) - 1)
        for css, heights, name in stacks:
            for index in np.flatnonzero(heights):
                (left, right), (low, high) = self.places(
                    edges[index : index + 2], np.array([bottom[index], bottom[index] + heights[index]])
                )
                title = f"<title>{escape(name)}: {heights[index]:,.0f}</title>"
                self._marks.append(
                    f'<rect class="{css}" x="{left + 0.5:.1f}" y="{high:.1f}" width="{max(right - left - 1, 0.5):.1f}" '
                    f'height="{low - high:.1f}">{title}</rect>'
                )
            bottom = bottom + heights

    def rule(self, x: float, css: str, text: str) -> None:
        """A vertical line with a text at its top.

        Args:
            x: Where, on the axis.
            css: Colour class.
            text: The label.
        """
        (at, _), (low, high) = self.places(np.array([x, x]), np.array([self.y.low, self.y.high]))
        side = 'text-anchor="end" dx="-5"' if at > self.width * 0.6 else 'dx="5"'
        self._marks.append(f'<line class="{css}" x1="{at:.1f}" x2="{at:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>')
        self._marks.append(f'<text x="{at:.1f}" y="{high + 12:.1f}" {side}>{escape(text)}</text>')

    def svg(self) -> str:
        """The element, its axes below the marks."""
        bottom, left, grid = self.height - self._BOTTOM, self._LEFT, []
        for value, text in self.x.ticks:
            at = float(self.places(np.array([value]), np.array([self.y.low]))[0][0])
            grid.append(f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{self._TOP}" y2="{bottom}"/>')
            grid.append(f'<text x="{at:.1f}" y="{bottom + 16}" text-anchor="middle">{escape(text)}</text>')
        for value, text in self.y.ticks:
            at = float(self.places(np.array([self.x.low]), np.array([value]))[1][0])
            grid.append(f'<line class="grid" x1="{left}" x2="{self.width - self._RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
            grid.append(f'<text x="{left - 8}" y="{at + 4:.1f}" text-anchor="end">{escape(text)}</text>')
        middle = (left + self.width - self._RIGHT) / 2
        grid.append(f'<text class="title" x="{middle}" y="{self.height - 6}" text-anchor="middle">{escape(self.x.title)}</text>')
        turned = f"rotate(-90 14 {bottom / 2})"
        grid.append(f'<text class="title" x="14" y="{bottom / 2}" transform="{turned}" text-anchor="middle">{escape(self.y.title)}</text>')
        return _element(self.width, self.height, "".join(grid + self._marks), self.label)


def cloud(
    places: Array, groups: Iterable[tuple[str, Array]], *, side: int = 420, dot: float = 3.5, label: str = "", frame: bool = False
) -> str:
    """Points as round dots.

    Args:
        places: (n, 2), stretched to the picture; NaN for a point that is left out.
        groups: (colour class, indices or mask of its points), the last on top.
        side: Of the picture, in pixels.
        dot: Diameter in pixels.
        label: For screen readers.
        frame: Whether `places` are (row, column) shares of a slice in [0, 1], drawn in a frame and not stretched.
    """
    if frame:
        shown = places[:, ::-1] * side
    else:
        low, high = np.nanmin(places, 0), np.nanmax(places, 0)
        shown = 6 + (places - low) / np.maximum(high - low, 1e-9) * (side - 12)
        shown[:, 1] = side - shown[:, 1]
    parts = ['<rect class="frame" width="100%" height="100%"/>' if frame else ""]
    for css, members in groups:
        # One path for all: a stroke of no length with round ends is a dot.
        dots = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in shown[members] if math.isfinite(x))
        parts.append(f'<path class="cloud {css}" stroke-width="{dot}" d="{dots}"/>' if dots else "")
    return _element(side, side, "".join(parts), label)


def shares_bar(shares: Sequence[float], names: Sequence[str], width: int = 120) -> str:
    """One narrow stacked bar in the classes' colours.

    Args:
        shares: One per class; they add up to 1.
        names: Of the classes.
        width: In pixels.
    """
    left, parts = 0.0, []
    for index, (share, name) in enumerate(zip(shares, names, strict=True)):
        if share > 0:
            title = f"<title>{escape(name)} {percent(share)}</title>"
            parts.append(f'<rect class="c{index % 8}" x="{left:.1f}" width="{share * width:.1f}" height="10">{title}</rect>')
            left += share * width
    return _element(width, 10, "".join(parts), "class mix", fluid=False)


def heat(values: Array, rows: Sequence[str], columns: Sequence[str], *, cell: int = 14, label: str = "") -> str:
    """Shares as coloured cells.

    Args:
        values: (n, m) in [0, 1].
        rows: n names, shown at the left.
        columns: m names, shown as tooltips.
        cell: Width of a cell in pixels.
        label: For screen readers.
    """
    left = 8 + 7 * max(len(row) for row in rows)
    parts = []
    for row, name in enumerate(rows):
        parts.append(f'<text x="{left - 6}" y="{(row + 0.5) * (cell + 8) + 4:.1f}" text-anchor="end">{escape(name)}</text>')
        for column, text in enumerate(columns):
            value = float(values[row, column])
            title = f"<title>{escape(text)}, {escape(name)}: {percent(value)}</title>"
            parts.append(
                f'<rect class="c{row % 8}" style="opacity:{0.04 + 0.96 * value:.2f}" x="{left + column * cell}" '
                f'y="{row * (cell + 8)}" width="{cell - 1}" height="{cell + 6}">{title}</rect>'
            )
    return _element(left + cell * len(columns), len(rows) * (cell + 8), "".join(parts), label)


def _element(width: float, height: float, content: str, label: str, *, fluid: bool = True) -> str:
    size = "" if fluid else f' width="{width}" height="{height}"'
    name = f' role="img" aria-label="{escape(label)}"' if label else ""
    return f'<svg viewBox="0 0 {width} {height}"{size}{name} xmlns="http://www.w3.org/2000/svg">{content}</svg>'
