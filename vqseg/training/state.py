"""The whole state of a run on disk, so that a resumed run matches bit for bit: networks, optimiser, schedule, generators, step.

Tensors go to safetensors, plain values to JSON; the folder is replaced in one rename.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any, NotRequired, TypedDict, cast

from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from vqseg.checkpoint import CheckpointError, check_tensors, load_tensors, replaced_folder, save_tensors
from vqseg.config import Config, to_mapping
from vqseg.plain import Json, JsonObject, child
from vqseg.training.device import own_ways
from vqseg.training.group import Group
from vqseg.training.provenance import EarlierRun
from vqseg.training.run_data import RunData
from vqseg.training.start import TrainingError

logger = logging.getLogger(__name__)

_NAME = "state"
_NEEDED: dict[str, tuple[type, ...]] = {
    "step": (int,),
    "seconds": (int, float),
    "processes": (int,),
    "optimizer": (list,),
    "schedule": (dict,),
}
# Settings that may change when a run resumes: paths, how often it reports, and its length.
_FREE = {
    "data.folder",
    "data.pseudo_labels",
    "train.output",
    "train.log_every",
    "train.checkpoint_every",
    "train.evaluate_every",
    "train.compile",
    "train.tracker",
    "train.steps",
}


class RunNotes(TypedDict):
    """The plain values of a state. Values that earlier versions did not write may be missing.

    config: the settings that the run began with. codebook_size: K, which a run may change. processes: the world size.
    pseudo_labels, patients, earlier: as in `RunData`. scaler: the state of fp16's loss scaling; otherwise empty.
    """

    step: int
    seconds: float
    processes: int
    config: NotRequired[JsonObject]
    codebook_size: NotRequired[int]
    pseudo_labels: NotRequired[str]
    patients: NotRequired[EarlierRun]
    earlier: NotRequired[list[EarlierRun]]
    scaler: NotRequired[dict[str, float]]


def save_state(
    folder: Path,
    before: Path,
    networks: dict[str, nn.Module],
    optimizer: Optimizer,
    schedule: LRScheduler,
    tensors: dict[str, Tensor],
    notes: RunNotes,
) -> None:
    """Replace a folder by the state of a run, in one rename. The state that lay there is kept as the one before.

    Args:
        folder: The state's folder.
        before: The folder of the state before.
        networks: What is trained and the teacher, by name.
        optimizer: Its moments.
        schedule: Where the learning rate stands.
        tensors: Whatever else must last: generators' states, counters.
        notes: Plain values.
    """
    bundle = {f"extra.{name}": tensor for name, tensor in tensors.items()}
    for name, network in networks.items():
        bundle |= {f"{name}.{key}": value for key, value in network.state_dict().items()}
    state = optimizer.state_dict()
    for index, entries in state["state"].items():
        bundle |= {f"optimizer.{index}.{key}": value for key, value in entries.items()}
    values = {**notes, "optimizer": state["param_groups"], "schedule": _plain(schedule.state_dict())}
    with replaced_folder(folder, before=before) as fresh:
        save_tensors(bundle, values, fresh, _NAME)


def intact_state(newest: Path, before: Path) -> Path:
    """The newest state whose files are as they were written.

    Args:
        newest: Folder of the last state.
        before: Folder of the one before; it need not be there.

    Raises:
        CheckpointError: None is whole.
    """
    try:
        check_tensors(newest, _NAME)
        saved_notes(newest)
    except CheckpointError as error:
        if not before.is_dir():
            raise
        check_tensors(before, _NAME)
        logger.warning("%s; going on from the state before it, of step %d", error, saved_notes(before)["step"])
        return before
    return newest


def load_state(folder: Path, networks: dict[str, nn.Module], optimizer: Optimizer, schedule: LRScheduler) -> dict[str, Tensor]:
    """Restore in place what `save_state` wrote.

    Args:
        folder: The state's folder.
        networks: As they were saved.
        optimizer: As it was saved.
        schedule: As it was saved.

    Returns:
        The tensors that were saved beside them. The notes are read by `saved_notes`.

    Raises:
        CheckpointError: The state is broken, or belongs to networks of another form.
    """
    bundle, notes = load_tensors(folder, _NAME)
    try:
        for name, network in networks.items():
            network.load_state_dict(_under(bundle, name))
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise CheckpointError(f"cannot resume from {folder}: the configuration has changed since ({reason})") from error
    moments: dict[int, dict[str, Tensor]] = {}
    for key, value in _under(bundle, "optimizer").items():
        index, entry = key.split(".", 1)
        moments.setdefault(int(index), {})[entry] = value
    groups = own_ways(cast("list[dict[str, Any]]", notes["optimizer"]), optimizer)
    optimizer.load_state_dict({"state": moments, "param_groups": groups})
    _restore_schedule(schedule, child(notes, "schedule"))
    return _under(bundle, "extra")


def saved_notes(folder: Path) -> RunNotes:
    """The plain values of a saved state, without its tensors. Raises CheckpointError if they cannot be read, or if some are missing."""
    try:
        values = json.loads((folder / f"{_NAME}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"cannot resume from {folder}: {error}") from error
    lacking = [key for key, kind in _NEEDED.items() if not isinstance(values, dict) or not isinstance(values.get(key), kind)]
    if lacking:
        raise CheckpointError(f"cannot resume from {folder}: {_NAME}.json is no state of a run, it lacks {', '.join(lacking)}")
    notes: RunNotes = values
    return notes


def check_resumable(folder: Path, notes: RunNotes, config: Config, data: RunData, group: Group) -> None:
    """Check that a run can resume from a state.

    Args:
        folder: The state's folder.
        notes: Its plain values.
        config: Of the run at hand.
        data: What that run reads.
        group: Its processes.

    Raises:
        CheckpointError: A setting has changed that affects the result.
        TrainingError: The labels, the patients or the world size have changed, or the state is beyond the last step.
    """
    now = to_mapping(config)
    # States of earlier versions hold no settings.
    refuse_changes(folder, notes.get("config", now), now)
    if notes.get("pseudo_labels", data.pseudo_labels) != data.pseudo_labels:
        raise TrainingError(f"the pseudo-labels in {config.data.pseudo_labels} have changed since the run in {folder} began")
    if notes.get("patients", data.patients) != data.patients:
        raise TrainingError(
            f"the training patients of {config.data.folder}, or those with labels, have changed since the run in {folder} began"
        )
    if notes["step"] > config.train.steps:
        raise TrainingError(f"{folder} is at step {notes['step']}, but train.steps is only {config.train.steps}")
    if notes["processes"] != group.share.count:
        raise TrainingError(f"the run began with {notes['processes']} process(es), not {group.share.count}; resume with the same number")


def changes_length(notes: RunNotes, config: Config) -> bool:
    """Whether a resumed run has another number of steps than it began with.

    Args:
        notes: Of the saved state.
        config: Of the run at hand.
    """
    return child(notes.get("config", {}), "train").get("steps", config.train.steps) != config.train.steps


def refuse_changes(folder: Path, before: JsonObject, now: JsonObject) -> None:
    """Compare the settings that a state was saved under with those at hand.

    Args:
        folder: The state's folder, for the message.
        before: The settings then, as `to_mapping` gives them.
        now: The settings at hand.

    Raises:
        CheckpointError: Some differ; it names them all. The checkpoint would name settings under which its weights were not trained.
    """
    # A state older than a setting was made under that setting's default.
    old, new = _flat(to_mapping(Config())) | _flat(before), _flat(now)
    changes = [f"{key} was {old.get(key)!r} and is {value!r}" for key, value in new.items() if key not in _FREE and old.get(key) != value]
    if changes:
        raise CheckpointError(f"cannot resume from {folder}: the configuration has changed since ({'; '.join(changes)})")


def _flat(values: JsonObject, prefix: str = "") -> JsonObject:
    """Nested settings by their dotted keys."""
    flat: JsonObject = {}
    for key, value in values.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat


def _under(bundle: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key[len(prefix) + 1 :]: value for key, value in bundle.items() if key.startswith(prefix + ".")}


def _plain(state: dict[str, Any]) -> JsonObject:
    """A schedule's state with nested schedules as plain values."""
    inner: list[Json] = [_plain(one) for one in state.get("_schedulers", [])]
    kept: JsonObject = {
        key: value for key, value in state.items() if isinstance(value, (int, float, str, list, bool)) and key != "_schedulers"
    }
    return kept | ({"_schedulers": inner} if inner else {})


def _restore_schedule(schedule: LRScheduler, state: JsonObject) -> None:
    merged = schedule.state_dict() | state
    saved = state.get("_schedulers")
    if isinstance(saved, list):
        own = [one.state_dict() for one in schedule._schedulers]  # type: ignore[attr-defined]
        merged["_schedulers"] = [mine | part for mine, part in zip(own, saved, strict=True)]
    schedule.load_state_dict(merged)
