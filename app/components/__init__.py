"""The parts that run in the browser: small vanilla scripts and style sheets, read from the files beside this one."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent


def source(name: str) -> str:
    """The text of one of this folder's files."""
    return (_FOLDER / name).read_text(encoding="utf-8")
