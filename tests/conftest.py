"""Data and checkpoints that several modules' tests share; made once a run, from seeds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tiny import tiny_model
from vqseg.checkpoint import save_model
from vqseg.data.phantom import write_phantoms


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four phantom patients, three to train (one of them labelled at 10%) and one to validate. Read only."""
    folder = tmp_path_factory.mktemp("phantoms")
    write_phantoms(folder, 4, 0)
    return folder


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved tiny network with random weights. Read only."""
    folder = tmp_path_factory.mktemp("checkpoints") / "tiny"
    save_model(tiny_model(), folder)
    return folder
