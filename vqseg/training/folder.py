"""The folder of a run: where its parts lie, how it begins and how it resumes."""

from __future__ import annotations

import shutil
from pathlib import Path

from vqseg.checkpoint import recover_folder
from vqseg.config import Config, ConfigError, config_text, load_config, save_config
from vqseg.training.start import TrainingError


class RunFolder:
    """Its parts.

    state: what a run resumes from. before: the state before, in case that one is damaged. log: log.jsonl. snapshots: the codebook during
    training. curves: a tracker's files. checkpoint: the finished network.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.state, self.before, self.log = path / "state", path / "state-before", path / "log.jsonl"
        self.snapshots, self.curves, self.checkpoint = path / "snapshots", path / "curves", path / "checkpoint"

    @property
    def begun(self) -> bool:
        """Whether there is a state to resume from."""
        return self.state.is_dir() or self.before.is_dir()

    def recover(self) -> None:
        """Bring back a state that a process was replacing when it was killed, and delete what else it left."""
        recover_folder(self.state)

    def finish(self) -> None:
        """Delete what a finished run needs no longer."""
        shutil.rmtree(self.before, ignore_errors=True)

    def refuse_second_run(self) -> None:
        """Raises TrainingError if a run, or anything else, lies here already."""
        if self.state.exists() or self.before.exists():
            raise TrainingError(f"{self.path} already holds a run: continue it with --resume, or choose another --train.output")
        written = [self.path / "config.yaml", self.log, self.snapshots, self.curves, self.checkpoint]
        foreign = [one.name for one in written if one.exists()] if not _is_of_a_run(written[0]) else []
        if foreign:
            raise TrainingError(f"{self.path} holds {foreign[0]}, which no run has written; choose another --train.output")

    def begin(self, config: Config) -> None:
        """Make the folder for a new run. Files of a run that was cut off before its first state are deleted."""
        self.path.mkdir(parents=True, exist_ok=True)
        self.log.unlink(missing_ok=True)
        for left in (self.snapshots, self.curves):
            shutil.rmtree(left, ignore_errors=True)
        self.note_settings(config)

    def note_settings(self, config: Config) -> None:
        """Write the resolved settings. Also called on resuming, as the length and the intervals of reports may have changed."""
        save_config(config, self.path / "config.yaml")


def _is_of_a_run(settings: Path) -> bool:
    """Whether a file holds a run's settings, as a run writes them: all of them, in their order. Whatever a run leaves lies beside it."""
    try:
        return settings.read_text(encoding="utf-8") == config_text(load_config(settings))
    except (ConfigError, OSError, ValueError):
        return False
