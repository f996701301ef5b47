"""The folder of a run: where its parts lie, how it begins and how it resumes."""

from __future__ import annotations

import shutil
from pathlib import Path

from vqseg.checkpoint import recover_folder
from vqseg.config import Config, save_config
from vqseg.training.start import TrainingError


class RunFolder:
    """state: what a run resumes from. log: log.jsonl. snapshots: the codebook during training. checkpoint: the finished network."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.state, self.log = path / "state", path / "log.jsonl"
        self.snapshots, self.checkpoint = path / "snapshots", path / "checkpoint"

    def recover(self) -> None:
        """Bring back a state that a process was replacing when it was killed."""
        recover_folder(self.state)

    def refuse_second_run(self) -> None:
        """Raises TrainingError if a run lies here already."""
        if self.state.exists():
            raise TrainingError(f"{self.path} already holds a run: continue it with --resume, or choose another --train.output")

    def begin(self, config: Config) -> None:
        """Make the folder for a new run. Files of a run that was cut off before its first state are deleted."""
        self.path.mkdir(parents=True, exist_ok=True)
        self.log.unlink(missing_ok=True)
        shutil.rmtree(self.snapshots, ignore_errors=True)
        self.note_settings(config)

    def note_settings(self, config: Config) -> None:
        """Write the resolved settings. Also called on resuming, as the length and the intervals of reports may have changed."""
        save_config(config, self.path / "config.yaml")
