"""A table's results -> JSON, Markdown and a plot. Each number is reported with how it was measured."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vqseg.config import Config, to_mapping
from vqseg.data.splits import ALL
from vqseg.experiments.cells import Table
from vqseg.experiments.differences import differences, differences_text
from vqseg.experiments.methods import changed
from vqseg.experiments.plots import draw
from vqseg.experiments.results import CellResult
from vqseg.experiments.rows import Row
from vqseg.files import write_whole
from vqseg.quantization.perturbation import training_perturbation

METRICS = ("dice", "jaccard", "hd95", "asd")
__all__ = ["METRICS", "Row", "markdown", "paired_test", "write_report"]


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
    waiting = [row.cell.row for row in rows if not (row.results or row.failure)]
    rows = [row for row in rows if row.results or row.failure]
    test, found = paired_test(table, rows), differences(rows)
    values = {
        "table": name,
        "title": table.title,
        "budget": budget,
        "config": to_mapping(config),
        "rows": [{"row": row.cell.row, "changes": dict(row.cell.changes), "failure": row.failure, "results": row.results} for row in rows],
        "paired_t_test": test,
        "differences": found,
        "not_run_yet": waiting,
    }
    files = [output / f"{name}.json", output / f"{name}.md"]
    write_whole(files[0], json.dumps(values, indent=2, allow_nan=False) + "\n")
    text = markdown(table, rows, config, budget, test) + differences_text(found)
    write_whole(files[1], text + (f"\nNot run yet: {'; '.join(waiting)}.\n" if waiting else ""))
    if any(row.results for row in rows) and not table.snapshots:
        files.append(output / f"{name}.png")
        draw(table, rows, found, files[-1])
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
    counts = {len(row.results) for row in rows if row.results}
    if len(counts) > 1:
        lines += ["", "The rows have unequal numbers of seeds: their means are not those of the same runs."]
    if table.start == "supervised":
        lines += ["", _shared_start(config)]
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
    if config.train.decoders_alone:
        parts.append("decoders alone")
    if objective.reconstruction > 0:
        parts.append("image branch")
    if objective.perturb_labelled:
        parts.append(f"labelled branch{_perturbed(config)}")
    if objective.unlabelled > 0 and config.data.labelled != ALL:
        branch = f"unlabelled branch{_perturbed(config)}"
        parts.append(f"{branch} in a stream of its own" if objective.feature_stream else branch)
        if objective.student_view == "weak":
            parts.append("weak views")
        if objective.target == "probabilities":
            parts.append("probabilities of a teacher where it is certain")
        if objective.target == "partner":
            parts.append("labels of a second network")
        if objective.mixing == "copy-paste":
            parts.append("copy-paste with labelled images")
    if objective.alignment > 0:
        parts.append(f"alignment {objective.alignment:g}")
    if objective.usage > 0:
        parts.append(f"usage loss {objective.usage:g}")
    return ", ".join(parts)


def _shared_start(config: Config) -> str:
    start, steps = config.objective.unlabelled_start, config.train.steps
    return (
        f"All rows of a seed go on, for {steps - start} steps, from the weights of its supervised start ({start} steps, labelled images "
        "alone, nothing perturbed), and see the same crops and mixing masks at the same steps."
    )


def _perturbed(config: Config) -> str:
    """What perturbs a branch, as it follows the branch's name; nothing if nothing does."""
    objective, model = config.objective, config.model
    if objective.perturbation == "none":
        return ""
    kind = training_perturbation(objective.perturbation, model.mode)
    reach = f" at reach {model.reach:g}" if kind.reaches and model.reach is not None else ""
    schedule = f" ({objective.strength_schedule}, {objective.strength_steps} steps)" if objective.strength_schedule != "constant" else ""
    return f" with {objective.perturbation} {objective.strength:g}{schedule}{reach}"


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
