"""One cell of a table: train, measure on the validation patients, keep the result. A finished cell is never run again.

A cell's folder is named after its resolved configuration, so tables share the runs that they have in common.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import torch

from vqseg import __version__
from vqseg.checkpoint import load_model
from vqseg.config import Config, to_mapping
from vqseg.evaluation import evaluate_split
from vqseg.training.trainer import Trainer

# Where a run is kept and how often it says so changes nothing of its outcome.
_SILENT = ("output", "log_every", "checkpoint_every", "evaluate_every")


def cell_key(config: Config) -> str:
    """Twelve hexadecimal digits of everything that decides a run's outcome."""
    values = to_mapping(config)
    for name in _SILENT:
        values["train"].pop(name)
    if config.objective.alignment == 0:
        values["train"].pop("foundation")
    if (processes := int(os.environ.get("WORLD_SIZE", "1"))) > 1:
        # The batch is counted per process: several have a larger one.
        values["processes"] = processes
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]


def run_cell(config: Config, work: Path) -> dict[str, Any]:
    """Train and measure, or read the result of an earlier call; a run that was cut off goes on. -> plain values.

    {"mean", "per_class", "codebook", "cases", "steps", "seconds", "processes", "hardware", "version", "date", "key", "seed"}
    """
    folder = work / cell_key(config)
    result = folder / "result.json"
    if result.is_file():
        return json.loads(result.read_text(encoding="utf-8"))
    trainer = Trainer(replace(config, train=replace(config.train, output=str(folder))))
    model = load_model(trainer.run(resume=True), trainer.device)
    measured = evaluate_split(model, config.data.folder, "val")
    measured.pop("per_case")
    values = measured | {
        "steps": trainer.step,
        "seconds": round(trainer.seconds, 1),
        "processes": trainer.accelerator.num_processes,
        "hardware": hardware(trainer.device),
        "version": __version__,
        "date": date.today().isoformat(),
        "key": folder.name,
        "seed": config.train.seed,
    }
    part = result.with_suffix(".part")
    part.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    part.replace(result)
    shutil.rmtree(folder / "state", ignore_errors=True)
    return values


def hardware(device: torch.device) -> str:
    """What a run was made on, in words."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type} ({platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads)"
