"""The lesson's words: one file a language, texts.<code>.yaml, all with the same keys. Equations are in none of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_UP, Context
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_FOLDER = Path(__file__).parent
_NAME = re.compile(r"\{(\w+)\}")
_THREE_DIGITS = Context(prec=3, rounding=ROUND_HALF_UP)

Texts = dict[str, Any]


@cache
def languages() -> dict[str, Texts]:
    """Every language's texts by its code, English first."""
    files = {path.name.split(".")[1]: path for path in sorted(_FOLDER.glob("texts.*.yaml"))}
    return {code: yaml.safe_load(files[code].read_text(encoding="utf-8")) for code in sorted(files, key=lambda code: (code != "en", code))}


@cache
def equations() -> dict[str, str]:
    """MathML of the steps that have an equation."""
    return dict(yaml.safe_load((_FOLDER / "equations.yaml").read_text(encoding="utf-8")))


def entries(texts: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every text of a language and the keys that lead to it."""
    for key, value in texts.items():
        if isinstance(value, Mapping):
            yield from entries(value, (*path, key))
        else:
            yield (*path, key), value


def names(text: str) -> set[str]:
    """The names in braces."""
    return set(_NAME.findall(text))


def fill(text: str, facts: Mapping[str, Any], language: str) -> str:
    """The text with the names' values in their places. Raises KeyError for a name that has none."""
    return _NAME.sub(lambda match: number(facts[match[1]], language), text)


def number(value: float | str, language: str) -> str:
    """A number as the language writes it, three digits at most behind the integers; a text as it is. `number` of texts.js agrees.

    Args:
        value: a fact of a step.
        language: a code; a language that there is not writes as English does.
    """
    if isinstance(value, str):
        return value
    rounded = int(value) if value == int(value) else _THREE_DIGITS.create_decimal_from_float(value).normalize()
    plain = f"{rounded:,}" if isinstance(rounded, int) else f"{rounded:,f}"
    signs = languages().get(language, languages()["en"])["numbers"]
    return plain.translate({ord(","): signs["thousands"], ord("."): signs["decimal"]})
