"""A table as a picture: bars, lines over a setting, or results over how far a perturbation moves a token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vqseg.experiments.cells import Table
from vqseg.experiments.differences import Difference
from vqseg.experiments.rows import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Of Dice, in the plots of lines.
_LEAST_SPAN = 0.05
_EFFECT = "effect: squared displacement of a token / variance of the codewords"


def draw(table: Table, rows: Sequence[Row], found: Sequence[Difference], file: Path) -> None:
    """Draw a table.

    Args:
        table: What it compares.
        rows: With their results; at least one has some.
        found: The differences between them.
        file: The picture to write.
    """
    from matplotlib.figure import Figure

    ran = [row for row in rows if row.results]
    lined = any(row.cell.x is not None for row in ran)
    panels: list[Callable[[Axes], None]]
    if table.over_effect and not lined and found:
        # While only rows without a series have run there is nothing to draw over the effect.
        panels = [_differences_of(found, ran, against) for against in _baselines(found, ran)] or [lambda axes: _bars(axes, ran)]
    elif table.over_effect and lined:
        panels = [lambda axes: _lines(axes, table, ran), lambda axes: _over_effect(axes, ran)]
    elif lined:
        panels = [lambda axes: _lines(axes, table, ran)]
    else:
        panels = [lambda axes: _bars(axes, ran)]
    figure = Figure(figsize=(7 if len(panels) == 1 else 6 * len(panels), 4.2), layout="constrained")
    for number, panel in enumerate(panels, 1):
        axes = figure.add_subplot(1, len(panels), number)
        panel(axes)
        axes.grid(alpha=0.3)
        axes.set_axisbelow(True)
    if len(panels) == 1:
        figure.axes[0].set_title(table.title)
    else:
        figure.suptitle(table.title)
    _legend(figure)
    figure.savefig(file, dpi=150)


def _legend(figure: Figure) -> None:
    """One legend for all panels, below them: inside, it would lie over bars of error."""
    lines = [axes.get_legend_handles_labels() for axes in figure.axes]
    drawn = {label: handle for handles, labels in lines for handle, label in zip(handles, labels, strict=True)}
    if drawn:
        figure.legend(drawn.values(), drawn.keys(), loc="outside lower center", ncols=2 * len(figure.axes))


def _mean(row: Row) -> float:
    return float(np.mean(row.scores("dice")))


def _spread(row: Row) -> float:
    return float(np.std(row.scores("dice"), ddof=1)) if len(row.results) > 1 else 0.0


def _bars(axes: Axes, ran: Sequence[Row]) -> None:
    bars = axes.barh([row.cell.row for row in ran], [_mean(row) for row in ran], xerr=[_spread(row) for row in ran], color="#3b6ea5")
    axes.bar_label(bars, fmt="%.3f", padding=3)
    axes.margins(x=0.12)
    axes.invert_yaxis()
    axes.set_xlabel("validation Dice")


def _lines(axes: Axes, table: Table, ran: Sequence[Row]) -> None:
    for series in _series(ran):
        line = [row for row in ran if row.cell.series == series]
        _errorbar(axes, [row.cell.x or 0 for row in line], line, series)
    _level(axes, ran)
    axes.set(xlabel=table.x_label, ylabel="validation Dice")
    _widen(axes)
    if table.log_x:
        values = sorted({row.cell.x or 0 for row in ran})
        axes.set_xscale("log")
        axes.set_xticks(values, [f"{value:g}" for value in values])
        axes.set_xticks([], minor=True)


def _over_effect(axes: Axes, ran: Sequence[Row]) -> None:
    for series in _series(ran):
        line = sorted((row for row in ran if row.cell.series == series and row.effect), key=lambda row: row.effect or 0)
        _errorbar(axes, [row.effect or 0 for row in line], line, series)
    _level(axes, ran)
    axes.set(xlabel=_EFFECT, ylabel="validation Dice")
    _log_effect(axes)
    _widen(axes)


def _errorbar(axes: Axes, x: Sequence[float], line: Sequence[Row], label: str) -> None:
    spreads = [_spread(row) for row in line]
    axes.errorbar(x, [_mean(row) for row in line], spreads if any(spreads) else None, marker="o", capsize=3, label=label)


def _level(axes: Axes, ran: Sequence[Row]) -> None:
    """Rows of a plot of lines that have no place on its axis: a level that the lines can be compared with."""
    for row in ran:
        if row.cell.x is None:
            axes.axhline(_mean(row), color="#555555", linestyle="--", linewidth=1, label=row.cell.row)


def _series(ran: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row.cell.series for row in ran if row.cell.x is not None))


def _baselines(found: Sequence[Difference], ran: Sequence[Row]) -> list[str]:
    """The rows that the rows of some series are compared with."""
    placed = {row.cell.row for row in ran if row.cell.series}
    return list(dict.fromkeys(one["against"] for one in found if one["row"] in placed))


def _differences_of(found: Sequence[Difference], ran: Sequence[Row], against: str) -> Callable[[Axes], None]:
    """The differences from one row over effect, a line for each series."""
    by_row = {row.cell.row: row for row in ran}
    chosen = [(by_row[one["row"]], one) for one in found if one["against"] == against]

    def panel(axes: Axes) -> None:
        for series in dict.fromkeys(row.cell.series for row, _ in chosen if row.cell.series):
            line = [(row, one) for row, one in chosen if row.cell.series == series and row.effect]
            points = sorted((row.effect, one["mean"], _half_width(one)) for row, one in line)
            effects, means, reaches = zip(*points, strict=True) if points else ((), (), ())
            axes.errorbar(effects, means, reaches if any(reaches) else None, marker="o", capsize=3, label=series)
        axes.axhline(0.0, color="#555555", linestyle="--", linewidth=1)
        axes.set(xlabel=_EFFECT, ylabel="Dice, difference within a seed\n(95 % interval, from three seeds on)", title=f"against: {against}")
        _log_effect(axes)

    return panel


def _half_width(one: Difference) -> float:
    """Half of what is drawn. That of two seeds is many times as wide as their spread: it would set the axis and say nothing."""
    return one["high"] - one["mean"] if one["high"] is not None and len(one["seeds"]) > 2 else 0.0


def _log_effect(axes: Axes) -> None:
    """A logarithmic axis with plain numbers; those of the default collide on less than two decades."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())


def _widen(axes: Axes) -> None:
    # Stretched to the full height, the noise of single runs would look like a trend.
    low, high = axes.get_ylim()
    spare = max(0.0, (_LEAST_SPAN - (high - low)) / 2)
    axes.set_ylim(low - spare, high + spare)
