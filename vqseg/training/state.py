"""The whole state of a run on disk, so that it can go on bit for bit: networks, optimiser, schedule, generators, step.

Tensors go to safetensors, plain values to JSON; the folder is replaced in one rename.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from vqseg.checkpoint import CheckpointError, load_tensors, replaced_folder, save_tensors
from vqseg.config import Config, to_mapping

_NAME = "state"
# What a run may go on with otherwise than it began: where things lie, how often it says so, and how long it is.
_FREE = {
    "data.folder",
    "data.pseudo_labels",
    "train.output",
    "train.log_every",
    "train.checkpoint_every",
    "train.evaluate_every",
    "train.compile",
    "train.steps",
}


def save_state(
    folder: Path,
    networks: dict[str, nn.Module],
    optimizer: Optimizer,
    schedule: LRScheduler,
    tensors: dict[str, Tensor],
    notes: dict[str, Any],
) -> None:
    """networks by name; tensors: whatever else must last (generators' states, counters); notes: plain values such as the step."""
    bundle = {f"extra.{name}": tensor for name, tensor in tensors.items()}
    for name, network in networks.items():
        bundle |= {f"{name}.{key}": value for key, value in network.state_dict().items()}
    state = optimizer.state_dict()
    for index, entries in state["state"].items():
        bundle |= {f"optimizer.{index}.{key}": value for key, value in entries.items()}
    notes = notes | {"optimizer": state["param_groups"], "schedule": _plain(schedule.state_dict())}
    with replaced_folder(folder) as fresh:
        save_tensors(bundle, notes, fresh, _NAME)


def load_state(
    folder: Path, networks: dict[str, nn.Module], optimizer: Optimizer, schedule: LRScheduler
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Restore in place what save_state wrote; returns its tensors and notes. Raises CheckpointError if it does not fit."""
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
    optimizer.load_state_dict({"state": moments, "param_groups": notes["optimizer"]})
    _restore_schedule(schedule, notes["schedule"])
    return _under(bundle, "extra"), notes


def saved_notes(folder: Path) -> dict[str, Any]:
    """The plain values of a saved state, without its tensors. Raises CheckpointError if they cannot be read."""
    try:
        return json.loads((folder / f"{_NAME}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"cannot resume from {folder}: {error}") from error


def refuse_changes(folder: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    """Compare the settings that a state was saved under with those at hand (both as `to_mapping` gives them).

    Raises CheckpointError that names every difference: its weights would be said to come from settings they do not come from.
    """
    # A state from before a setting was there was made under what is its default now.
    old, new = _flat(to_mapping(Config())) | _flat(before), _flat(now)
    changes = [f"{key} was {old.get(key)!r} and is {value!r}" for key, value in new.items() if key not in _FREE and old.get(key) != value]
    if changes:
        raise CheckpointError(f"cannot resume from {folder}: the configuration has changed since ({'; '.join(changes)})")


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by their dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat


def _under(bundle: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key[len(prefix) + 1 :]: value for key, value in bundle.items() if key.startswith(prefix + ".")}


def _plain(state: dict[str, Any]) -> dict[str, Any]:
    """A schedule's state with nested schedules as plain values."""
    inner = [_plain(one) for one in state.get("_schedulers", [])]
    kept = {key: value for key, value in state.items() if isinstance(value, (int, float, str, list, bool)) and key != "_schedulers"}
    return kept | ({"_schedulers": inner} if inner else {})


def _restore_schedule(schedule: LRScheduler, state: dict[str, Any]) -> None:
    merged = schedule.state_dict() | state
    if "_schedulers" in state:
        own = [one.state_dict() for one in schedule._schedulers]  # type: ignore[attr-defined]
        merged["_schedulers"] = [mine | saved for mine, saved in zip(own, state["_schedulers"], strict=True)]
    schedule.load_state_dict(merged)
