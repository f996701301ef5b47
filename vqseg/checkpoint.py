"""The only reader and writer of weights: a folder (local or on the Hugging Face Hub) with model.safetensors and config.json.

Nothing here is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from vqseg.config import ConfigError, ModelConfig, PreprocessConfig, ReadsConfig, from_mapping, to_mapping
from vqseg.models.vqseg import VQSeg
from vqseg.plain import JsonObject

WEIGHTS, CONFIG = "model.safetensors", "config.json"
FORMAT = 1
_DOWNLOADED = [WEIGHTS, CONFIG, "codebook.npz", "familiarity.npz", "snapshots.npz", "README.md"]


class CheckpointError(ValueError):
    """A checkpoint that is missing, incomplete or does not fit its own configuration."""


@contextmanager
def replaced_folder(target: Path) -> Iterator[Path]:
    """A temporary folder that takes the target's place when the block ends well; the old folder stays if it does not."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    old = fresh.with_name(fresh.name + "-old")
    try:
        yield fresh
        fresh.chmod(0o755)
        if target.exists():
            os.replace(target, old)
        os.replace(fresh, target)
    finally:
        if not target.exists() and old.exists():
            os.replace(old, target)
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def recover_folder(target: Path) -> None:
    """Bring back the old folder if a process was killed between the two renames of `replaced_folder`."""
    left = sorted(target.parent.glob(f".{target.name}-*-old"), key=lambda path: path.stat().st_mtime)
    if left and not target.exists():
        os.replace(left[-1], target)


def save_model(model: VQSeg, folder: str | Path, *, training: Mapping[str, object] | None = None) -> None:
    """Write weights and configuration into a folder, each file by an atomic rename; other files there stay.

    Args:
        model: The network.
        folder: Where to write; made if missing.
        training: How the weights were trained, as plain JSON values; shown on the model card.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: value.detach().float().contiguous().cpu() for name, value in model.state_dict().items()}
    save_file(tensors, folder / (WEIGHTS + ".part"), metadata={"format": "pt"})
    values: JsonObject = {"format": FORMAT, "model": to_mapping(model.config), "preprocess": to_mapping(model.preprocess)}
    if model.reads != ReadsConfig():
        values["reads"] = to_mapping(model.reads)
    values["training"] = cast("JsonObject", dict(training or {}))
    (folder / (CONFIG + ".part")).write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    for name in (WEIGHTS, CONFIG):
        os.replace(folder / (name + ".part"), folder / name)


def checkpoint_folder(path_or_hub_id: str | Path) -> Path:
    """The local folder of a checkpoint; a Hub id "owner/name" is downloaded (weights, configuration and codebook files only)."""
    path = Path(path_or_hub_id)
    if path.is_dir():
        return path
    text = str(path_or_hub_id)
    if path.exists() or path.is_absolute() or text.startswith(".") or text.count("/") != 1:
        raise CheckpointError(
            f"there is no checkpoint folder {text!r}; expected a folder with {WEIGHTS} and {CONFIG}, or a Hub id owner/name"
        )
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(text, allow_patterns=_DOWNLOADED))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise CheckpointError(f"{text!r} is no local folder and could not be downloaded from the Hub ({type(error).__name__})") from error


def weights_digest(path_or_hub_id: str | Path) -> str:
    """Twelve hexadecimal digits that tell a checkpoint's weights from others. Raises CheckpointError if there is no such checkpoint."""
    return hashlib.sha256((checkpoint_folder(path_or_hub_id) / WEIGHTS).read_bytes()).hexdigest()[:12]


def read_config(folder: str | Path) -> JsonObject:
    """config.json of a local checkpoint folder as plain values. Raises CheckpointError if it cannot be read."""
    path = Path(folder) / CONFIG
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"checkpoint {Path(folder).name!r} has no readable {CONFIG}") from error
    except ValueError as error:
        raise CheckpointError(f"{CONFIG} of checkpoint {Path(folder).name!r} is not valid JSON: {error}") from error
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        found = values.get("format") if isinstance(values, dict) else type(values).__name__
        raise CheckpointError(f"checkpoint {Path(folder).name!r} has format {found!r}; this version reads {FORMAT}")
    return values


def load_model(path_or_hub_id: str | Path, device: str | torch.device | None = None) -> VQSeg:
    """A trained network in evaluation mode.

    Args:
        path_or_hub_id: A local folder, or a Hub id "owner/name" that is downloaded.
        device: "cpu", "cuda" ...; None for the CPU.

    Raises:
        CheckpointError: It is missing or broken, its weights do not fit its configuration, or the device cannot be used.
    """
    folder = checkpoint_folder(path_or_hub_id)
    values = read_config(folder)
    try:
        config = from_mapping(ModelConfig, values.get("model"), origin=CONFIG)
        preprocess = from_mapping(PreprocessConfig, values.get("preprocess"), origin=CONFIG)
        reads = from_mapping(ReadsConfig, values.get("reads"), origin=CONFIG)
    except ConfigError as error:
        raise CheckpointError(f"checkpoint {folder.name!r}: {error}") from error
    model = VQSeg(config, preprocess, reads)
    try:
        model.load_state_dict(load_file(folder / WEIGHTS))
    except FileNotFoundError as error:
        raise CheckpointError(f"checkpoint {folder.name!r} has no {WEIGHTS}") from error
    except (SafetensorError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise CheckpointError(f"{WEIGHTS} of checkpoint {folder.name!r} does not fit its configuration: {reason}") from error
    try:
        return model.to(device or "cpu").eval()
    # torch has no error of its own for a device that it does not know, or was not built for.
    except (RuntimeError, AssertionError) as error:
        raise CheckpointError(f"the device {str(device)!r} cannot be used: {error}") from error


def save_tensors(tensors: dict[str, Tensor], notes: Mapping[str, object], folder: Path, name: str) -> None:
    """Write a bundle of tensors and plain notes, NAME.safetensors and NAME.json: a training state. Models go through `save_model`.

    Args:
        tensors: By name.
        notes: Plain JSON values.
        folder: Where to write.
        name: NAME.
    """
    save_file({key: value.detach().contiguous().cpu() for key, value in tensors.items()}, folder / f"{name}.safetensors")
    (folder / f"{name}.json").write_text(json.dumps(notes), encoding="utf-8")


def load_tensors(folder: Path, name: str) -> tuple[dict[str, Tensor], JsonObject]:
    """Read what `save_tensors` wrote.

    Args:
        folder: Where the files lie.
        name: NAME of both files.

    Returns:
        The tensors and the notes.

    Raises:
        CheckpointError: A file is missing or broken.
    """
    try:
        return load_file(folder / f"{name}.safetensors"), json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    except (OSError, SafetensorError, ValueError) as error:
        raise CheckpointError(f"cannot resume from {folder}: {error}") from error
