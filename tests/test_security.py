"""docs/security.md holds: every promise names tests, and every test that it names is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import gradio as gr
import pytest

from app.page.wiring import errors_as_messages
from vqseg.data.scan import ScanError

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
LINES = [line for line in TEXT.splitlines() if line.startswith("| ") and not line.startswith("| Promise")]
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in LINES]


@cache
def functions_of(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:60])
def test_a_promise_names_tests_that_exist(row: list[str]) -> None:
    promise, held_by = row
    named = re.findall(r"`(tests/\w+\.py)::(test_\w+)`", held_by)
    assert promise and named
    # Nothing else stands there that might pass for a test.
    assert re.sub(r"`tests/\w+\.py::test_\w+`|, ", "", held_by) == ""
    for path, name in named:
        assert name in functions_of(path), f"{path} has no {name}"


def test_no_promise_is_lost() -> None:
    assert len(ROWS) > 25
    promises = [promise for promise, _ in ROWS]
    assert len(set(promises)) == len(promises)


@pytest.mark.parametrize("page", ["SECURITY.md", "docs/security.md"])
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert links
    for link in links:
        assert (ROOT / page).parent.joinpath(link).exists(), link


def test_a_message_shows_a_name_of_a_file_as_text() -> None:
    with pytest.raises(gr.Error) as told, errors_as_messages():
        raise ScanError("<img src=x onerror=alert(1)>.png is no scan")
    assert told.value.message == "&lt;img src=x onerror=alert(1)&gt;.png is no scan"
