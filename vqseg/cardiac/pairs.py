"""Which names are end-diastole and end-systole of one patient. Names only: no file is opened."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from vqseg.cardiac.volumes import CardiacError

PHASES = ("ed", "es")
"""The words that stand for end-diastole and end-systole in names."""


class PairError(CardiacError):
    """Names of which it cannot be said which are end-diastole and end-systole of one patient."""


@dataclass(frozen=True)
class Pair:
    """name: what both names have in common. ed, es: places in the list that was paired."""

    name: str
    ed: int
    es: int


def pairs_of(names: Sequence[str], phases: tuple[str, str] = PHASES, *, by_order: bool = False) -> list[Pair]:
    """Pair names that differ in one word.

    Args:
        names: Without folder and ending.
        phases: The words of end-diastole and end-systole. Words are what stands between "_", "-", "." and blanks, in capitals or not; the
            last one that fits counts.
        by_order: Two names of which neither has such a word are a pair, end-diastole first.

    Returns:
        The pairs in the order of their names: a name without the word, and without nnU-Net's channel "_0000".

    Raises:
        PairError: A name has no such word, or no partner, or several.
    """
    split = [_split(name, phases) for name in names]
    if by_order and len(names) == 2 and split == [None, None]:
        return [Pair(f"{_without_channel(names[0])}-{_without_channel(names[1])}", 0, 1)]
    found: dict[str, dict[int, int]] = {}
    for place, parts in enumerate(split):
        if parts is None:
            raise PairError(f"{names[place]} has neither {phases[0]!r} nor {phases[1]!r} as a word of its name")
        common, phase = parts
        if phase in found.setdefault(common, {}):
            raise PairError(f"{names[found[common][phase]]} and {names[place]} are both {phases[phase]!r} of {common}")
        found[common][phase] = place
    for name, both in found.items():
        if len(both) < 2:
            raise PairError(f"{name} has no file for {phases[0 if 1 in both else 1]!r}")
    return [Pair(name, both[0], both[1]) for name, both in sorted(found.items())]


def _split(name: str, phases: tuple[str, str]) -> tuple[str, int] | None:
    """A name without its word, and which of the two words it is; None if it has none."""
    parts = re.split(r"([_\-. ]+)", name)
    for place in reversed(range(0, len(parts), 2)):
        for phase, word in enumerate(phases):
            if parts[place].lower() == word.lower():
                common = "".join(parts[: max(place - 1, 0)] + parts[place + 1 :])
                return _without_channel(common).strip("_-. ") or "pair", phase
    return None


def _without_channel(name: str) -> str:
    return name.removesuffix("_0000")
