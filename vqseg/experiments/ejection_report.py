"""Ejection fractions of checkpoints -> ef.json, ef.md and ef.png: a row for each patient, and a Bland-Altman plot for each checkpoint."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vqseg.cardiac import Agreement
from vqseg.experiments.ejection import WAYS, Ejection, Patient, Way
from vqseg.experiments.runs import made_here
from vqseg.files import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME, _TITLE = "ef", "Ejection fraction: checkpoints against the ground truth"
_WORDS: dict[Way, str] = {"all": "all slices", "contoured": "contoured slices"}
_HOW = (
    "Nothing was trained. The ejection fraction is that of the left ventricle's cavity, from the number of its voxels at end-diastole and "
    "at end-systole: a ratio, which needs no spacing. Truth: over the slices that people contoured, those of each phase in that phase. "
    "Dice: over the contoured slices. Errors are network minus truth in percentage points; limits of agreement: bias -+ 1.96 standard "
    "deviations (n - 1)."
)
_BOTH = (
    "Network, all slices: whatever it labels in the file. Network, contoured slices: its voxels in the slices that were contoured in the "
    "same phase; people have chosen the slices for it here."
)
_ONE = (
    "No file has a slice without a contour: each phase's file holds the slices that people contoured in that phase, and no others. So "
    "people have chosen the slices for the network at both phases, and what it would label above and below them is not in these errors."
)


def write_ejection(found: Sequence[Ejection], output: Path, *, seconds: float, command: str) -> list[Path]:
    """Write ef.json, ef.md and ef.png.

    Args:
        found: One for each checkpoint, at least one.
        output: Folder to write into.
        seconds: That the measuring took in all.
        command: That makes the same files again.

    Returns:
        The files.
    """
    output.mkdir(parents=True, exist_ok=True)
    how = {"command": command, "seconds": round(seconds, 1), **made_here()}
    files = [output / f"{NAME}.{ending}" for ending in ("json", "md", "png")]
    values = {"table": NAME, "title": _TITLE, **how, "checkpoints": list(found)}
    write_whole(files[0], json.dumps(values, indent=1, allow_nan=False) + "\n")
    lines = [f"# {_TITLE}", "", *_overview(found), ""]
    for checkpoint in found:
        lines += [*_section(checkpoint, _ways(found)), ""]
    counted = _ONE if len(_ways(found)) == 1 else _BOTH
    lines.append(
        f"{_HOW} {counted} {how['hardware']}; {how['seconds']} seconds in all; version {how['version']}; {how['date']}. "
        f"Command: `{command}`. The voxels of every slice: the JSON file of the same name."
    )
    write_whole(files[1], "\n".join(lines) + "\n")
    _plot(found, files[2])
    return files


def _ways(found: Sequence[Ejection]) -> tuple[Way, ...]:
    """The ways of counting that can differ: without slices that lack a contour, all slices are the contoured ones."""
    volumes = [volume for one in found for patient in one["patients"] for volume in patient["volumes"].values()]
    return WAYS if any(0 in volume["truth"] for volume in volumes) else ("contoured",)


def _overview(found: Sequence[Ejection]) -> Iterator[str]:
    """A row for each checkpoint, split and way of counting."""
    ways = _ways(found)
    yield "| checkpoint | patients | network over | mean absolute error | bias | limits of agreement |"
    yield "|---|---|---|---|---|---|"
    for one in found:
        for split, by_way in one["agreement"].items():
            for way in ways:
                yield f"| {one['checkpoint']} | {split} ({len(one['splits'][split])}) | {_WORDS[way]} | {_agreement_cells(by_way[way])} |"


def _agreement_cells(agreement: Agreement | None) -> str:
    if agreement is None:
        return "– | – | –"
    low, high = agreement["lower"], agreement["upper"]
    return f"{agreement['mean_absolute_error']:.1f} | {agreement['bias']:+.1f} | {low:+.1f} to {high:+.1f}"


def _section(found: Ejection, ways: Sequence[Way]) -> Iterator[str]:
    yield f"## {found['checkpoint']}"
    yield ""
    yield f"Weights {found['weights']}; {found['data']}, files {found['fingerprint']}."
    yield ""
    columns = ["patient", "group", "split", "slices with a contour, ED / ES", "truth", *(_WORDS[way] for way in ways), "Dice ED / ES"]
    yield f"| {' | '.join(columns)} |"
    yield "|" + "---|" * len(columns)
    for patient in found["patients"]:
        splits = ", ".join(split for split, names in found["splits"].items() if patient["patient"] in names)
        ed, es = patient["volumes"]["ed"], patient["volumes"]["es"]
        # Each phase has its own file, with its own number of slices.
        slices = f"{_count(ed['truth'])} of {len(ed['truth'])} / {_count(es['truth'])} of {len(es['truth'])}"
        truth = "–" if patient["truth"] is None else f"{patient['truth']:.1f}"
        cells = [patient["patient"], patient["group"], splits, slices, truth, *(_with_error(patient, way) for way in ways)]
        yield f"| {' | '.join(cells)} | {ed['dice']:.3f} / {es['dice']:.3f} |"


def _count(per_slice: Sequence[int]) -> int:
    return sum(count > 0 for count in per_slice)


def _with_error(patient: Patient, way: Way) -> str:
    mine, theirs = patient["network"][way], patient["truth"]
    if mine is None:
        return "–"
    return f"{mine:.1f}" if theirs is None else f"{mine:.1f} ({mine - theirs:+.1f})"


def _plot(found: Sequence[Ejection], file: Path) -> None:
    from matplotlib.figure import Figure

    ways = _ways(found)
    # A column for each way; with a single way the checkpoints stand side by side.
    shape = (len(found), len(ways)) if len(ways) > 1 else (1, len(found))
    figure = Figure(figsize=(4.7 * shape[1], 3.6 * shape[0] + 0.6), layout="constrained")
    axes = figure.subplots(*shape, sharex=True, sharey=True, squeeze=False)
    for one, (checkpoint, way) in zip(axes.flat, [(checkpoint, way) for checkpoint in found for way in ways], strict=True):
        _draw(one, checkpoint, way)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=6, fontsize=8)
    figure.savefig(file, dpi=80)


def _draw(axes: Axes, found: Ejection, way: Way) -> None:
    """Difference over mean. Patients of the first split are filled; its bias and limits are black, those of a second split grey."""
    groups = sorted({patient["group"] for patient in found["patients"]})
    first = found["splits"][next(iter(found["splits"]))]
    for number, group in enumerate(groups):
        for filled in (True, False):
            points = [_point(one, way) for one in found["patients"] if one["group"] == group and (one["patient"] in first) is filled]
            known = [point for point in points if point is not None]
            if known:
                face = f"C{number}" if filled else "none"
                x, y = zip(*known, strict=True)
                axes.scatter(x, y, s=28, facecolors=face, edgecolors=f"C{number}", label=group if filled else None)
    for colour, by_way in zip(("black", "grey"), found["agreement"].values(), strict=False):
        if (agreement := by_way[way]) is not None:
            axes.axhline(agreement["bias"], color=colour, linewidth=1.2)
            for limit in (agreement["lower"], agreement["upper"]):
                axes.axhline(limit, color=colour, linewidth=1, linestyle="--")
    axes.axhline(0, color="lightgrey", linewidth=0.8, zorder=0)
    axes.set(title=f"{found['checkpoint']}, {_WORDS[way]}", xlabel="mean of both (%)", ylabel="network - truth (points)")


def _point(patient: Patient, way: Way) -> tuple[float, float] | None:
    mine, theirs = patient["network"][way], patient["truth"]
    return None if mine is None or theirs is None else ((mine + theirs) / 2, mine - theirs)
