"""The texts of the lesson. Each language has a file texts.<code>.yaml, all with the same keys. Equations are in equations.yaml."""

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
    """The texts of every language by its code, English first."""
    files = {path.name.split(".")[1]: path for path in sorted(_FOLDER.glob("texts.*.yaml"))}
    return {code: yaml.safe_load(files[code].read_text(encoding="utf-8")) for code in sorted(files, key=lambda code: (code != "en", code))}


@cache
def equations() -> dict[str, str]:
    """The equations as MathML, by the names of the steps that have one."""
    return dict(yaml.safe_load((_FOLDER / "equations.yaml").read_text(encoding="utf-8")))


def entries(texts: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """All texts of a language.

    Args:
        texts: The texts, or a part of them.
        path: Keys that lead to this part.

    Yields:
        The keys that lead to a text, and the text.
    """
    for key, value in texts.items():
        if isinstance(value, Mapping):
            yield from entries(value, (*path, key))
        else:
            yield (*path, key), value


def names(text: str) -> set[str]:
    """The names in braces of a text."""
    return set(_NAME.findall(text))


def fill(text: str, facts: Mapping[str, Any], language: str) -> str:
    """Replace the names in braces by their values.

    Args:
        text: A text with names in braces.
        facts: The values by name.
        language: Code of the language, which decides how numbers are written.

    Returns:
        The text.

    Raises:
        KeyError: If a name has no value.
    """
    return _NAME.sub(lambda match: number(facts[match[1]], language), text)


def number(value: float | str, language: str) -> str:
    """A number as the language writes it. `number` of texts.js writes the same.

    Args:
        value: A whole number is written in full, any other number with three digits. A text is not changed.
        language: Code of the language; English rules apply to an unknown one.

    Returns:
        The text.
    """
    if isinstance(value, str):
        return value
    rounded = int(value) if value == int(value) else _THREE_DIGITS.create_decimal_from_float(value).normalize()
    plain = f"{rounded:,}" if isinstance(rounded, int) else f"{rounded:,f}"
    signs = languages().get(language, languages()["en"])["numbers"]
    return plain.translate({ord(","): signs["thousands"], ord("."): signs["decimal"]})
