"""The app's rooms: who knows Gradio, and that the registry of tabs and the folders of tabs are one list."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from app.tabs.registry import TABS

APP = Path(__file__).resolve().parents[1] / "app"


@pytest.mark.parametrize("path", sorted(APP.rglob("*.py")), ids=lambda path: path.relative_to(APP).as_posix())
def test_gradio_is_known_to_the_page_and_to_the_layout_of_tabs_only(path: Path) -> None:
    knows = re.search(r"^\s*(import|from) gradio\b", path.read_text(encoding="utf-8"), re.MULTILINE) is not None
    place = path.relative_to(APP)
    may = place.parts[0] == "page" or (place.parts[0] == "tabs" and place.name == "tab.py")
    assert may or not knows


def test_every_tab_of_the_registry_has_its_folder_and_every_folder_its_tab() -> None:
    folders = {path.parent.name for path in (APP / "tabs").glob("*/tab.py")}
    assert {tab.name for tab in TABS} == folders
    for folder in folders:
        assert {"view.html", "view.css", "view.js", "answers.py"} <= {path.name for path in (APP / "tabs" / folder).iterdir()}


def test_the_import_contract_names_every_tab() -> None:
    settings = tomllib.loads((APP.parent / "pyproject.toml").read_text(encoding="utf-8"))
    layers = [layer for contract in settings["tool"]["importlinter"]["contracts"] for layer in contract.get("layers", [])]
    named = next(layer for layer in layers if layer.startswith("app.tabs.") and "|" in layer)
    assert set(named.split(" | ")) == {f"app.tabs.{tab.name}" for tab in TABS}
