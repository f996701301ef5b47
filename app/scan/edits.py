"""Forced tokens as short text, the form that links, endpoints and exported lines have them in: 2.3.17_0.0.5.

An edit is (row, column, code); the later one of a place counts. Knows nothing of scans: whether a place exists is asked elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

Edit = tuple[int, int, int]

_WRITTEN = re.compile(r"\d{1,9}\.\d{1,9}\.\d{1,9}(_\d{1,9}\.\d{1,9}\.\d{1,9})*", re.ASCII)


def edits_as_text(edits: Iterable[Edit]) -> str:
    """One part for each forced place, in reading order; "" for none."""
    codes = {(row, column): code for row, column, code in edits}
    return "_".join(f"{row}.{column}.{code}" for (row, column), code in sorted(codes.items()))


def edits_from_text(text: str) -> list[Edit]:
    """The edits of a text that `edits_as_text` could have written. Raises ValueError for any other."""
    if not text:
        return []
    if not _WRITTEN.fullmatch(text):
        raise ValueError(f"forced tokens are written as row.column.code, joined by _, for example 2.3.17_0.0.5; got {text[:60]!r}")
    parts = (tuple(map(int, part.split("."))) for part in text.split("_"))
    return [(row, column, code) for row, column, code in parts]
