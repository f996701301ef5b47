"""The parts that run in the browser: small vanilla scripts and style sheets, read from the files beside this one."""

from __future__ import annotations

from pathlib import Path

_APP = Path(__file__).resolve().parents[1]


def source(*names: str) -> str:
    """The text of files below app/, one after the other: several scripts then share one function, and what they declare."""
    return "\n".join((_APP / name).read_text(encoding="utf-8") for name in names)
