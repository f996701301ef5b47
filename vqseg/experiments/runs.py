"""One cell of a table: train, measure on the validation patients, keep the result. A finished cell is never run again.

A cell's folder is named after its resolved configuration, so tables share the runs that they have in common.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import torch

from vqseg import __version__
from vqseg.checkpoint import load_model
from vqseg.config import Config, ConfigError, to_mapping
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


def published_results(folders: Sequence[Path]) -> dict[str, dict[str, Any]]:
    """The finished cells in the tables of some folders, by their key.

    Raises ConfigError for a folder without tables: nothing would be taken over from it.
    """
    results: dict[str, dict[str, Any]] = {}
    for folder in folders:
        tables = [content for file in sorted(folder.glob("*.json")) if "rows" in (content := json.loads(file.read_text(encoding="utf-8")))]
        if not tables:
            raise ConfigError(f"no table (a JSON file with rows) in {folder}")
        results |= {result["key"]: result for content in tables for row in content["rows"] for result in row["results"]}
    return results


def run_cell(config: Config, work: Path, published: Mapping[str, dict[str, Any]] | None = None) -> dict[str, Any]:
    """Train and measure, or read the result of an earlier call; a run that was cut off goes on. -> plain values.

    published: results by key that stand for their runs, where the work folder does not know better.
    {"mean", "per_class", "codebook", "cases", "steps", "seconds", "processes", "hardware", "version", "date", "key", "seed"}
    """
    folder = work / cell_key(config)
    result = folder / "result.json"
    if result.is_file():
        return json.loads(result.read_text(encoding="utf-8"))
    if published and folder.name in published:
        return published[folder.name]
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
