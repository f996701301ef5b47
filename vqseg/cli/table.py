"""python -m vqseg table: run the comparisons of one table and write it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from vqseg.cli import domains, ejection, sensitivity
from vqseg.cli.parsing import asks_help, config_parser, read_config

# Tables of finished checkpoints: nothing is trained, and no configuration is read.
_READY: dict[str, Callable[[Sequence[str]], int]] = {
    sensitivity.NAME: sensitivity.run,
    domains.NAME: domains.run,
    ejection.NAME: ejection.run,
}
_NAME_HELP = f"the table; or {' or '.join(_READY)}, which train nothing and have options of their own (table {next(iter(_READY))} --help)"


def run(rest: Sequence[str]) -> int:
    """Run the command. Returns the exit status."""
    if rest and rest[0] in _READY:
        return _READY[rest[0]](rest[1:])
    from vqseg.experiments.tables import TABLES

    parser = config_parser("table", rest)
    parser.add_argument("name", choices=TABLES, nargs="?" if asks_help(rest) else None, help=_NAME_HELP)
    parser.add_argument("--budget", type=float, default=1.0, help="steps of each run, as a share of the configuration's (default 1)")
    parser.add_argument("--seeds", type=int, help="runs of each cell, from train.seed on (default: as many as the table wants, mostly 1)")
    parser.add_argument("--only", nargs="+", default=[], metavar="TEXT", help="only rows of these names, or whose names contain these")
    parser.add_argument("--output", type=Path, default=Path("docs/results"), help="folder for NAME.md, NAME.json and NAME.png")
    parser.add_argument("--work", type=Path, default=Path("runs/cells"), help="folder of the runs; finished ones are not run again")
    parser.add_argument(
        "--reuse", nargs="+", type=Path, default=[], metavar="FOLDER", help="folders of tables whose results are reused for the same runs"
    )
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time; several have a process with one thread each (default 1)")
    parser.add_argument("--overwrite", action="store_true", help="replace files of the table's names that are no such table")
    parser.add_argument("--finished", action="store_true", help="run nothing; write the table from the runs that are finished")
    known, config = read_config(parser, rest)
    from vqseg.experiments.make import make_table
    from vqseg.outputs import refuse_strangers, table_files

    refuse_strangers(table_files(known.output, known.name), overwrite=known.overwrite)
    logging.getLogger("vqseg.experiments").setLevel(logging.INFO)
    files = make_table(
        known.name,
        config,
        output=known.output,
        work=known.work,
        budget=known.budget,
        seeds=known.seeds,
        only=known.only,
        reuse=known.reuse,
        jobs=known.jobs,
        finished=known.finished,
    )
    for file in files:
        print(file)
    return 0
