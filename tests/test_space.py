"""What the Hub does with this repository as a Space."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tools.lock import BESIDE
from vqseg.cli.space import requirements_of_space

ROOT = Path(__file__).parents[1]


def card() -> dict[str, str]:
    """The README's head, which is the Space's configuration."""
    head = yaml.safe_load((ROOT / "README.md").read_text(encoding="utf-8").split("---")[1])
    assert isinstance(head, dict)
    return head


def resolve(*wanted: str) -> subprocess.CompletedProcess[str]:
    """Let pip find versions as in an empty environment, without installing anything."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--disable-pip-version-check", *wanted]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=220, check=False, cwd=ROOT)
    except subprocess.TimeoutExpired:
        # pip fetches a hundred packages for what it finds out; nearly all of the time is spent waiting for them.
        pytest.skip("the package index answers too slowly")


def test_a_space_installs_the_gradio_that_is_tested() -> None:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert f"gradio=={card()['sdk_version']}" in lines


def test_what_a_space_installs_can_be_installed_together(tmp_path: Path) -> None:
    gradio = f"gradio[oauth,mcp]=={card()['sdk_version']}"
    if resolve("--no-deps", gradio).returncode:
        pytest.skip("no package index can be reached")
    # As `python -m vqseg space` writes it: exact versions, so that pip need not search. That they fit requirements.txt: tests/test_lock.py.
    (tmp_path / "requirements.txt").write_text(requirements_of_space(None), encoding="utf-8")
    answer = resolve("-r", str(tmp_path / "requirements.txt"), gradio, *BESIDE)
    assert answer.returncode == 0, answer.stderr[-2000:]
    chosen = answer.stdout.splitlines()[-1].split()
    assert {"torch-2.13.0", f"gradio-{card()['sdk_version']}"} <= {name.split("+")[0] for name in chosen}
    assert any(name.startswith("spaces-") for name in chosen) and any(name.startswith("mcp-") for name in chosen)
