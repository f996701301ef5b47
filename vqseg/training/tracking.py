"""What a tracker shows of a run: the lines of its log, as curves on a page, by one of Accelerate's trackers. log.jsonl stays the log."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module


def require_tracker(name: str | None) -> None:
    """Raises ModuleNotFoundError if the tracker's package is missing: Accelerate would leave the tracker out without a word."""
    if name is not None:
        import_module(name)


def numbers(line: Mapping[str, object], prefix: str = "") -> dict[str, float]:
    """The numbers of a line by their names; those of its inner records as "validation/dice". The step and texts are left out."""
    found: dict[str, float] = {}
    for name, value in line.items():
        if isinstance(value, Mapping):
            found |= numbers(value, f"{prefix}{name}/")
        elif isinstance(value, int | float) and name != "step":
            found[prefix + name] = value
    return found


def tracker_settings(step: int) -> dict[str, dict[str, int | None]]:
    """How each tracker begins. step: where the run stands; what TensorBoard has of later steps is dropped, as those are run again."""
    return {"tensorboard": {"purge_step": step + 1 if step else None}}
