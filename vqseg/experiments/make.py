"""One table from its name: run what is missing, then write it. After every cell the files are written anew."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path

from vqseg.checkpoint import CheckpointError
from vqseg.config import Config, ConfigError
from vqseg.data.datasets import DatasetError
from vqseg.experiments.evolution import draw_evolution
from vqseg.experiments.methods import changed
from vqseg.experiments.report import Row, write_report
from vqseg.experiments.runs import adopt_results, run_cell
from vqseg.experiments.tables import Cell, Table, scaled, table
from vqseg.files import write_whole
from vqseg.models.encoders import EncoderError
from vqseg.models.foundation import FoundationError
from vqseg.training.start import TrainingError

logger = logging.getLogger(__name__)

# Errors that end one run; the other rows of a table still run.
_REFUSALS = (CheckpointError, ConfigError, DatasetError, EncoderError, FoundationError, TrainingError)


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
) -> list[Path]:
    """Run the cells of a table and write it. A cell that cannot be run keeps its row, with the reason.

    Args:
        name: The table's.
        config: What the cells have in common.
        output: Folder of the table's files.
        work: Folder of the runs; finished ones are not run again.
        budget: Steps of each run as a share of the configuration's.
        seeds: Runs of each cell, with train.seed, train.seed + 1, ...; None for as many as the table wants.
        only: Run only rows whose name contains one of these.
        reuse: Folders of earlier tables whose results are reused for runs of the same configuration.

    Returns:
        The files.

    Raises:
        ConfigError: The table is unknown, or the configuration would spoil its comparison.
    """
    plan, base = table(name), scaled(config, budget)
    count = plan.seeds if seeds is None else seeds
    _check(name, plan, base, count)
    if reuse:
        logger.info("%d results in %s can be reused", adopt_results(reuse, work, base.data.folder), ", ".join(map(str, reuse)))
    cells = [cell for cell in plan.cells if not only or any(part in cell.row for part in only)]
    if not cells:
        raise ConfigError(f"no row of the table {name} contains {' or '.join(only)}")
    rows: list[Row] = []
    files: list[Path] = []
    writing = os.environ.get("RANK", "0") == "0"
    for cell in cells:
        rows.append(_row(cell, base, work, count, plan.snapshots))
        # Under accelerate launch all processes have the same rows; one writes them.
        if writing:
            files = write_report(name, plan, rows, base, budget, output)
    if writing and plan.snapshots and rows and rows[0].results:
        files += _evolution(name, work / rows[0].results[0]["key"], output)
    return files


def _check(name: str, plan: Table, base: Config, seeds: int) -> None:
    """Raises ConfigError for what would spoil the comparison."""
    if base.train.initial is not None:
        raise ConfigError("train.initial would start every row of the table from the same trained weights; leave it out")
    if base.data.pseudo_labels is not None:
        raise ConfigError("data.pseudo_labels would train every row on the labels of one checkpoint; leave it out")
    if plan.snapshots and base.train.snapshots == 0:
        raise ConfigError(f"the table {name} plots snapshots of the codebook; train.snapshots must not be 0")
    if seeds < 1:
        raise ConfigError(f"seeds must be at least 1, got {seeds}")


def _row(cell: Cell, base: Config, work: Path, seeds: int, with_run: bool) -> Row:
    results, failure = [], ""
    for seed in range(base.train.seed, base.train.seed + seeds):
        logger.info("%s, seed %d", cell.row, seed)
        try:
            results.append(run_cell(changed(base, {**cell.changes, "train.seed": seed}), work, with_run=with_run))
        except _REFUSALS as error:
            logger.error("%s, seed %d: %s", cell.row, seed, error)
            failure = failure or f"seed {seed}: {error}".partition("\n")[0]
    return Row(cell, tuple(results), failure)


def _evolution(name: str, run: Path, output: Path) -> list[Path]:
    picture, table_file = output / f"{name}.png", output / f"{name}.md"
    moments = draw_evolution(run / "checkpoint" / "snapshots.npz", picture)
    lines = ["", "| step | codewords in use on at most 80 training slices |", "|---|---|"]
    lines += [f"| {one['step']} | {one['used']} of {one['size']} ({one['used'] / one['size']:.1%}) |" for one in moments]
    write_whole(table_file, table_file.read_text(encoding="utf-8") + "\n".join(lines) + "\n")
    write_whole(output / f"{name}-moments.json", json.dumps(moments, indent=2) + "\n")
    return [picture]
