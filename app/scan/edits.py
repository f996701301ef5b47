"""Forced tokens as short text, such as 2.3.17_0.0.5. Links, endpoints and exported lines use this form.

An edit is (row, column, code). If a place has several edits, the last one counts. This module knows no scan: FrameRequest checks
whether a place exists.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

Edit = tuple[int, int, int]

_WRITTEN = re.compile(r"\d{1,9}\.\d{1,9}\.\d{1,9}(_\d{1,9}\.\d{1,9}\.\d{1,9})*", re.ASCII)


def edits_as_text(edits: Iterable[Edit]) -> str:
    """One part for each forced place, in reading order; an empty text if there is none."""
    codes = {(row, column): code for row, column, code in edits}
    return "_".join(f"{row}.{column}.{code}" for (row, column), code in sorted(codes.items()))


def edits_from_text(text: str) -> list[Edit]:
    """The edits of a text as `edits_as_text` writes it. Raises ValueError for any other text."""
    if not text:
        return []
    if not _WRITTEN.fullmatch(text):
        raise ValueError(f"forced tokens are written as row.column.code, joined by _, for example 2.3.17_0.0.5; got {text[:60]!r}")
    parts = (tuple(map(int, part.split("."))) for part in text.split("_"))
    return [(row, column, code) for row, column, code in parts]
