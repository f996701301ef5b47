"""Checkpoints that are made to do harm: each is refused by our own error, in two seconds and a quarter of a gigabyte."""

from __future__ import annotations

import io
import json
import os
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

ROOT = Path(__file__).parents[1]
SHIPPED = ROOT / "checkpoints" / "acdc-10"


def setting(room: str, name: str, value: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        values = json.loads((folder / "config.json").read_text())
        values[room][name] = value
        (folder / "config.json").write_text(json.dumps(values))

    return change


def room(name: str, value: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        values = json.loads((folder / "config.json").read_text())
        values[name] = value
        (folder / "config.json").write_text(json.dumps(values))

    return change


def text(content: str) -> Callable[[Path], None]:
    return lambda folder: (folder / "config.json").write_text(content) and None


def weights(value: float) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        tensors = load_file(folder / "model.safetensors")
        name = next(name for name, tensor in tensors.items() if tensor.is_floating_point())
        tensors[name].view(-1)[0] = value
        save_file(tensors, folder / "model.safetensors")

    return change


def header(length: int, content: bytes = b"") -> Callable[[Path], None]:
    return lambda folder: (folder / "model.safetensors").write_bytes(struct.pack("<Q", length) + content) and None


def array(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    def changed(folder: Path) -> None:
        with np.load(folder / "codebook.npz") as content:
            arrays = {key: content[key] for key in content.files}
        arrays[name] = change(arrays[name])
        np.savez_compressed(folder / "codebook.npz", **arrays)

    return changed


def huge_array(folder: Path) -> None:
    """Headers of 10^11 numbers, of which none follow."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (10**11,)})
    with zipfile.ZipFile(folder / "codebook.npz", "w") as archive:
        archive.writestr("counts.npy", file.getvalue())


def bomb(folder: Path, name: str = "codebook.npz", member: str = "counts.npy") -> None:
    """A few hundred kilobytes that unpack to 256 MB of zeros."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<i8", "fortran_order": False, "shape": (1 << 25,)})
    with (
        zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(member, "w", force_zip64=True) as entry,
    ):
        entry.write(file.getvalue())
        for _ in range(16):
            entry.write(bytes(1 << 24))


def high(value: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda values: np.full_like(values, value)


HOSTILE: dict[str, Callable[[Path], None]] = {
    "more codewords than memory": setting("model", "codebook_size", 2**22),
    "a wide decoder": setting("model", "decoder_width", 1_600_000),
    "a deep codeword": setting("model", "codebook_dim", 2**30),
    "many input channels": setting("model", "in_channels", 10**9),
    "many neighbours": setting("model", "context_slices", 10**9),
    "many classes": setting("model", "classes", [str(number) for number in range(3000)]),
    "a tiny temperature": setting("model", "temperature", 1e-300),
    "a commitment that is no number": setting("model", "commitment", float("nan")),
    "an infinite window": setting("preprocess", "window", [float("-inf"), float("inf")]),
    "a large picture": setting("preprocess", "image_side", 10**9),
    "no model": room("model", None),
    "an empty model": room("model", {}),
    "no preprocessing": room("preprocess", None),
    "a list for a model": room("model", [1, 2]),
    "a deep vision transformer": room("model", {"encoder": "vit", "backbone": {"layers": 10**9}}),
    "nested JSON": text('{"format": 1, "model": ' + "[" * 100_000 + "]" * 100_000 + "}"),
    "long JSON": text('{"format": 1, "model": {"classes": "' + "x" * (1 << 25) + '"}}'),
    "a weight that is no number": weights(float("nan")),
    "an infinite weight": weights(float("inf")),
    "a header of terabytes": header(1 << 42),
    "a long header": header(90 << 20, b"{" + b" " * (90 << 20)),
    "an array of terabytes": huge_array,
    "an array that unpacks to gigabytes": bomb,
    "a reference that unpacks to gigabytes": lambda folder: bomb(folder, "familiarity.npz", "texture_mean.npy"),
    "neighbours beyond the codebook": array("partners", high(10**6)),
    "negative codes": array("ablation_codes", high(-5)),
    "labels beyond the classes": array("atom_labels", high(200)),
    "groups beyond the codebook": array("drift_groups", high(10**6)),
    "negative counts": array("counts", high(-1)),
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    root = tmp_path_factory.mktemp("hostile")
    folders = []
    for name, change in HOSTILE.items():
        folder = root / name
        folder.mkdir()
        for file in ("config.json", "model.safetensors", "codebook.npz", "familiarity.npz"):
            shutil.copy(SHIPPED / file, folder / file)
        change(folder)
        folders.append(str(folder))
    command = [sys.executable, str(ROOT / "tests" / "hostile_checkpoints.py"), str(SHIPPED), *folders]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, check=True)
    found: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_checkpoint_is_refused_within_bounds(answers: dict[str, dict[str, Any]], name: str) -> None:
    answer = answers[name]
    assert answer["kind"] in ("CheckpointError", "CodebookError", "FamiliarityError"), answer
    assert len(answer["said"]) < 600
    assert answer["megabytes"] < 256
    # Ten times what an idle machine needs: others may be at work on this one.
    assert answer["seconds"] < 20


def test_weights_of_one_more_name_are_told_from_those_of_another_shape(tmp_path: Path) -> None:
    from vqseg.checkpoint import CheckpointError, load_model

    for file in ("config.json", "model.safetensors"):
        shutil.copy(SHIPPED / file, tmp_path / file)
    tensors = load_file(tmp_path / "model.safetensors")
    save_file({**tensors, "more": torch.zeros(3)}, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"it has beyond them more$"):
        load_model(tmp_path)
