"""A checkpoint that learns from the corrected slices of one scan, in processes of its own that leave the processor to the page.

It is the method itself: the corrected slices are labelled, the other slices of the scan are not, and encoder and codebook stand still. So
codes keep their numbers and their statistics; the decoders learn what they mean here.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from app.scan.corrections import Corrections
from app.scan.open_scan import OpenScan
from vqseg.checkpoint import read_config
from vqseg.inference import dice_by_class
from vqseg.types import UNSURE, Array

# What stays true of a checkpoint whose encoder and codebook stand still.
_KEPT = ("codebook.npz", "familiarity.npz")
# Larger crops take longer and teach little more about one scan.
_LARGEST_CROP = 160
_CASE = "scan"
# What a dataset.json calls the number of voxels without a label (docs/formats.md).
_NO_LABEL = "ignore"


@dataclass
class FineTuning:
    """One run, in a folder of its own.

    Attributes:
        scan: Whose slices were corrected. Its checkpoint is where the run starts.
        corrections: The slices.
        folder: For all files of the run.
        steps: Optimiser steps.
        process: What is at work now, if anything is.
    """

    scan: OpenScan
    corrections: Corrections
    folder: Path
    steps: int
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def checkpoint(self) -> Path:
        """The folder of the checkpoint that is made."""
        return self.folder / "run" / "checkpoint"

    @property
    def step(self) -> int:
        """How many steps are done, as far as the log says."""
        with suppress(OSError, ValueError, IndexError):
            lines = (self.folder / "run" / "log.jsonl").read_text(encoding="utf-8").splitlines()
            return max(int(json.loads(line).get("step", 0)) for line in lines)
        return 0

    def prepare(self) -> None:
        """Write the data set and the configuration of the run."""
        own = self.scan.segmented.scan
        labels = np.full_like(self.scan.segmented.labels, UNSURE)
        slices = np.moveaxis(labels, self.scan.segmented.axis, 0)
        for index, corrected in self.corrections.slices.items():
            slices[index] = corrected
        data = self.folder / "data"
        for part, volume in (("images", own.voxels.astype(np.float32)), ("labels", labels)):
            (data / part).mkdir(parents=True)
            nib.Nifti1Image(volume, own.affine).to_filename(data / part / f"{_CASE}.nii.gz")
        # A slice that nobody has corrected has no label at all. One on which all was erased is background.
        numbers = {name: number for number, name in enumerate(self.scan.model.classes)} | {_NO_LABEL: UNSURE}
        (data / "dataset.json").write_text(json.dumps({"labels": numbers}), encoding="utf-8")
        (data / "splits.json").write_text(json.dumps({"train": [_CASE], "val": []}), encoding="utf-8")
        # JSON is YAML, too.
        (self.folder / "config.yaml").write_text(json.dumps(self._configuration(data)), encoding="utf-8")

    def train(self, seconds: float, wanted: Callable[[], bool] = lambda: True) -> str:
        """Train, and segment the scan with what was learnt.

        Args:
            seconds: After which what is still at work is ended.
            wanted: Whether anybody still waits for it; asked before every part.

        Returns:
            What went wrong, in words; empty if nothing did.
        """
        model = self._start_folder()
        commands = (
            ["train", "--config", str(self.folder / "config.yaml"), "--train.initial", str(model)],
            ["predict", "--checkpoint", str(self.checkpoint), str(self._image), "--output", str(self.folder / "after")],
        )
        for command in commands:
            failure = self._run(command, seconds, wanted) if wanted() else "Cancelled."
            if failure:
                return failure
        for name in _KEPT:
            if (model / name).is_file():
                shutil.copyfile(model / name, self.checkpoint / name)
        return ""

    def stop(self) -> None:
        """End what is at work."""
        process = self.process
        if process is not None and process.poll() is None:
            with suppress(ProcessLookupError):
                if sys.platform == "win32":
                    process.kill()
                else:
                    os.killpg(process.pid, signal.SIGKILL)

    def delete(self) -> None:
        """Delete all files of the run."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def labels(self) -> Array:
        """(X, Y, Z) uint8: what the trained network makes of the scan. Raises OSError before it is there."""
        found = next((self.folder / "after").rglob(f"{_CASE}*.nii.gz"), None)
        if found is None:
            raise OSError("the trained network has not segmented the scan")
        image: Any = nib.load(found)
        return np.asarray(image.dataobj).astype(np.uint8).reshape(self.scan.segmented.labels.shape)

    def dice(self, labels: Array) -> list[float | None]:
        """Dice of every structure over the corrected slices, against the corrections.

        Args:
            labels: (X, Y, Z) uint8 of the scan.

        Returns:
            One value a structure; None where neither side has it.
        """
        indices = sorted(self.corrections.slices)
        wanted = np.stack([self.corrections.slices[index] for index in indices])
        return dice_by_class(np.moveaxis(labels, self.scan.segmented.axis, 0)[indices], wanted, len(self.scan.model.classes))

    @property
    def _image(self) -> Path:
        return self.folder / "data" / "images" / f"{_CASE}.nii.gz"

    def _start_folder(self) -> Path:
        model = self.scan.model.folder
        if model is None:
            raise ValueError(f"{self.scan.model.title} has no folder to start from")
        return model

    def _configuration(self, data: Path) -> dict[str, Any]:
        known = read_config(self._start_folder())
        trained: Any = known.get("training") or {}
        views = dict((trained.get("config") or {}).get("augmentation") or {})
        return {
            **{part: known[part] for part in ("model", "preprocess", "reads") if part in known},
            "augmentation": {**views, "crop": min(views.get("crop", _LARGEST_CROP), _LARGEST_CROP), "ramp_steps": 0},
            "data": {"folder": str(data), "labelled": "all"},
            "objective": {"unlabelled_start": 0, "unlabelled_ramp": 0},
            "train": {
                "output": str(self.folder / "run"),
                "steps": self.steps,
                "codes_stand": True,
                "revive_every": 0,
                "batch_labelled": 4,
                "batch_unlabelled": 4,
                "learning_rate": 5e-4,
                "warmup_steps": 5,
                "ema_decay": 0.9,
                "log_every": 2,
                "checkpoint_every": self.steps,
                "evaluate_every": 0,
                "snapshots": 0,
                "initial": ".",
            },
        }

    def _run(self, command: list[str], seconds: float, wanted: Callable[[], bool] = lambda: True) -> str:
        # The page's frames come first: these processes get what they leave.
        lowest = ["nice", "-n", "15"] if shutil.which("nice") else []
        threads = str(max(1, (os.cpu_count() or 2) // 2))
        told = self.folder / "told.txt"
        with told.open("wb") as output:
            self.process = subprocess.Popen(
                [*lowest, sys.executable, "-m", "vqseg", *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "OMP_NUM_THREADS": threads},
            )
        # Who has cancelled while it was started has found nothing to end.
        if not wanted():
            self.stop()
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.stop()
            self.process.wait()
            return f"It was ended after {seconds / 60:.0f} minutes. Take fewer steps."
        lines = told.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return "" if status == 0 else f"Training failed: {lines[-1] if lines else f'exit status {status}'}"
