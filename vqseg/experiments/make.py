"""One table from its name: run what is missing, then write it. After every cell the files are written anew."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from vqseg.config import Config, ConfigError
from vqseg.experiments.cells import Cell
from vqseg.experiments.evolution import draw_evolution
from vqseg.experiments.frame import START
from vqseg.experiments.report import Row, write_report
from vqseg.experiments.runs import adopt_results, known_result
from vqseg.experiments.several import Item, Outcome, planned_runs, run_all
from vqseg.experiments.tables import Table, scaled, table
from vqseg.files import write_whole

logger = logging.getLogger(__name__)


def make_table(
    name: str,
    config: Config,
    *,
    output: Path,
    work: Path,
    budget: float = 1.0,
    seeds: int | None = None,
    only: Sequence[str] = (),
    reuse: Sequence[Path] = (),
    jobs: int = 1,
    finished: bool = False,
) -> list[Path]:
    """Run the cells of a table and write it. A cell that cannot be run keeps its row, with the reason.

    Args:
        name: The table's.
        config: What the cells have in common.
        output: Folder of the table's files.
        work: Folder of the runs; finished ones are not run again.
        budget: Steps of each run as a share of the configuration's.
        seeds: Runs of each cell, with train.seed, train.seed + 1, ...; None for as many as the table wants.
        only: Run only these rows: for each text the row of that name, or if there is none, the rows whose name contains it.
        reuse: Folders of earlier tables whose results are reused for runs of the same configuration.
        jobs: Runs at a time, each in a process of its own with one thread if there are several.
        finished: Run nothing, and write the table from what is finished.

    Returns:
        The files; none if nothing is finished and nothing was to be run.

    Raises:
        ConfigError: The table is unknown, or the configuration would spoil its comparison.
    """
    base = scaled(config, budget)
    plan = table(name, base)
    count = plan.seeds if seeds is None else seeds
    _check(name, plan, base, count, jobs)
    if reuse:
        logger.info("%d results in %s can be reused", adopt_results(reuse, work, base.data.folder), ", ".join(map(str, reuse)))
    cells = chosen(plan.cells, only) if only else list(plan.cells)
    if not cells:
        raise ConfigError(f"no row of the table {name} contains {' or '.join(only)}")
    items = planned_runs(plan, cells, base, count)
    rows = {cell.row: Row(cell, ()) for cell in (*([START] if plan.start == "supervised" else []), *cells)}
    outcomes = _finished(items, work) if finished else run_all(items, work, jobs, with_run=plan.snapshots)
    files: list[Path] = []
    writing = os.environ.get("RANK", "0") == "0"
    for item, outcome in outcomes:
        rows[item.cell.row] = rows[item.cell.row].having(outcome)
        # Under accelerate launch all processes have the same rows; one writes them. Of finished runs, the table is written once.
        if writing and not finished:
            files = write_report(name, plan, list(rows.values()), base, budget, output)
    if finished and any(row.results for row in rows.values()):
        files = write_report(name, plan, list(rows.values()), base, budget, output)
    first = next(iter(rows.values()))
    if files and plan.snapshots and first.results:
        files += _evolution(name, work / first.results[0]["key"], output)
    return files


def chosen(cells: Sequence[Cell], texts: Sequence[str]) -> list[Cell]:
    """A full name stands for its row alone: most names are also the beginning of others."""
    names = {cell.row for cell in cells}
    return [cell for cell in cells if any(text == cell.row if text in names else text in cell.row for text in texts)]


def _finished(items: Sequence[Item], work: Path) -> Iterator[tuple[Item, Outcome]]:
    for item in items:
        result = known_result(item.run, work) if item.run is not None else None
        if result is not None:
            yield item, result


def _check(name: str, plan: Table, base: Config, seeds: int, jobs: int) -> None:
    """Raises ConfigError for what would spoil the comparison."""
    if plan.start == "checkpoint" and base.train.initial is None:
        raise ConfigError(f"the rows of the table {name} share the codes of one checkpoint; name it in train.initial")
    if plan.start != "checkpoint" and base.train.initial is not None:
        raise ConfigError("train.initial would start every row of the table from the same trained weights; leave it out")
    if base.data.pseudo_labels is not None:
        raise ConfigError("data.pseudo_labels would train every row on the labels of one checkpoint; leave it out")
    if plan.snapshots and base.train.snapshots == 0:
        raise ConfigError(f"the table {name} plots snapshots of the codebook; train.snapshots must not be 0")
    if seeds < 1:
        raise ConfigError(f"seeds must be at least 1, got {seeds}")
    if jobs < 1 or (jobs > 1 and int(os.environ.get("WORLD_SIZE", "1")) > 1):
        raise ConfigError(f"jobs must be at least 1, and 1 under accelerate launch, where all processes share each run; got {jobs}")


def _evolution(name: str, run: Path, output: Path) -> list[Path]:
    picture, table_file = output / f"{name}.png", output / f"{name}.md"
    moments = draw_evolution(run / "checkpoint" / "snapshots.npz", picture)
    lines = ["", "| step | codewords in use on at most 80 training slices |", "|---|---|"]
    lines += [f"| {one['step']} | {one['used']} of {one['size']} ({one['used'] / one['size']:.1%}) |" for one in moments]
    write_whole(table_file, table_file.read_text(encoding="utf-8") + "\n".join(lines) + "\n")
    write_whole(output / f"{name}-moments.json", json.dumps(moments, indent=2) + "\n")
    return [picture]
