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
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from vqseg.config import ConfigError, ModelConfig, PreprocessConfig, ReadsConfig, from_mapping, to_mapping
from vqseg.files import settle
from vqseg.hub import CONFIG, WEIGHTS, CheckpointError, Download, checkpoint_folder
from vqseg.models.vqseg import VQSeg
from vqseg.plain import JsonObject

__all__ = [
    "CONFIG",
    "FORMAT",
    "WEIGHTS",
    "CheckpointError",
    "Download",
    "check_tensors",
    "checkpoint_folder",
    "load_model",
    "load_tensors",
    "read_config",
    "recover_folder",
    "replaced_folder",
    "save_model",
    "save_tensors",
    "weights_digest",
]

FORMAT = 1
_LARGEST_CONFIG, _LARGEST_HEADER = 1 << 20, 1 << 23
"""Bytes. Those of the bundled checkpoints have 5 kB and 10 kB."""


@contextmanager
def replaced_folder(target: Path, *, before: Path | None = None) -> Iterator[Path]:
    """A temporary folder that takes the target's place when the block ends well; the old folder stays if it does not.

    Its files are on the disk before the old ones are touched: a machine that loses its power keeps one of both.

    Args:
        target: The folder.
        before: Where the old folder is kept from then on, in place of what lay there; None to delete it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    old = fresh.with_name(fresh.name + "-old")
    try:
        yield fresh
        fresh.chmod(0o755)
        for path in (*fresh.rglob("*"), fresh):
            settle(path)
        if target.exists():
            os.replace(target, old)
        os.replace(fresh, target)
        if before is not None and old.exists():
            shutil.rmtree(before, ignore_errors=True)
            os.replace(old, before)
        settle(target.parent)
    finally:
        if not target.exists() and old.exists():
            os.replace(old, target)
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def recover_folder(target: Path) -> None:
    """Bring back the old folder if a process was killed between the renames of `replaced_folder`, and delete what it left behind."""
    left = sorted(target.parent.glob(f".{target.name}-*-old"), key=lambda path: path.stat().st_mtime)
    if left and not target.exists():
        os.replace(left[-1], target)
    for path in target.parent.glob(f".{target.name}-*"):
        shutil.rmtree(path, ignore_errors=True)


def save_model(model: VQSeg, folder: str | Path, *, training: Mapping[str, object] | None = None, half: bool = False) -> None:
    """Write weights and configuration into a folder, each file by an atomic rename; other files there stay.

    Args:
        model: The network.
        folder: Where to write; made if missing.
        training: How the weights were trained, as plain JSON values; shown on the model card.
        half: Round the weights to half precision, which halves the file.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: (value.detach().half() if half else value.detach().float()).contiguous().cpu() for name, value in model.state_dict().items()
    }
    save_file(tensors, folder / (WEIGHTS + ".part"), metadata={"format": "pt"})
    values: JsonObject = {"format": FORMAT, "model": to_mapping(model.config), "preprocess": to_mapping(model.preprocess)}
    if model.reads != ReadsConfig():
        values["reads"] = to_mapping(model.reads)
    values["training"] = cast("JsonObject", dict(training or {}))
    (folder / (CONFIG + ".part")).write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    for name in (WEIGHTS, CONFIG):
        settle(folder / (name + ".part"))
        os.replace(folder / (name + ".part"), folder / name)


def weights_digest(path_or_hub_id: str | Path) -> str:
    """Twelve hexadecimal digits that tell a checkpoint's weights from others. Raises CheckpointError if there is no such checkpoint."""
    return hashlib.sha256((checkpoint_folder(path_or_hub_id) / WEIGHTS).read_bytes()).hexdigest()[:12]


def read_config(folder: str | Path) -> JsonObject:
    """config.json of a local checkpoint folder as plain values. Raises CheckpointError if it cannot be read."""
    path = Path(folder) / CONFIG
    try:
        if path.stat().st_size > _LARGEST_CONFIG:
            raise CheckpointError(f"{CONFIG} of checkpoint {Path(folder).name!r} is too large")
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"checkpoint {Path(folder).name!r} has no readable {CONFIG}") from error
    except RecursionError as error:
        raise CheckpointError(f"{CONFIG} of checkpoint {Path(folder).name!r} is nested too deeply") from error
    except CheckpointError:
        raise
    except ValueError as error:
        raise CheckpointError(f"{CONFIG} of checkpoint {Path(folder).name!r} is not valid JSON: {error}") from error
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        found = values.get("format") if isinstance(values, dict) else type(values).__name__
        raise CheckpointError(f"checkpoint {Path(folder).name!r} has format {found!r}; this version reads {FORMAT}")
    return values


def _require_shapes(folder: Path, wanted: Mapping[str, tuple[int, ...]]) -> None:
    """Compare the tensors that the weights' header lists with a network's, before memory is taken for either."""
    path, problem = folder / WEIGHTS, f"{WEIGHTS} of checkpoint {folder.name!r} does not fit its configuration"
    if not path.is_file():
        raise CheckpointError(f"checkpoint {folder.name!r} has no {WEIGHTS}")
    with path.open("rb") as file:
        if int.from_bytes(file.read(8), "little") > _LARGEST_HEADER:
            raise CheckpointError(f"{problem}: its header is too large or broken")
    try:
        with safe_open(path, "pt") as content:
            found = {name: tuple(content.get_slice(name).get_shape()) for name in content.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{problem}: {' '.join(str(error).split())}") from error
    parts = {
        "it lacks": [name for name in wanted if name not in found],
        "it has beyond them": [name for name in found if name not in wanted],
        "of another shape are": [f"{name} {found[name]}, not {shape}" for name, shape in wanted.items() if found.get(name, shape) != shape],
    }
    reasons = [f"{what} {', '.join(names[:3])}{' ...' * (len(names) > 3)}" for what, names in parts.items() if names]
    if reasons:
        raise CheckpointError(f"{problem}: {'; '.join(reasons)}")


def load_model(path_or_hub_id: str | Path, device: str | torch.device | None = None, *, download: Download | None = None) -> VQSeg:
    """A trained network in evaluation mode.

    Args:
        path_or_hub_id: A local folder; the name of a bundled or downloaded checkpoint ("acdc-10"); or a Hub id "owner/name" that is
            downloaded. `vqseg.hub.checkpoint_folder` says where names are looked up.
        device: "cpu", "cuda" ...; None for the CPU.
        download: Revision, token, cache and the like, for a Hub id.

    Raises:
        CheckpointError: It is missing or broken, its weights do not fit its configuration, or the device cannot be used.
    """
    folder = checkpoint_folder(path_or_hub_id, download or Download())
    values = read_config(folder)
    for room in ("model", "preprocess"):
        # Of a room that is missing or null all settings would be defaults, which are no checkpoint's.
        if not isinstance(values.get(room), dict):
            raise CheckpointError(f"{CONFIG} of checkpoint {folder.name!r} has no {room!r}")
    try:
        config = from_mapping(ModelConfig, values["model"], origin=CONFIG)
        preprocess = from_mapping(PreprocessConfig, values["preprocess"], origin=CONFIG)
        reads = from_mapping(ReadsConfig, values.get("reads"), origin=CONFIG)
        # Without memory for its weights: a configuration may ask for more than there is.
        with torch.device("meta"):
            wanted = {name: tuple(value.shape) for name, value in VQSeg(config, preprocess).state_dict().items()}
    except ConfigError as error:
        raise CheckpointError(f"checkpoint {folder.name!r}: {error}") from error
    except (RuntimeError, OverflowError, MemoryError) as error:
        reason = " ".join(str(error).split())
        raise CheckpointError(f"checkpoint {folder.name!r} asks for a network that cannot be built: {reason}") from error
    _require_shapes(folder, wanted)
    model = VQSeg(config, preprocess, reads)
    model.origin = folder
    try:
        model.load_state_dict(load_file(folder / WEIGHTS))
    except (SafetensorError, RuntimeError, OSError) as error:
        reason = " ".join(str(error).split())
        raise CheckpointError(f"{WEIGHTS} of checkpoint {folder.name!r} does not fit its configuration: {reason}") from error
    if spoilt := [name for name, value in model.state_dict().items() if value.is_floating_point() and not bool(value.isfinite().all())]:
        raise CheckpointError(f"{WEIGHTS} of checkpoint {folder.name!r} has NaN or infinite values in {', '.join(spoilt[:3])}")
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
    files = [folder / f"{name}.safetensors", folder / f"{name}.json"]
    save_file({key: value.detach().contiguous().cpu() for key, value in tensors.items()}, files[0])
    files[1].write_text(json.dumps(notes), encoding="utf-8")
    # As the program sha256sum writes and checks them.
    (folder / f"{name}.sha256").write_text("".join(f"{_sha256(file)}  {file.name}\n" for file in files), encoding="utf-8")


def check_tensors(folder: Path, name: str) -> None:
    """Compare what `save_tensors` wrote with its checksums. Earlier versions wrote none; then there is nothing to compare.

    Args:
        folder: Where the files lie.
        name: NAME of all three.

    Raises:
        CheckpointError: A file is missing or has changed since it was written.
    """
    try:
        listed = folder / f"{name}.sha256"
        for line in listed.read_text(encoding="utf-8").splitlines() if listed.is_file() else []:
            digest, file = line.split("  ", 1)
            if _sha256(folder / Path(file).name) != digest:
                raise CheckpointError(f"cannot resume from {folder}: {file} is damaged, its checksum is another")
    except (OSError, ValueError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"cannot resume from {folder}: {error}") from error


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


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
