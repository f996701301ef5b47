"""How many steps fit into the time that somebody has: measured by a few steps of the very run."""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from vqseg.config import Config
from vqseg.data.datasets import LAYOUTS
from vqseg.data.splits import read_splits
from vqseg.planning.prepare import SHARE
from vqseg.training.trainer import Trainer

_WARM, _MEASURED = 3, 4
_PATIENTS = 3
_LEAST, _MOST = 200, 60_000


def steps_per_second(config: Config) -> float:
    """Train a few steps with the whole method and throw the result away.

    Args:
        config: Of the run; its data set has a splits.json.

    Returns:
        Steps per second of this machine as it is now.
    """
    splits = read_splits(config.data.folder)
    learnt = splits.labelled.get(config.data.labelled, splits.train)
    few = [*learnt[:1], *[name for name in splits.train if name not in learnt][: _PATIENTS - 1]]
    with tempfile.TemporaryDirectory() as name:
        part = Path(name) / "data"
        part.mkdir()
        for place in (*(name for layout in LAYOUTS for name in layout), "dataset.json"):
            if (there := Path(config.data.folder) / place).exists():
                (part / place).symlink_to(there.resolve())
        content = {"train": few, "val": [], "labeled": {SHARE: few[:1]}}
        (part / "splits.json").write_text(json.dumps(content), encoding="utf-8")
        total = _WARM + _MEASURED
        short = replace(
            config,
            data=replace(config.data, folder=str(part), labelled=SHARE),
            objective=replace(config.objective, unlabelled_start=0, unlabelled_ramp=1),
            train=replace(
                config.train,
                output=str(Path(name) / "run"),
                steps=total,
                warmup_steps=1,
                codebook_start=1,
                revive_every=0,
                log_every=1,
                checkpoint_every=total,
                evaluate_every=0,
                snapshots=0,
            ),
        )
        with _silent():
            Trainer(short).run()
        lines = [json.loads(line) for line in (Path(name) / "run" / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    seconds = [1 / float(line["steps_per_second"]) for line in lines if "steps_per_second" in line][-_MEASURED:]
    return len(seconds) / sum(seconds)


@contextmanager
def _silent() -> Iterator[None]:
    """What the few steps say of their few cases is not true of the run."""
    former = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(former)


def steps_for(hours: float, rate: float) -> int:
    """Steps of a run, in hundreds, of which a tenth of the time goes to reading, validating and saving.

    Args:
        hours: That somebody has.
        rate: Steps per second.
    """
    return int(max(_LEAST, min(_MOST, 100 * round(0.9 * 3600 * hours * rate / 100))))
