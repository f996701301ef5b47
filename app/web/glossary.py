"""`python -m app.web.glossary`: writes docs/glossary.md from glossary.yaml, which the page explains its terms by too."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import yaml

_FILE = Path(__file__).with_name("glossary.yaml")
_WRITTEN = Path(__file__).resolve().parents[2] / "docs" / "glossary.md"
_HEAD = """# Glossary

One or two sentences for each term, and where it stands in the code. Where two words mean the same, the first is the one to use.
`app/web/glossary.yaml` has the terms; `python -m app.web.glossary` writes this page, and the app explains its terms by the same file.
"""


@cache
def sections() -> Mapping[str, Sequence[Mapping[str, str]]]:
    """The entries of the glossary by the titles of its sections."""
    return dict(yaml.safe_load(_FILE.read_text(encoding="utf-8")))


def terms() -> dict[str, dict[str, str]]:
    """What the page explains: "title" and "text" of every term, by its name in the page's data-term."""
    entries = [entry for section in sections().values() for entry in section if "page" in entry]
    return {entry["page"]: {"title": _title(entry), "text": _plain(entry.get("plain", entry["meaning"]))} for entry in entries}


def markdown() -> str:
    """The glossary as a page of the documentation."""
    tables = [_table(title, entries) for title, entries in sections().items()]
    return "\n".join((_HEAD, *tables))


def _table(title: str, entries: Sequence[Mapping[str, str]]) -> str:
    # A bar would end a cell.
    cells = [[entry[name].replace("|", "\\|") for name in ("heading", "meaning", "code")] for entry in entries]
    rows = ["| Term | Meaning | In the code |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in cells)]
    return "\n".join((f"## {title}", "", *rows, ""))


def _title(entry: Mapping[str, str]) -> str:
    # What is bold in the heading; the rest are other words for the same.
    name = entry.get("name") or _plain(entry["heading"].split("**")[1])
    return name[0].upper() + name[1:] if name.isascii() else name


def _plain(text: str) -> str:
    return re.sub(r"[*`]", "", text)


def main() -> int:
    """Write the page. Returns the exit code."""
    _WRITTEN.write_text(markdown(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
