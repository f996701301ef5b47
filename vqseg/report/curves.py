"""The log of a run as curves, each a picture inside the page."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

Line = dict[str, Any]
# Panels: a title and the figures of the log that it has. A figure that the log lacks is left out.
PANELS = (
    ("Losses", ("segmentation", "unlabelled_segmentation", "reconstruction", "quantizer")),
    ("Dice", ("validation_dice", "dice_labelled")),
    ("Codebook", ("codewords_used", "replaced_share")),
    ("Pseudo-labels", ("confident_share", "structure_share", "unlabelled_weight")),
)
_SMOOTH = 9
_SIZE = (5.2, 2.6)


def read_lines(file: Path) -> list[Line]:
    """The lines of log.jsonl. A last line that was cut off is left out.

    Args:
        file: As the trainer writes it.
    """
    found = []
    for text in file.read_text(encoding="utf-8").splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict) and isinstance(line.get("step"), int):
            measured = line.get("validation")
            found.append({**line, "validation_dice": measured.get("dice")} if isinstance(measured, dict) else line)
    return found


def series(lines: Sequence[Line], name: str) -> tuple[list[int], list[float]]:
    """Steps and values of a figure, where the log has it.

    Args:
        lines: Of the log.
        name: Of the figure.
    """
    known = [(line["step"], float(line[name])) for line in lines if isinstance(line.get(name), (int, float))]
    return [step for step, _ in known], [value for _, value in known]


def panels(lines: Sequence[Line]) -> list[tuple[str, str]]:
    """Title and SVG of every panel that has something to show.

    Args:
        lines: Of the log.
    """
    found = []
    for title, names in PANELS:
        curves = {name: series(lines, name) for name in names}
        curves = {name: values for name, values in curves.items() if values[0]}
        if curves:
            found.append((title, _drawn(curves)))
    return found


def _drawn(curves: dict[str, tuple[list[int], list[float]]]) -> str:
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.subplots()
    for name, (steps, values) in curves.items():
        many = len(values) > 4 * _SMOOTH
        (line,) = axes.plot(steps, values, linewidth=0.8 if many else 1.6, alpha=0.35 if many else 1, marker=None if many else ".")
        if many:
            kernel = np.ones(_SMOOTH) / _SMOOTH
            # Only where the mean has all its values: at the ends it would bend towards zero.
            half = _SMOOTH // 2
            (line,) = axes.plot(steps[half:-half], np.convolve(values, kernel, "valid"), color=line.get_color(), linewidth=1.6)
        line.set_label(name.replace("_", " "))
    axes.set_xlabel("step")
    axes.grid(alpha=0.25)
    axes.legend(fontsize=8, frameon=False)
    file = io.StringIO()
    # Neither the day nor random names: the same log gives the same picture.
    figure.savefig(file, format="svg", metadata={"Date": None})
    text = file.getvalue()
    return text[text.index("<svg") :]
