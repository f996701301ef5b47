"""Checkpoints from the Hub, by name and back again, with a stand-in for the Hub on this machine."""

from __future__ import annotations

import inspect
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import huggingface_hub
import pytest
import torch
from hub_stand_in import HubStandIn, hub_stand_in
from huggingface_hub import PyTorchModelHubMixin, constants
from safetensors.torch import load_file

import vqseg.hub
from tests.tiny import tiny_model
from vqseg import VQSeg, load_model
from vqseg.checkpoint import CheckpointError, Download, checkpoint_folder, save_model
from vqseg.hub import COMPANIONS

ROOT = Path(__file__).parents[1]
ID = "somebody/tiny"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubStandIn]:
    with hub_stand_in() as standing_in:
        # What HF_ENDPOINT and HF_HUB_CACHE set, which are read once a process.
        monkeypatch.setattr(constants, "ENDPOINT", standing_in.address)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", standing_in.address + "/{repo_id}/resolve/{revision}/{filename}")
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.delenv("HF_TOKEN", raising=False)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no token"))
        yield standing_in


@pytest.fixture
def whole(checkpoint: Path, tmp_path: Path) -> Path:
    """A checkpoint with all its files, and one that nobody should fetch."""
    folder = shutil.copytree(checkpoint, tmp_path / "whole")
    for name in COMPANIONS:
        (folder / name).write_text(f"content of {name}")
    (folder / "pytorch_model.bin").write_text("a pickle")
    values = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(values | {"training": {"steps": 7}}))
    return folder


def weights(model: VQSeg) -> torch.Tensor:
    return model.quantizer.basis


def test_a_checkpoint_comes_from_the_hub_with_its_files_and_nothing_that_could_be_unpickled(hub: HubStandIn, whole: Path) -> None:
    hub.put_folder(ID, whole)
    model = VQSeg.from_pretrained(ID)
    assert not model.training and torch.equal(weights(model), weights(load_model(whole)))
    assert model.origin is not None
    assert {path.name for path in model.origin.iterdir()} == {"model.safetensors", "config.json", *COMPANIONS}
    assert not any("pytorch_model" in asked for asked in hub.asked)


def test_a_repository_of_pickles_alone_is_no_checkpoint(hub: HubStandIn, whole: Path) -> None:
    hub.put(ID, {name: (whole / name).read_bytes() for name in ("pytorch_model.bin", "config.json")})
    with pytest.raises(CheckpointError, match=r"has no model\.safetensors"):
        VQSeg.from_pretrained(ID)


def test_a_revision_is_another_network(hub: HubStandIn, checkpoint: Path, tmp_path: Path) -> None:
    save_model(tiny_model(5), tmp_path / "older")
    commit = hub.put_folder(ID, tmp_path / "older", "v1")
    hub.put_folder(ID, checkpoint)
    new = weights(VQSeg.from_pretrained(ID))
    old = weights(load_model(ID, download=Download(revision="v1")))
    assert not torch.equal(new, old)
    assert torch.equal(old, weights(VQSeg.from_pretrained(ID, revision=commit)))
    with pytest.raises(CheckpointError, match="it has no such revision"):
        VQSeg.from_pretrained(ID, revision="v2")


def test_what_is_cached_needs_no_hub_and_is_found_by_its_name(hub: HubStandIn, checkpoint: Path, tmp_path: Path) -> None:
    hub.put_folder(ID, checkpoint)
    with pytest.raises(CheckpointError, match="it is not in the cache, and the Hub cannot be asked"):
        VQSeg.from_pretrained(ID, local_files_only=True)
    expected = weights(VQSeg.from_pretrained(ID))
    hub.asked.clear()
    for name in (ID, "tiny"):
        assert torch.equal(weights(VQSeg.from_pretrained(name, local_files_only=True)), expected)
    assert hub.asked == []
    with pytest.raises(CheckpointError, match="owner/tiny"):
        VQSeg.from_pretrained("tiny", cache_dir=tmp_path / "another cache")
    hub.put_folder("other/tiny", checkpoint)
    VQSeg.from_pretrained("other/tiny")
    with pytest.raises(CheckpointError, match="several owners; name one: other/tiny, somebody/tiny"):
        load_model("tiny")


def test_what_is_cached_is_not_fetched_again_unless_that_is_wanted(hub: HubStandIn, checkpoint: Path, tmp_path: Path) -> None:
    hub.put_folder(ID, checkpoint)
    VQSeg.from_pretrained(ID, cache_dir=tmp_path / "own")
    assert (tmp_path / "own" / "models--somebody--tiny").is_dir() and not (tmp_path / "cache").exists()
    fetched = "GET somebody/tiny/resolve/" + hub.commit_of(ID, "main") + "/model.safetensors"  # type: ignore[operator]
    for force, times in ((False, 0), (True, 1)):
        hub.asked.clear()
        VQSeg.from_pretrained(ID, cache_dir=tmp_path / "own", force_download=force)
        assert hub.asked.count(fetched) == times


def test_a_private_repository_needs_a_token_which_no_error_repeats(hub: HubStandIn, checkpoint: Path) -> None:
    hub.put_folder(ID, checkpoint)
    hub.private.add(ID)
    for token in (None, False, "hf_wrong"):
        with pytest.raises(CheckpointError, match="it does not exist, or it is private and the token does not open it") as refused:
            VQSeg.from_pretrained(ID, token=token)
        assert "hf_wrong" not in str(refused.value) and hub.address not in str(refused.value)
    assert "hf_good" not in repr(Download(token="hf_good"))
    VQSeg.from_pretrained(ID, token="hf_good")


def test_a_network_that_was_loaded_is_pushed_with_its_card_codebook_and_training(hub: HubStandIn, whole: Path) -> None:
    address = load_model(whole).push_to_hub("me/copy", token="hf_good", private=True, commit_message="One")
    assert address.startswith(f"{hub.address}/me/copy/") and "me/copy" in hub.private
    pushed = hub.repositories["me/copy"]["main"]
    assert set(pushed) == {"model.safetensors", "config.json", *COMPANIONS}
    assert {name: pushed[name].decode() for name in COMPANIONS} == {name: f"content of {name}" for name in COMPANIONS}
    assert json.loads(pushed["config.json"]) == json.loads((whole / "config.json").read_text())
    assert torch.equal(weights(VQSeg.from_pretrained("me/copy", token="hf_good")), weights(load_model(whole)))


def test_a_network_that_has_changed_leaves_the_statistics_of_its_old_codebook_behind(whole: Path, tmp_path: Path) -> None:
    model = load_model(whole)
    with torch.no_grad():
        model.quantizer.basis += 1
    assert model.save_pretrained(tmp_path / "changed") is None
    assert {path.name for path in (tmp_path / "changed").iterdir()} == {"model.safetensors", "config.json", "README.md"}
    assert json.loads((tmp_path / "changed" / "config.json").read_text())["training"] == {}
    card = (tmp_path / "changed" / "README.md").read_text()
    assert card.startswith("---\nlibrary_name: vqseg\n") and "RV, MYO, LV" in card and "# changed" in card


def test_half_precision_stays_half_precision_to_the_last_bit(tmp_path: Path) -> None:
    save_model(tiny_model(), tmp_path / "half", half=True)
    load_model(tmp_path / "half").save_pretrained(tmp_path / "again")
    one, other = (load_file(tmp_path / name / "model.safetensors") for name in ("half", "again"))
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) and one[name].dtype == torch.float16 for name in one)


def test_patterns_branch_and_the_folders_name_reach_the_hub(hub: HubStandIn, whole: Path, tmp_path: Path) -> None:
    hub.put("me/mine", {"old.txt": b"1"}, "dev")
    address = load_model(whole).save_pretrained(
        tmp_path / "mine",
        repo_id="me/mine",
        push_to_hub=True,
        token="hf_good",
        branch="dev",
        ignore_patterns="*.npz",
        delete_patterns="*.txt",
    )
    assert address is not None
    assert set(hub.repositories["me/mine"]["dev"]) == {"model.safetensors", "config.json", "README.md"}
    assert (tmp_path / "mine" / "codebook.npz").is_file()


def test_a_push_that_is_refused_says_so_in_one_sentence(hub: HubStandIn) -> None:
    for token in (None, "hf_wrong"):
        with pytest.raises(CheckpointError, match="'me/mine' was not pushed to the Hub: ") as refused:
            tiny_model().push_to_hub("me/mine", token=token)
        assert "hf_wrong" not in str(refused.value) and hub.address not in str(refused.value)
    assert hub.repositories == {}


@pytest.mark.parametrize(
    ("error", "told"), [(httpx.ProxyError("by 10.0.0.1"), "ProxyError"), (PermissionError("/secret"), "PermissionError")]
)
def test_whatever_lies_between_here_and_the_hub_is_one_sentence(monkeypatch: pytest.MonkeyPatch, error: Exception, told: str) -> None:
    def failing(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(huggingface_hub, "snapshot_download", failing)
    with pytest.raises(CheckpointError, match=f"could not be downloaded from the Hub: {told}$"):
        load_model("some/body")


def test_a_fault_of_ours_is_not_taken_for_the_hubs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: {}["nothing"])
    with pytest.raises(KeyError):
        load_model("some/body")


@pytest.mark.parametrize("name", ["from_pretrained", "save_pretrained", "push_to_hub"])
def test_the_methods_take_what_those_of_the_hubs_mixin_take(name: str) -> None:
    theirs = inspect.signature(getattr(PyTorchModelHubMixin, name)).parameters
    ours = inspect.signature(getattr(VQSeg, name)).parameters
    # Our config.json is not theirs to set, the card is ours, and no further words are ignored.
    left_out = {"config", "model_card_kwargs", "model_kwargs"}
    assert theirs.keys() - left_out == ours.keys() - {"device"}
    assert all(ours[one].kind == theirs[one].kind and ours[one].default == theirs[one].default for one in theirs.keys() - left_out)


def test_a_bundled_checkpoint_is_found_by_its_name_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert checkpoint_folder("acdc-10") == ROOT / "checkpoints" / "acdc-10"
    assert load_model("scd-10").config.classes == ("background", "LV")


def test_a_folder_of_checkpoints_goes_before_what_is_bundled(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(checkpoint, tmp_path / "mine" / "acdc-10")
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("VQSEG_CHECKPOINTS", os.pathsep.join(map(str, (tmp_path / "empty", tmp_path / "mine"))))
    assert checkpoint_folder("acdc-10") == tmp_path / "mine" / "acdc-10"


def test_a_stranger_beside_an_installed_package_is_not_taken(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(checkpoint, tmp_path / "checkpoints" / "tiny")
    monkeypatch.setattr(vqseg.hub, "_REPOSITORY", tmp_path)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(CheckpointError, match=r"a Hub id owner/tiny, or VQSEG_CHECKPOINTS"):
        checkpoint_folder("tiny")
    (tmp_path / "pyproject.toml").touch()
    assert checkpoint_folder("tiny") == tmp_path / "checkpoints" / "tiny"


def test_a_command_fetches_from_the_hub_that_the_environment_names(hub: HubStandIn, checkpoint: Path, tmp_path: Path) -> None:
    hub.put_folder(ID, checkpoint)
    code = "from vqseg import load_model; print(load_model('somebody/tiny').config.codebook_size)"
    environment = os.environ | {
        "HF_ENDPOINT": hub.address,
        "HF_HOME": str(tmp_path / "home"),
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
    }
    answer = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=200, check=False)
    assert answer.returncode == 0, answer.stderr
    assert int(answer.stdout) == load_model(checkpoint).config.codebook_size
