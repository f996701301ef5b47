"""The sensitivity of checkpoints -> sensitivity.json, .md and .png: every kind, reach and strength with effect, Dice and cross-entropy."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vqseg.experiments.runs import made_here
from vqseg.experiments.sensitivity import Point, Sensitivity
from vqseg.files import write_whole
from vqseg.quantization.perturbation import perturbation_named

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NAME, _TITLE = "sensitivity", "What each perturbation does to a finished checkpoint"
# A loss of Dice that a table's last column looks for.
_LOSS = 0.05
_MARKERS = "os^vDPX"


def write_sensitivity(found: Sequence[Sensitivity], output: Path, *, seed: int, seconds: float, command: str) -> list[Path]:
    """Write sensitivity.json, sensitivity.md and sensitivity.png.

    Args:
        found: One for each checkpoint, at least one.
        output: Folder to write into.
        seed: Of the slices and of all random numbers.
        seconds: That the measuring took in all.
        command: That makes the same files again.

    Returns:
        The files.
    """
    output.mkdir(parents=True, exist_ok=True)
    how = {"command": command, "seed": seed, "seconds": round(seconds, 1), **made_here()}
    files = [output / f"{_NAME}.{ending}" for ending in ("json", "md", "png")]
    values = {"table": _NAME, "title": _TITLE, **how, "checkpoints": list(found)}
    write_whole(files[0], json.dumps(values, indent=1, allow_nan=False) + "\n")
    write_whole(files[1], _markdown(found, how))
    _plot(found, files[2])
    return files


def line_name(point: Point, checkpoint: Sensitivity) -> str:
    """How a line is called in tables and figures.

    Args:
        point: Any of the line's points.
        checkpoint: The checkpoint that it was measured on.
    """
    title, reach = perturbation_named(point["kind"]).title, point["reach"]
    if reach is None:
        return title
    size = checkpoint["codebook_size"]
    # The same words for every checkpoint, whatever the sizes of their codebooks: a figure has one legend.
    words = {
        float(size // 2): "half of the codewords",
        1.0: "nearest alone",
        size - 1.0: "any codeword",
        checkpoint["own_reach"]: "own reach",
    }
    return f"{title}, {words.get(reach, f'reach {reach:g}')}"


def _by_line(checkpoint: Sensitivity) -> dict[str, list[Point]]:
    found: dict[str, list[Point]] = {}
    for point in checkpoint["points"]:
        found.setdefault(line_name(point, checkpoint), []).append(point)
    return found


def _markdown(found: Sequence[Sensitivity], how: dict[str, object]) -> str:
    lines = [f"# {_TITLE}", ""]
    for checkpoint in found:
        lines += [*_section(checkpoint), ""]
    lines.append(
        "Nothing was trained. Every slice was encoded once; a perturbation then changed what the segmentation decoder reads. Effect: "
        "squared displacement of a token over the variance of the codewords, both under the use of the codewords on these slices. Dice: of "
        "each structure over all slices together, then the mean over the structures. Cross-entropy: against the truth, nats a pixel. "
        f"Islands were not dropped. Seed {how['seed']}; {how['hardware']}; {how['seconds']} seconds in all; version {how['version']}; "
        f"{how['date']}. Command: `{how['command']}`. Every single value: the JSON file of the same name."
    )
    return "\n".join(lines) + "\n"


def _section(checkpoint: Sensitivity) -> list[str]:
    """One checkpoint: what it was measured on, Dice against the truth with the effect, and the other two measures."""
    cases = len({case for case, _ in checkpoint["slices"]})
    origin = (
        f"Weights {checkpoint['weights']}; {len(checkpoint['slices'])} validation slices with structures, of {cases} volumes of "
        f"{checkpoint['data']}; {checkpoint['codebook_size']} codewords; own reach {checkpoint['own_reach']:.1f}. Without perturbation: "
        f"Dice {checkpoint['dice']:.3f}, cross-entropy {checkpoint['cross_entropy']:.4f}."
    )
    return [
        f"## {checkpoint['checkpoint']}",
        "",
        origin,
        "",
        f"Dice against the truth, with the effect, at strength epsilon or rate p. Last: where it is first lower by {_LOSS:g}.",
        "",
        *_table(
            checkpoint,
            lambda point: f"{point['dice']:.3f} ({point['effect']:.3g})",
            {f"{_LOSS:g} lower": lambda points: _first_loss(points, checkpoint["dice"])},
        ),
        "",
        "Dice against the unperturbed answer, with the cross-entropy against the truth:",
        "",
        *_table(checkpoint, lambda point: f"{point['dice_unperturbed']:.3f} ({point['cross_entropy']:.4f})", {}),
    ]


def _table(checkpoint: Sensitivity, cell: Callable[[Point], str], beside: Mapping[str, Callable[[Sequence[Point]], str]]) -> Iterator[str]:
    """A row a line and a column a strength, filled by `cell`, and the columns of `beside` behind them."""
    by_line = _by_line(checkpoint)
    strengths = [f"{point['strength']:g}" for point in next(iter(by_line.values()))]
    yield f"| {' | '.join(['perturbation', *strengths, *beside])} |"
    yield "|" + "---|" * (1 + len(strengths) + len(beside))
    for name, points in by_line.items():
        yield f"| {' | '.join([name, *map(cell, points), *(column(points) for column in beside.values())])} |"


def _first_loss(points: Sequence[Point], clean: float) -> str:
    """The smallest measured strength at which the Dice has fallen by the loss that is looked for, with its effect."""
    for point in points:
        if point["dice"] <= clean - _LOSS:
            return f"at {point['strength']:g} (effect {point['effect']:.3g})"
    return "nowhere"


def _plot(found: Sequence[Sensitivity], file: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.5, 2.9 * len(found) + 1), layout="constrained")
    for row, checkpoint in enumerate(found):
        over_strength, over_effect = (figure.add_subplot(len(found), 2, 2 * row + column) for column in (1, 2))
        _draw(over_strength, checkpoint, "strength")
        _draw(over_effect, checkpoint, "effect")
        over_strength.set(title=checkpoint["checkpoint"], xlabel="strength epsilon or rate p", ylabel="Dice against unperturbed")
        over_effect.set(title=checkpoint["checkpoint"], xscale="log", xlabel="effect: squared displacement / variance")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8)
    figure.savefig(file, dpi=80)


def _draw(axes: Axes, checkpoint: Sensitivity, over: Literal["strength", "effect"]) -> None:
    """A line a kind and reach, its colour and marker those of the kind; the farther it goes, the stronger the colour."""
    by_line = _by_line(checkpoint)
    kinds = list(dict.fromkeys(points[0]["kind"] for points in by_line.values()))
    for name, points in by_line.items():
        kind = points[0]["kind"]
        alike = [other for other, theirs in by_line.items() if theirs[0]["kind"] == kind]
        axes.plot(
            [point[over] for point in points],
            [point["dice_unperturbed"] for point in points],
            color=f"C{kinds.index(kind)}",
            alpha=0.3 + 0.7 * (alike.index(name) + 1) / len(alike),
            marker=_MARKERS[kinds.index(kind) % len(_MARKERS)],
            markersize=4,
            linewidth=1.2,
            label=name,
        )
    axes.set_ylim(-0.03, 1.03)
    axes.grid(alpha=0.3)
    axes.set_axisbelow(True)
