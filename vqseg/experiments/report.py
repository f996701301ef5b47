"""A table's results -> JSON, Markdown and a plot. Each number is reported with how it was measured."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vqseg.config import Config, to_mapping
from vqseg.data.splits import ALL
from vqseg.experiments.methods import changed
from vqseg.experiments.results import CellResult
from vqseg.experiments.tables import Cell, Table
from vqseg.files import write_whole

METRICS = ("dice", "jaccard", "hd95", "asd")
# Of Dice, in the plots of lines.
_LEAST_SPAN = 0.05


@dataclass(frozen=True)
class Row:
    """A cell with the results of its seeds, and why it could not be run, if so."""

    cell: Cell
    results: tuple[CellResult, ...]
    failure: str = ""

    def scores(self, metric: str) -> list[float]:
        return [result["mean"][metric] for result in self.results]


def write_report(name: str, table: Table, rows: Sequence[Row], config: Config, budget: float, output: Path) -> list[Path]:
    """Write NAME.json, NAME.md and, if anything was run, NAME.png.

    Args:
        name: NAME, the table's.
        table: What it compares.
        rows: Its rows, as far as they were run.
        config: What the rows have in common.
        budget: Steps of each run as a share of the configuration's.
        output: Folder to write into.

    Returns:
        The files.
    """
    output.mkdir(parents=True, exist_ok=True)
    test = paired_test(table, rows)
    values = {
        "table": name,
        "title": table.title,
        "budget": budget,
        "config": to_mapping(config),
        "rows": [{"row": row.cell.row, "changes": dict(row.cell.changes), "failure": row.failure, "results": row.results} for row in rows],
        "paired_t_test": test,
    }
    files = [output / f"{name}.json", output / f"{name}.md"]
    write_whole(files[0], json.dumps(values, indent=2, allow_nan=False) + "\n")
    write_whole(files[1], markdown(table, rows, config, budget, test))
    if any(row.results for row in rows) and not table.snapshots:
        files.append(output / f"{name}.png")
        _plot(table, rows, files[-1])
    return files


def paired_test(table: Table, rows: Sequence[Row]) -> dict[str, float] | None:
    """Paired t-test of the Dice of two rows over their common seeds.

    Args:
        table: Names the two rows.
        rows: With their results.

    Returns:
        {"seeds", "t", "p"}; None with fewer than two common seeds, or if all differences are equal.
    """
    if table.paired is None:
        return None
    from scipy.stats import ttest_rel

    by_row = {row.cell.row: {result["seed"]: result["mean"]["dice"] for result in row.results} for row in rows}
    first, second = (by_row.get(name, {}) for name in table.paired)
    seeds = sorted(set(first) & set(second))
    if len(seeds) < 2:
        return None
    differences = [first[seed] - second[seed] for seed in seeds]
    if len(set(differences)) == 1:
        # Without any spread there is no t.
        return None
    test = ttest_rel([first[seed] for seed in seeds], [second[seed] for seed in seeds])
    return {"seeds": len(seeds), "t": float(test.statistic), "p": float(test.pvalue)}


def _entry(values: Sequence[float], digits: int) -> str:
    spread = f" ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{np.mean(values):.{digits}f}{spread}"


def markdown(table: Table, rows: Sequence[Row], config: Config, budget: float, test: dict[str, float] | None) -> str:
    """The table as text, with what was run below it.

    Args:
        table: What it compares.
        rows: Its rows.
        config: What the rows have in common.
        budget: Steps of each run as a share of the configuration's.
        test: As `paired_test` gives it.
    """
    lines = [
        f"# {table.title}",
        "",
        "| run | what is in it | Dice | Jaccard | HD95 | ASD | codewords used | seeds | steps | hours |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        if not row.results:
            lines.append(f"| {row.cell.row} | not run: {row.failure} | | | | | | | | |")
            continue
        settings = changed(config, row.cell.changes)
        used = np.mean([100 * result["codebook"]["used"] / result["codebook"]["size"] for result in row.results])
        book = "no codebook" if settings.model.continuous else f"{used:.1f}% of {row.results[0]['codebook']['size']}"
        lines.append(
            f"| {row.cell.row} | {_parts(settings)} | "
            + " | ".join(_entry(row.scores(metric), 4 if metric in ("dice", "jaccard") else 2) for metric in METRICS)
            + f" | {book} | {len(row.results)}"
            + f" | {row.results[0]['steps']} | {sum(result['seconds'] for result in row.results) / 3600:.2f} |"
        )
    if table.paired is not None:
        first, second = table.paired
        verdict = (
            f"t = {test['t']:.3f}, p = {test['p']:.4f} over {test['seeds']} seeds"
            if test
            else "needs at least two common seeds, and differences that vary"
        )
        lines += ["", f"Paired t-test of the Dice, {first} against {second}: {verdict}."]
    done = [result for row in rows for result in row.results]
    if done:
        lines += ["", _provenance(done, config, budget)]
    if done and all(len(row.results) < 2 for row in rows):
        lines += ["", "One seed a row: whether rows differ by more than chance was not tested."]
    for row in rows:
        if row.results and row.failure:
            lines += ["", f"{row.cell.row}: not every seed was run ({row.failure})."]
    if any(row.results and row.cell.changes.get("objective.alignment", config.objective.alignment) for row in rows):
        lines += ["", f"Foundation model of the alignment: {Path(config.train.foundation).name}."]
    return "\n".join(lines).rstrip() + "\n"


def _parts(config: Config) -> str:
    """What a run consists of, so that no row compares more than it says."""
    objective = config.objective
    parts = ["no codebook" if config.model.continuous else "codebook"]
    if objective.reconstruction > 0:
        parts.append("image branch")
    if objective.unlabelled > 0 and config.data.labelled != ALL:
        disturbed = objective.perturbation != "none"
        branch = f"unlabelled branch with {objective.perturbation} {objective.strength:g}" if disturbed else "unlabelled branch"
        parts.append(f"{branch} in a stream of its own" if objective.feature_stream else branch)
    if objective.alignment > 0:
        parts.append(f"alignment {objective.alignment:g}")
    if objective.usage > 0:
        parts.append(f"usage loss {objective.usage:g}")
    return ", ".join(parts)


def _provenance(done: Sequence[CellResult], config: Config, budget: float) -> str:
    seeds, dates = sorted({result["seed"] for result in done}), sorted({result["date"] for result in done})
    return (
        f"All numbers are our own runs. Measured on the {done[0]['cases']} validation volumes of {Path(config.data.folder).name}, labelled "
        f"share {config.data.labelled} where the row names no other; codewords used are counted over the same volumes. Budget {budget:g} "
        f"of the configuration's steps; seeds {', '.join(map(str, seeds))}; {', '.join(sorted({r['hardware'] for r in done}))}"
        f"{_processes(done)}; "
        f"{sum(result['seconds'] for result in done) / 3600:.2f} hours in all; {dates[0]}{f' to {dates[-1]}' if len(dates) > 1 else ''}. "
        "Settings and every single result: the JSON file of the same name."
    )


def _processes(done: Sequence[CellResult]) -> str:
    counts = sorted({result.get("processes", 1) for result in done})
    return "" if counts == [1] else f", {' and '.join(map(str, counts))} processes"


def _plot(table: Table, rows: Sequence[Row], file: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.add_subplot()
    ran = [row for row in rows if row.results]
    means = {row.cell.row: float(np.mean(row.scores("dice"))) for row in ran}
    spreads = {row.cell.row: float(np.std(row.scores("dice"), ddof=1)) if len(row.results) > 1 else 0.0 for row in ran}
    if ran[0].cell.x is None:
        bars = axes.barh(list(means), list(means.values()), xerr=list(spreads.values()), color="#3b6ea5")
        axes.bar_label(bars, fmt="%.3f", padding=3)
        axes.margins(x=0.12)
        axes.invert_yaxis()
        axes.set_xlabel("validation Dice")
    else:
        for series in dict.fromkeys(row.cell.series for row in ran):
            line = [row for row in ran if row.cell.series == series]
            names = [row.cell.row for row in line]
            axes.errorbar(
                [row.cell.x or 0 for row in line],
                [means[n] for n in names],
                [spreads[n] for n in names] if any(spreads[n] for n in names) else None,
                marker="o",
                capsize=3,
                label=series,
            )
        axes.set(xlabel=table.x_label, ylabel="validation Dice")
        # Stretched to the full height, the noise of single runs would look like a trend.
        low, high = axes.get_ylim()
        spare = max(0.0, (_LEAST_SPAN - (high - low)) / 2)
        axes.set_ylim(low - spare, high + spare)
        if table.log_x:
            values = sorted({row.cell.x or 0 for row in ran})
            axes.set_xscale("log")
            axes.set_xticks(values, [f"{value:g}" for value in values])
            axes.set_xticks([], minor=True)
        axes.legend()
    axes.set_title(table.title)
    axes.grid(alpha=0.3)
    axes.set_axisbelow(True)
    figure.savefig(file, dpi=150)
