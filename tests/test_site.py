"""The documentation as a site."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

import vqseg
from vqseg.cli.commands import COMMANDS

ROOT = Path(__file__).parents[1]


class Outside(HTMLParser):
    """Addresses of other servers that a page asks by itself: not those that one may follow."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag == "a" or named.get("rel") in ("canonical", "prev", "next"):
            return
        self.found += [value for name in ("src", "href") if (value := named.get(name)) and value.startswith(("http:", "https:", "//"))]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=230, check=False, cwd=ROOT, env=environment)
    assert answer.returncode == 0, answer.stderr[-3000:]
    assert "WARNING" not in answer.stderr
    return folder


def test_every_page_of_docs_is_in_the_site(site: Path) -> None:
    for page in (ROOT / "docs").rglob("*.md"):
        name = page.relative_to(ROOT / "docs").with_suffix(".html").as_posix().replace("README.html", "index.html")
        assert (site / name).is_file(), name


def test_the_public_names_and_all_commands_are_explained(site: Path) -> None:
    python, commands = ((site / name).read_text(encoding="utf-8") for name in ("api.html", "cli.html"))
    for name in vqseg.__all__:
        assert re.search(rf'id="vqseg[\w.]*\.{name}"', python), name
    for name in COMMANDS:
        assert f'id="{name}"' in commands
        assert f"python -m vqseg {name}" in commands


def test_no_page_asks_another_server(site: Path) -> None:
    for page in site.rglob("*.html"):
        parser = Outside()
        parser.feed(page.read_text(encoding="utf-8"))
        assert not parser.found, page.name


def test_the_citation_names_this_version() -> None:
    told = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert told["version"] == vqseg.__version__
    assert told["preferred-citation"]["identifiers"][0]["value"] == "arXiv:2601.10124"
