"""The glossary: one file that docs/glossary.md is written from, and that the page explains its terms by."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from app.page.build import facts
from app.web.glossary import markdown, sections, terms

ROOT = Path(__file__).resolve().parents[1]
SOURCES = [path for pattern in ("page/*", "tabs/*/*", "web/*") for path in (ROOT / "app").glob(pattern) if path.suffix in (".html", ".js")]
# What answers to a press itself: a stop of the Tab key within it would be none of its own.
PRESSED = {"button", "summary", "a", "select", "option", "label"}


def marked() -> set[str]:
    """The names of all terms that the page's sources mark."""
    text = "".join(path.read_text(encoding="utf-8") for path in SOURCES)
    # In a template, in a script, and for Gradio's labels.
    found = re.findall(r'data-term="(\w+)"', text) + re.findall(r'"data-term": "(\w+)"', text)
    return {*found, *re.findall(r'block-info\]": "(\w+)"', text)}


def test_the_page_of_the_documentation_is_the_one_that_is_written() -> None:
    assert (ROOT / "docs/glossary.md").read_text(encoding="utf-8") == markdown(), "run python -m app.web.glossary"


def test_a_term_is_explained_once() -> None:
    headings = [entry["heading"] for entries in sections().values() for entry in entries]
    assert len(headings) == len(set(headings))
    named = [entry["page"] for entries in sections().values() for entry in entries if "page" in entry]
    assert len(named) == len(set(named))
    known = {"heading", "meaning", "code", "page", "plain", "name"}
    assert all(entry.keys() <= known for entries in sections().values() for entry in entries)


def test_every_term_that_the_page_marks_is_explained_and_the_other_way_round() -> None:
    assert marked() == terms().keys()
    assert facts()["terms"] == terms()


@pytest.mark.parametrize("name", terms())
def test_what_the_page_says_is_short_and_without_markup(name: str) -> None:
    told = terms()[name]
    assert not re.search(r"[<>`*]|\]\(", told["title"] + told["text"])
    assert told["text"].endswith(".")
    assert len(told["text"]) <= 210


class Nested(HTMLParser):
    """Finds terms that stand within something that is pressed."""

    def __init__(self) -> None:
        super().__init__()
        self.around: list[str] = []
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        term = dict(attrs).get("data-term")
        if term and PRESSED & {tag, *self.around}:
            self.found.append(term)
        if tag not in ("input", "path", "br", "i"):
            self.around.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.around:
            while self.around.pop() != tag:
                pass


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if path.suffix == ".html"], ids=lambda path: path.relative_to(ROOT / "app").as_posix()
)
def test_no_term_stands_within_a_button_or_a_label(path: Path) -> None:
    parser = Nested()
    parser.feed(path.read_text(encoding="utf-8"))
    assert parser.found == []
