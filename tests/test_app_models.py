"""The checkpoints that the app serves: which are found, how many stay loaded, who may open others."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from app_server import fake_served

from app.scan.models import Models, Served, find_models
from tests.tiny import tiny_model
from vqseg.checkpoint import CheckpointError, save_model


@pytest.fixture
def home(checkpoint: Path, tmp_path: Path) -> Path:
    """A folder as the repository is: two embedded checkpoints of other classes, and two folders that are none."""
    shutil.copytree(checkpoint, tmp_path / "checkpoints" / "heart")
    save_model(tiny_model(1, classes=("background", "nodule"), codebook_size=32), tmp_path / "checkpoints" / "lung")
    (tmp_path / "checkpoints" / "empty").mkdir()
    shutil.copytree(checkpoint, tmp_path / "checkpoints" / "broken")
    (tmp_path / "checkpoints" / "broken" / "config.json").write_text("{}", encoding="utf-8")
    return tmp_path


def test_the_embedded_checkpoints_are_found_the_given_one_first(home: Path) -> None:
    models = find_models(home, str(home / "checkpoints" / "lung"))
    assert models.names() == [("lung (nodule)", "checkpoints/lung"), ("heart (RV, MYO, LV)", "checkpoints/heart")]
    assert models.default.name == "checkpoints/lung"
    assert models.default.classes == ("background", "nodule")
    assert models.get("checkpoints/heart").statistics is None


def test_a_checkpoint_from_elsewhere_is_known_by_its_folders_name_alone(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = shutil.copytree(home / "checkpoints" / "heart", tmp_path_factory.mktemp("secret") / "mine")
    models = find_models(home, str(elsewhere))
    assert [name for _, name in models.names()] == ["mine", "checkpoints/heart", "checkpoints/lung"]
    assert models.default.folder == elsewhere


def test_other_folders_are_opened_only_where_that_is_allowed(home: Path, checkpoint: Path) -> None:
    closed = find_models(home, str(home / "checkpoints" / "lung"))
    with pytest.raises(CheckpointError, match="this server has no checkpoint"):
        closed.get(str(checkpoint))
    assert not closed.linkable(str(checkpoint))
    opened = find_models(home, str(home / "checkpoints" / "lung"), opens_others=True)
    assert opened.get(str(checkpoint)).name == str(checkpoint)
    assert opened.linkable(str(checkpoint))
    assert len(opened.names()) == 2, "what one visitor opens is not offered to the others"
    assert not opened.linkable("owner/name"), "a link shall not make this machine download anything"
    with pytest.raises(CheckpointError, match="there is no checkpoint folder"):
        opened.get("./nowhere")


def test_a_network_without_a_codebook_is_refused(home: Path) -> None:
    save_model(tiny_model(continuous=True), home / "checkpoints" / "plain")
    with pytest.raises(CheckpointError, match="trained without a codebook"):
        find_models(home, str(home / "checkpoints" / "plain")).get("checkpoints/plain")


def test_the_least_recently_used_checkpoint_is_let_go() -> None:
    asked: list[str] = []

    def load(name: str) -> Served:
        asked.append(name)
        return fake_served(name)

    models = Models({name: name for name in "abc"}, load, most=2)
    first = models.get("a")
    models.get("b")
    assert models.get("a") is first
    models.get("c")
    assert models.get("a") is first
    models.get("b")
    assert asked == ["a", "b", "c", "b"]
    assert models.get("b", anew=True) is models.get("b")
    assert asked == ["a", "b", "c", "b", "b"]
