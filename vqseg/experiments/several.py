"""The runs of a table in their order, one after the other or several at a time, and what came out of each."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import chain, zip_longest
from multiprocessing import get_context
from pathlib import Path

import torch

from vqseg.checkpoint import CheckpointError
from vqseg.config import Config, ConfigError
from vqseg.data.datasets import DatasetError
from vqseg.experiments.cells import Cell, Table
from vqseg.experiments.frame import START, second_stage, supervised_start
from vqseg.experiments.methods import changed
from vqseg.experiments.results import CellResult
from vqseg.experiments.runs import Run, run_cell
from vqseg.models.encoders import EncoderError
from vqseg.models.foundation import FoundationError
from vqseg.training.start import TrainingError

logger = logging.getLogger(__name__)

# Errors that end one run; the other rows of a table still run.
_REFUSALS = (CheckpointError, ConfigError, DatasetError, EncoderError, FoundationError, TrainingError)

Outcome = CellResult | str
"""The result of a run, or why there is none."""


@dataclass(frozen=True)
class Item:
    """A run and the row that it belongs to.

    refusal: why the row cannot be configured; `run` is then None.
    """

    cell: Cell
    seed: int
    run: Run | None
    refusal: str = ""


def planned_runs(plan: Table, cells: Sequence[Cell], base: Config, seeds: int) -> list[Item]:
    """All runs of a table, the seeds outermost: each finished seed is a whole block of rows that can be compared.

    Args:
        plan: Says what the runs start from.
        cells: The rows that are wanted.
        base: What they have in common.
        seeds: How many, from train.seed on.

    Returns:
        The runs in their order. A start that rows share comes one seed ahead of them, so that nobody has to wait for it.
    """
    blocks = [[_item(plan, cell, base, seed) for cell in cells] for seed in range(base.train.seed, base.train.seed + seeds)]
    starts = [Item(START, block[0].seed, Run(start)) for block in blocks if (start := _start(block)) is not None]
    ahead = zip_longest(starts[1:], blocks, fillvalue=None)
    return [*starts[:1], *chain.from_iterable([*([start] if start else []), *(block or [])] for start, block in ahead)]


def _start(block: Sequence[Item]) -> Config | None:
    """What the rows of a seed start from, if they share a run."""
    return next((item.run.start for item in block if item.run is not None), None)


def _item(plan: Table, cell: Cell, base: Config, seed: int) -> Item:
    seeded = changed(base, {"train.seed": seed})
    start = supervised_start(seeded) if plan.start == "supervised" else None
    try:
        config = changed(seeded, cell.changes)
        return Item(cell, seed, Run(config) if start is None else Run(second_stage(config), start))
    except ConfigError as error:
        return Item(cell, seed, None, str(error))


def run_all(items: Sequence[Item], work: Path, jobs: int, *, with_run: bool = False) -> Iterator[tuple[Item, Outcome]]:
    """Make the runs that are not finished.

    Args:
        items: In the order in which they begin.
        work: Folder of the runs.
        jobs: How many at a time; 1 makes them in this process.
        with_run: Whether the checkpoints are needed, and not the results alone.

    Returns:
        The outcomes as they come.
    """
    if jobs == 1:
        for item in items:
            yield item, _outcome(item, work, with_run)
        return
    # Threads and locks that torch has already started do not survive a fork.
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _begin_process)
    try:
        waiting: dict[Future[Outcome], Item] = {pool.submit(_outcome, item, work, with_run): item for item in items}
        for done in as_completed(waiting):
            yield waiting[done], done.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _begin_process() -> None:
    """Each run has one thread: two that share a core would wait for each other."""
    torch.set_num_threads(1)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("vqseg.experiments").setLevel(logging.INFO)


def _outcome(item: Item, work: Path, with_run: bool) -> Outcome:
    logger.info("%s, seed %d", item.cell.row, item.seed)
    try:
        if item.run is None:
            raise ConfigError(item.refusal)
        return run_cell(item.run, work, with_run=with_run)
    except _REFUSALS as error:
        logger.error("%s, seed %d: %s", item.cell.row, item.seed, error)
        return f"seed {item.seed}: {error}".partition("\n")[0]
