"""One cell of a table: train, measure on the validation patients, keep the result. A finished cell is never run again.

A cell's folder is named after its resolved configuration, so tables share the runs that they have in common. A change of the code that
lets a run end with other weights raises `vqseg.__version__`: results of another version, or of other data, are not reused.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import platform
import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock
from torch import Tensor

from vqseg import __version__
from vqseg.checkpoint import load_model, recover_folder, weights_digest
from vqseg.config import Config, ConfigError, ObjectiveConfig, from_mapping, to_mapping
from vqseg.data.datasets import find_cases
from vqseg.data.splits import read_splits
from vqseg.evaluation import evaluate_split
from vqseg.experiments.methods import Changes, changed
from vqseg.experiments.results import CellResult
from vqseg.files import write_whole
from vqseg.models.vqseg import VQSeg
from vqseg.plain import child
from vqseg.quantization.perturbation import training_perturbation
from vqseg.training.snapshots import count_codes
from vqseg.training.trainer import Trainer

logger = logging.getLogger(__name__)

_RESULT, _ORIGIN, _LOCK = "result.json", "origin.json", "lock"
# Where a run is kept and how often it reports do not change its result.
_SILENT = ("output", "log_every", "checkpoint_every", "evaluate_every", "tracker")

# Settings newer than the first published tables. At their defaults they are left out, so that the keys of those tables stay valid.
_YOUNGER: dict[tuple[str, str], object] = {
    ("data", "pseudo_labels"): None,
    ("data", "contoured_only"): False,
    ("data", "unlabelled_folders"): [],
    ("preprocess", "largest_of_each"): False,
    ("preprocess", "usual_size"): None,
    ("model", "reach"): None,
    ("model", "context_slices"): 0,
    ("preprocess", "neighbours"): True,
    ("augmentation", "alone"): 0.1,
    ("augmentation", "inversion"): 0.0,
    ("augmentation", "coarseness"): 0.0,
    ("augmentation", "thickness"): 0.0,
    ("objective", "strength_schedule"): "constant",
    ("objective", "alignment_centred"): False,
    ("objective", "perturb_labelled"): False,
    ("objective", "student_view"): "strong",
    ("objective", "target"): "labels",
    ("objective", "mixing"): "cutmix",
    ("train", "decoders_alone"): False,
    ("train", "codes_stand"): False,
}


@dataclass(frozen=True)
class Run:
    """One run. start: the run from whose checkpoint it starts; None if `config.train.initial` says where its weights come from."""

    config: Config
    start: Config | None = None

    @property
    def key(self) -> str:
        """The name of its folder."""
        if self.start is not None:
            return cell_key(self.config, cell_key(self.start))
        initial = self.config.train.initial
        return cell_key(self.config, weights_digest(initial) if initial else "")

    def placed(self, work: Path) -> Config:
        """The configuration with the folder that it writes to and, if it goes on from another run of `work`, where that one lies."""
        start = {"train.initial": str(work / cell_key(self.start) / "checkpoint")} if self.start is not None else {}
        return changed(self.config, {"train.output": str(work / self.key), **start})


def cell_key(config: Config, start: str = "") -> str:
    """Twelve hexadecimal digits of everything that decides a run's outcome.

    Args:
        config: Of the run.
        start: What identifies the weights that it starts from, wherever they lie: they then stand for `train.initial`.
    """
    values = to_mapping(config)
    # The card describes a run's scans and changes nothing of it; it is also younger than the first published tables.
    values.pop("reads")
    if start:
        child(values, "train").pop("initial")
        values["start"] = start
    train = child(values, "train")
    for name in _SILENT:
        train.pop(name)
    if config.objective.strength_schedule == "constant":
        child(values, "objective").pop("strength_steps")
    for (room, name), default in _YOUNGER.items():
        settings = child(values, room)
        if settings[name] == default:
            settings.pop(name)
    if config.objective.alignment == 0:
        train.pop("foundation")
    if (processes := int(os.environ.get("WORLD_SIZE", "1"))) > 1:
        # Batch sizes are per process: several processes make a larger batch.
        values["processes"] = processes
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]


def adopt_results(folders: Sequence[Path], work: Path, data: str) -> int:
    """Copy the finished cells of published tables to where runs are looked up. Those of another version or of other data are left out.

    Args:
        folders: Of the tables.
        work: Folder of the runs.
        data: Data set folder that the runs would be made on.

    Returns:
        How many such cells the folders hold.

    Raises:
        ConfigError: A folder has no table, or a table cannot be read.
    """
    fingerprint = data_fingerprint(data)
    count = 0
    for folder in folders:
        tables = [
            (file, content) for file in sorted(folder.glob("*.json")) if isinstance(content := _json(file), dict) and "rows" in content
        ]
        if not tables:
            raise ConfigError(f"no table (a JSON file with rows) in {folder}")
        for file, content in tables:
            try:
                found = [(row, result) for row in content["rows"] for result in row["results"] if _stands(result, fingerprint)]
                for row, result in found:
                    key = _key_on(data, content["config"], row["changes"], result)
                    target = work / key / _RESULT
                    if not target.is_file():
                        target.parent.mkdir(parents=True, exist_ok=True)
                        write_whole(target, json.dumps(result | {"key": key}, indent=2) + "\n")
            except (KeyError, TypeError, AttributeError) as error:
                raise ConfigError(f"{file} is not a table of this command: {type(error).__name__} {error}") from error
            count += len(found)
    return count


def _key_on(data: str, settings: dict[str, Any], changes: Changes, result: CellResult) -> str:
    """The key of a published result's run where the same data set lies in the folder `data`."""
    # Without a fingerprint nobody knows that the data is the same.
    if settings["data"]["folder"] == data or "data" not in result:
        return result["key"]
    config = changed(from_mapping(Config, settings), {**changes, "train.seed": result["seed"]})
    # The key of a result of several processes depends on their number.
    if cell_key(config) != result["key"]:
        return result["key"]
    return cell_key(changed(config, {"data.folder": data}))


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"{file} is not valid JSON: {error}") from error


def _stands(result: CellResult, fingerprint: str) -> bool:
    """Whether a result can be reused: it was measured by this version on this data, and has all that a report reads."""
    needed = {"key", "seed", "mean", "codebook", "cases", "steps", "seconds", "hardware", "date"}
    # Tables of earlier versions have no fingerprint of their data.
    return result.get("version") == __version__ and result.get("data", fingerprint) == fingerprint and needed <= result.keys()


def data_fingerprint(folder: str | Path) -> str:
    """Twelve hexadecimal digits of a data set's splits, its files' names and sizes, and what its labels leave open, wherever it lies."""
    found = find_cases(folder)
    cases: list[object] = [
        (case.name, sum(one.stat().st_size for one in case.images), case.label.stat().st_size if case.label else 0) for case in found
    ]
    # Most leave nothing open: their digits are those of before.
    cases += [(case.name, case.ignore, case.labelled) for case in found if case.ignore is not None or case.labelled is not None]
    return hashlib.sha256(json.dumps([asdict(read_splits(folder)), cases], sort_keys=True).encode()).hexdigest()[:12]


def known_result(run: Run, work: Path, *, with_run: bool = False) -> CellResult | None:
    """The result of a finished run; None if it is not finished, or was measured by another version or on other data.

    Args:
        run: The run.
        work: Folder of the runs.
        with_run: Whether the checkpoint is needed, and not the result alone.
    """
    folder = work / run.key
    if not (folder / _RESULT).is_file() or (with_run and not (folder / "checkpoint").is_dir()):
        return None
    known: CellResult = _json(folder / _RESULT)
    return known if _stands(known, data_fingerprint(run.config.data.folder)) else None


def run_cell(run: Run | Config, work: Path, *, with_run: bool = False) -> CellResult:
    """Train and measure, or read the result of an earlier call. A run that was cut off resumes.

    Two processes never make the same run: the second waits, and reads what the first has found.

    Args:
        run: The run, or the configuration of one that starts from random weights; `train.output` is ignored.
        work: Folder of the runs.
        with_run: Whether the checkpoint is needed, and not the result alone.
    """
    if isinstance(run, Config):
        run = Run(run)
    known = known_result(run, work, with_run=with_run)
    if known is not None:
        return known
    if run.start is not None:
        run_cell(Run(run.start), work, with_run=True)
    with _alone(work / run.key):
        # Another process may have finished it meanwhile.
        return known_result(run, work, with_run=with_run) or _trained_and_measured(run.placed(work))


def _alone(folder: Path) -> AbstractContextManager[object]:
    """Held by one process of this machine at a time; released when the process ends, however it ends."""
    if os.environ.get("RANK", "0") != "0":
        # The ranks of one run work together; the first one holds the lock.
        return nullcontext()
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / _LOCK)


def _trained_and_measured(config: Config) -> CellResult:
    folder, fingerprint = Path(config.train.output), data_fingerprint(config.data.folder)
    result = folder / _RESULT
    if os.environ.get("RANK", "0") == "0":
        _refuse_foreign_state(folder, {"version": __version__, "data": fingerprint})
    trainer = Trainer(config)
    checkpoint = trainer.run(resume=True)
    if trainer.main:
        model = load_model(checkpoint, trainer.device)
        measured = evaluate_split(model, config.data.folder, "val", contoured_only=config.data.contoured_only)
        values: CellResult = {
            "cases": measured["cases"],
            "mean": measured["mean"],
            "per_class": measured["per_class"],
            "codebook": measured["codebook"],
            "steps": trainer.step,
            "seconds": round(trainer.seconds, 1),
            "processes": trainer.accelerator.num_processes,
            "hardware": hardware(trainer.device),
            "version": __version__,
            "data": fingerprint,
            "date": date.today().isoformat(),
            "key": folder.name,
            "seed": config.train.seed,
        }
        # A strength that follows a schedule has no single effect.
        if not config.model.continuous and config.objective.strength_schedule == "constant":
            effect = measured_effect(model, trainer.data.watched, config.objective)
            # Infinite where all tokens share one codeword; JSON has no such number.
            if math.isfinite(effect):
                values["effect"] = effect
        write_whole(result, json.dumps(values, indent=2) + "\n")
        shutil.rmtree(folder / "state", ignore_errors=True)
    trainer.group.wait()
    written: CellResult = _json(result)
    return written


@torch.inference_mode()
def measured_effect(model: VQSeg, images: Tensor, objective: ObjectiveConfig) -> float:
    """How far the perturbation of a run moves a token of its trained network, in units of the variance of the codewords.

    Args:
        model: With a codebook.
        images: (N, C_in, H, W) in [0, 1], on which the usage of the codewords is counted.
        objective: Names the perturbation and its strength.

    Returns:
        The effect as `vqseg.quantization.perturbation.Perturbation.effect` defines it; 0 where nothing is perturbed.
    """
    kind = training_perturbation(objective.perturbation, model.config.mode)
    codewords = model.quantizer.codewords().float()
    # Read as a number: the effect is computed on the CPU, wherever the network is.
    temperature = float(model.swap_temperature(codewords, model.quantizer.stamp))
    return kind.effect(codewords.cpu(), count_codes(model, images).cpu(), objective.strength, temperature)


def _refuse_foreign_state(folder: Path, origin: dict[str, str]) -> None:
    """Delete the state of an unfinished cell if another version or other data began it: its result would be reported as this version's."""
    note = folder / _ORIGIN
    if folder.is_dir():
        recover_folder(folder / "state")
    states = [path for path in (folder / "state", folder / "state-before") if path.is_dir()]
    if states and not _holds(note, origin):
        logger.warning("%s was begun by another version or on other data, and starts over", folder)
        for left in states:
            shutil.rmtree(left)
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(note, json.dumps(origin) + "\n")


def _holds(note: Path, origin: dict[str, str]) -> bool:
    try:
        return note.is_file() and _json(note) == origin
    except ConfigError:
        return False


def made_here() -> dict[str, str]:
    """What a table says of how it came to be: the processor, the version and the day."""
    return {"hardware": hardware(torch.device("cpu")), "version": __version__, "date": date.today().isoformat()}


def hardware(device: torch.device) -> str:
    """What a run was made on, in words."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type} ({_processor()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads)"


def _processor() -> str:
    """Name of the CPU, if the system gives it. CPUs round differently, so the same seed can give another result on another CPU."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return ", ".join([*names[:1], platform.machine()])
