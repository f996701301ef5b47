"""Weights out and in again, and every way in which a checkpoint can be wrong."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.tiny import tiny_model
from vqseg.checkpoint import (
    CheckpointError,
    check_tensors,
    checkpoint_folder,
    load_model,
    load_tensors,
    recover_folder,
    replaced_folder,
    save_model,
    save_tensors,
)
from vqseg.config import PreprocessConfig
from vqseg.models.vqseg import VQSeg


@pytest.fixture
def copy(checkpoint: Path, tmp_path: Path) -> Path:
    """A checkpoint that may be damaged."""
    return shutil.copytree(checkpoint, tmp_path / "damaged")


def change(folder: Path, **values: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_a_round_trip_is_exact(tmp_path: Path) -> None:
    model = tiny_model(3, token_stride=8, temperature=0.5, classes=("background", "LV"))
    model.preprocess = PreprocessConfig(intensity="window", window=(-500.0, 300.0), image_side=None)
    save_model(model.train(), tmp_path / "c", training={"steps": 5})
    loaded = load_model(tmp_path / "c")
    assert loaded.config == model.config
    assert loaded.preprocess == model.preprocess
    assert not loaded.training
    assert loaded.state_dict().keys() == model.state_dict().keys()
    for name, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value), name
    image = torch.rand(1, 1, 40, 40, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(loaded(image).logits, model.eval()(image).logits)
    assert json.loads((tmp_path / "c/config.json").read_text())["training"] == {"steps": 5}
    assert {path.name for path in (tmp_path / "c").iterdir()} == {"model.safetensors", "config.json"}


def test_saving_again_replaces_the_weights_and_leaves_other_files(checkpoint: Path, copy: Path) -> None:
    (copy / "README.md").write_text("a card")
    other = tiny_model(9)
    save_model(other, copy)
    assert torch.equal(load_model(copy).encoder.project.weight, other.encoder.project.weight)
    assert not torch.equal(load_model(checkpoint).encoder.project.weight, other.encoder.project.weight)
    assert (copy / "README.md").read_text() == "a card"


def test_a_channels_last_or_half_network_is_saved_as_plain_float32(tmp_path: Path) -> None:
    model = VQSeg(tiny_model().config).to(memory_format=torch.channels_last)
    save_model(model.half(), tmp_path)
    assert {value.dtype for value in load_file(tmp_path / "model.safetensors").values()} == {torch.float32}


@pytest.mark.parametrize("name", ["nowhere", "no/where/at/all", "./owner/name", "/absolute/name"])
def test_a_missing_folder_is_named(name: str) -> None:
    with pytest.raises(CheckpointError, match=f"there is no checkpoint folder '{name}'; expected a folder with model.safetensors"):
        load_model(name)


def test_a_file_is_no_folder(checkpoint: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no checkpoint folder"):
        checkpoint_folder(checkpoint / "config.json")


def test_missing_weights_are_named(copy: Path) -> None:
    (copy / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"checkpoint 'damaged' has no model\.safetensors"):
        load_model(copy)


@pytest.mark.parametrize("content", [b"", b"x" * 100, None], ids=["empty", "garbage", "cut off"])
def test_broken_weights_are_named(copy: Path, content: bytes | None) -> None:
    path = copy / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000] if content is None else content)
    with pytest.raises(CheckpointError, match=r"model\.safetensors of checkpoint 'damaged'"):
        load_model(copy)


def test_a_pickle_in_place_of_the_weights_is_not_opened(copy: Path, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "sprung",))

    torch.save(Trap(), copy / "model.safetensors")
    with pytest.raises(CheckpointError):
        load_model(copy)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("change_of", ["missing", "additional", "shape"])
def test_weights_of_another_architecture_are_refused(copy: Path, change_of: str) -> None:
    tensors = load_file(copy / "model.safetensors")
    if change_of == "missing":
        del tensors["quantizer.basis"]
    elif change_of == "additional":
        tensors["surprise"] = torch.zeros(1)
    else:
        tensors["quantizer.basis"] = torch.zeros(3, 16)
    save_file(tensors, copy / "model.safetensors")
    with pytest.raises(CheckpointError, match="does not fit its configuration"):
        load_model(copy)


def test_a_missing_or_broken_configuration_is_named(copy: Path) -> None:
    (copy / "config.json").write_text("{broken")
    with pytest.raises(CheckpointError, match=r"config\.json of checkpoint 'damaged' is not valid JSON"):
        load_model(copy)
    (copy / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"checkpoint 'damaged' has no readable config\.json"):
        load_model(copy)


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_another_format_is_refused(copy: Path, version: Any) -> None:
    change(copy, format=version)
    with pytest.raises(CheckpointError, match=f"has format {version!r}; this version reads 1"):
        load_model(copy)
    (copy / "config.json").write_text("[]")
    with pytest.raises(CheckpointError, match="has format 'list'"):
        load_model(copy)


def test_unknown_keys_and_bad_values_are_named(copy: Path) -> None:
    values = json.loads((copy / "config.json").read_text())
    change(copy, model=values["model"] | {"surprise": 1})
    with pytest.raises(CheckpointError, match="surprise: unknown key"):
        load_model(copy)
    change(copy, model=values["model"] | {"codebook_size": 1})
    with pytest.raises(CheckpointError, match="codebook_size must be at least 2, got 1"):
        load_model(copy)
    change(copy, model=values["model"], preprocess={"percentiles": [50, 10]})
    with pytest.raises(CheckpointError, match="percentiles must satisfy"):
        load_model(copy)
    change(copy, preprocess={"largest_of_each": True})
    with pytest.raises(CheckpointError, match="largest_of_each needs largest_region"):
        load_model(copy)
    change(copy, preprocess={"usual_size": [0.5, 0.1]})
    with pytest.raises(CheckpointError, match="usual_size must satisfy 0 <= least < largest <= 1"):
        load_model(copy)
    change(copy, preprocess={"usual_size": [0.1, 0.5], "largest_region": True})
    with pytest.raises(CheckpointError, match="take one of them"):
        load_model(copy)


# Folders that are replaced


def test_a_replaced_folder_has_only_the_new_files(tmp_path: Path) -> None:
    target = tmp_path / "a" / "state"
    for number in (1, 2):
        with replaced_folder(target) as fresh:
            assert fresh != target
            (fresh / f"file{number}").write_text(str(number))
        assert [path.name for path in target.iterdir()] == [f"file{number}"]
        assert [path.name for path in target.parent.iterdir()] == ["state"]


def test_the_folder_before_is_kept_where_it_is_wanted(tmp_path: Path) -> None:
    target, before = tmp_path / "state", tmp_path / "state-before"
    for number in (1, 2, 3):
        with replaced_folder(target, before=before) as fresh:
            (fresh / "file").write_text(str(number))
        assert (target / "file").read_text() == str(number)
        assert before.exists() == (number > 1)
    assert (before / "file").read_text() == "2"
    assert {path.name for path in tmp_path.iterdir()} == {"state", "state-before"}


def test_a_folder_is_on_the_disk_before_it_takes_the_place_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def settling(number: int) -> None:
        done.append(f"settled {Path(os.readlink(f'/proc/self/fd/{number}')).name}")
        fsync(number)

    def moving(source: Path, target: Path) -> None:
        done.append(f"moved to {Path(target).name}")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", settling)
    monkeypatch.setattr(os, "replace", moving)
    with replaced_folder(tmp_path / "state") as fresh:
        (fresh / "weights").write_text("good")
    assert done[0] == "settled weights"
    assert done[1] == f"settled {fresh.name}"
    assert done[2:] == ["moved to state", f"settled {tmp_path.name}"]


def test_the_old_folder_stays_when_the_block_raises(tmp_path: Path) -> None:
    target = tmp_path / "state"
    target.mkdir()
    (target / "old").write_text("good")

    def write() -> None:
        with replaced_folder(target) as fresh:
            (fresh / "new").write_text("half")
            raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        write()
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
    assert (target / "old").read_text() == "good"
    assert not (target / "new").exists()


def test_the_old_folder_comes_back_when_the_new_one_cannot_be_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target, replace = tmp_path / "state", os.replace
    target.mkdir()
    (target / "old").write_text("good")

    def failing(source: Path, destination: Path) -> None:
        if (Path(source) / "new").exists():
            raise OSError("disk full")
        replace(source, destination)

    def write() -> None:
        with replaced_folder(target) as fresh:
            (fresh / "new").write_text("whole")

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(OSError, match="disk full"):
        write()
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
    assert (target / "old").read_text() == "good"


def test_bundles_of_tensors_come_back_with_their_types(tmp_path: Path) -> None:
    tensors = {"a": torch.arange(3), "b": torch.tensor(1.5, dtype=torch.float64), "c": torch.zeros(2, 0), "d": torch.eye(3).T[:, 1:]}
    save_tensors(tensors, {"step": 3, "rate": 0.1}, tmp_path, "state")
    loaded, notes = load_tensors(tmp_path, "state")
    assert notes == {"step": 3, "rate": 0.1}
    for name, value in tensors.items():
        assert loaded[name].dtype == value.dtype
        assert torch.equal(loaded[name], value)
    (tmp_path / "state.json").write_text("{")
    with pytest.raises(CheckpointError, match="cannot resume from"):
        load_tensors(tmp_path, "state")


@pytest.mark.parametrize("name", ["state.safetensors", "state.json"])
def test_a_bundle_that_has_changed_on_the_disk_is_known_by_its_checksum(tmp_path: Path, name: str) -> None:
    save_tensors({"a": torch.arange(300)}, {"step": 3}, tmp_path, "state")
    check_tensors(tmp_path, "state")
    subprocess.run(["sha256sum", "--check", "--quiet", "state.sha256"], cwd=tmp_path, check=True)
    file = tmp_path / name
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"{name} is damaged"):
        check_tensors(tmp_path, "state")
    file.unlink()
    with pytest.raises(CheckpointError, match="cannot resume from"):
        check_tensors(tmp_path, "state")
    # Of a version that wrote no checksums.
    (tmp_path / "state.sha256").unlink()
    check_tensors(tmp_path, "state")


def test_a_folder_lost_between_two_renames_comes_back(tmp_path: Path) -> None:
    left = tmp_path / ".state-abc123-old"
    left.mkdir()
    (left / "kept").write_text("old")
    recover_folder(tmp_path / "state")
    assert (tmp_path / "state" / "kept").read_text() == "old"
    assert not left.exists()

    stale = tmp_path / ".state-def456-old"
    stale.mkdir()
    recover_folder(tmp_path / "state")
    assert (tmp_path / "state" / "kept").read_text() == "old"


@pytest.mark.parametrize("device", ["no-such-device", "cuda:99"])
def test_a_device_that_is_not_there_is_refused_by_its_name(tmp_path: Path, device: str) -> None:
    save_model(tiny_model(), tmp_path / "checkpoint")
    with pytest.raises(CheckpointError, match=f"the device '{device}' cannot be used"):
        load_model(tmp_path / "checkpoint", device)
