"""Differences between two rows within each seed, with their confidence interval and two paired tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from vqseg.experiments.rows import Row

_LEVEL = 0.95


class Difference(TypedDict):
    """Dice of a row minus that of the row it is compared with.

    seeds: those that both have. values: one difference a seed. mean: of them. low, high: bounds of the 95 % interval of Student's t.
    t_test, wilcoxon: p of the two-sided paired tests. None with fewer than two seeds, or if all differences are equal.
    """

    row: str
    against: str
    seeds: list[int]
    values: list[float]
    mean: float
    low: float | None
    high: float | None
    t_test: float | None
    wilcoxon: float | None


def differences(rows: Sequence[Row]) -> list[Difference]:
    """What each row gains over the row that it names, over the seeds that both have; rows without such a seed are left out."""
    dice = {row.cell.row: {result["seed"]: result["mean"]["dice"] for result in row.results} for row in rows}
    found = []
    for row in rows:
        mine, theirs = dice[row.cell.row], dice.get(row.cell.against, {})
        seeds = sorted(set(mine) & set(theirs))
        if seeds:
            found.append(_difference(row.cell.row, row.cell.against, seeds, [mine[seed] - theirs[seed] for seed in seeds]))
    return found


def _difference(row: str, against: str, seeds: list[int], values: list[float]) -> Difference:
    from scipy import stats

    mean = float(np.mean(values))
    low: float | None = None
    high: float | None = None
    # Without any spread there is no t, and no interval.
    tested = len(set(values)) > 1
    if tested:
        low, high = map(float, stats.t.interval(_LEVEL, len(values) - 1, mean, stats.sem(values)))
    return {
        "row": row,
        "against": against,
        "seeds": seeds,
        "values": values,
        "mean": mean,
        "low": low,
        "high": high,
        "t_test": float(stats.ttest_1samp(values, 0.0).pvalue) if tested else None,
        "wilcoxon": float(stats.wilcoxon(values).pvalue) if tested else None,
    }


def differences_text(found: Sequence[Difference]) -> str:
    """The differences as a Markdown section; nothing if there are none."""
    if not found:
        return ""
    lines = [
        "",
        "## Differences within a seed",
        "",
        "Dice of a row minus that of the row it is compared with, over the seeds that both have.",
        "",
        "| row | compared with | seeds | mean difference | 95 % interval | paired t-test, p | Wilcoxon, p |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in found:
        interval = f"{one['low']:+.4f} to {one['high']:+.4f}" if one["low"] is not None else ""
        seeds = ", ".join(map(str, one["seeds"]))
        lines.append(
            f"| {one['row']} | {one['against']} | {seeds} | {one['mean']:+.4f} | {interval} | {_p(one['t_test'])} | {_p(one['wilcoxon'])} |"
        )
    most = max(len(one["seeds"]) for one in found)
    if most > 1:
        caution = f"From {most} seeds, Wilcoxon's signed-rank test cannot give a p below {0.5 ** (most - 1):g}."
        lines += ["", f"Every p is that of one comparison, not corrected for how many there are. {caution}"]
    return "\n".join(lines) + "\n"


def _p(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
