"""The page's address describes what is shown: `?case=&checkpoint=&plane=&slice=&eps=&mode=&seed=&edits=&reach=&frame=&channel=&tab=`."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.scan.edits import Edit, edits_from_text
from app.scan.frame_request import LARGEST_SEED, MODES
from app.scan.planes import PLANES

_LONGEST = 60  # characters of a value that are repeated

OWN_REACH = "own"
"""In an address: the checkpoint's own reach. web/links.js writes it."""


@dataclass(frozen=True)
class Link:
    """What an address asks for.

    Attributes:
        case: Title of a bundled example; None if there is none.
        checkpoint: Name of a checkpoint, which may not exist; None for the default.
        plane: One of PLANES; None for that of the acquired slices.
        index: Of the slice, not yet compared with the scan; None for the middle one.
        strength: Epsilon, in [0, 1]; None for that of the opening.
        mode: One of MODES.
        seed: From 0 to LARGEST_SEED.
        tab: Name of a tab; empty for the first one.
        edits: Forced tokens, not yet compared with the scan.
        reach: Not yet compared with the codebook; OWN_REACH for the checkpoint's own, None for that of the opening. The page always
            writes it. Links from before there was a reach have an epsilon alone, and show swaps of the checkpoint's own.
        frame: Of a cine, not yet compared with the scan; 0 for the first.
        channel: Of a scan with several, not yet compared with it; "" for that of the opening.
        unread: What was not understood, each in words that name the value.
    """

    case: str | None
    checkpoint: str | None = None
    plane: str | None = None
    index: int | None = None
    strength: float | None = None
    mode: str = MODES[0]
    seed: int = 0
    tab: str = ""
    edits: tuple[Edit, ...] = ()
    reach: float | str | None = None
    frame: int = 0
    channel: str = ""
    unread: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def read(cls, query: Mapping[str, Any], cases: Sequence[str], tabs: Sequence[str]) -> Link:
        """Read an address. People type addresses by hand and keep them for long, so a wrong value counts as missing, and is told.

        Args:
            query: Names and values of the address.
            cases: Titles of the bundled cases, the default first.
            tabs: Names of the page's tabs.

        Returns:
            The link.
        """
        case, checkpoint, plane, mode, tab = (query.get(name) for name in ("case", "checkpoint", "plane", "mode", "tab"))
        index, seed = _whole(query.get("slice")), _whole(query.get("seed"))
        strength = _share(query.get("eps"))
        try:
            edits = tuple(edits_from_text(str(query.get("edits") or "")))
        except ValueError:
            edits = ()
        return cls(
            case=case if case in cases else next(iter(cases), None),
            checkpoint=checkpoint if isinstance(checkpoint, str) and checkpoint else None,
            plane=plane if plane in PLANES else None,
            index=index,
            strength=strength,
            mode=mode if mode in MODES else MODES[0],
            seed=seed if seed is not None and seed <= LARGEST_SEED else 0,
            tab=tab if isinstance(tab, str) and tab in tabs else "",
            edits=edits,
            reach=OWN_REACH if query.get("reach") == OWN_REACH else _reach(query.get("reach")) or (None if strength is None else OWN_REACH),
            frame=_whole(query.get("frame")) or 0,
            channel=str(query.get("channel") or ""),
            unread=unread(query, _readable(cases, tabs)),
        )


Readable = Mapping[str, tuple[Callable[[str], bool], str]]
"""Values of an address by name: whether one is understood, and what would be, in words."""


def unread(query: Mapping[str, Any], readable: Readable) -> tuple[str, ...]:
    """What of an address is not understood.

    Args:
        query: Names and values of the address. Other names than those in `readable` are not looked at.
        readable: What is understood.

    Returns:
        Words for each wrong value.
    """
    given = [(name, query.get(name), holds, expected) for name, (holds, expected) in readable.items()]
    return tuple(
        wrong(name, value, expected) for name, value, holds, expected in given if value not in (None, "") and not holds(str(value))
    )


def wrong(name: str, value: Any, expected: str) -> str:
    """Words for a value that is not understood or does not exist.

    Args:
        name: In the address.
        value: The value; a long one is cut.
        expected: What would be understood, in words.

    Returns:
        One part of a sentence.
    """
    text = str(value)
    return f"{name}={text if len(text) <= _LONGEST else text[:_LONGEST] + '…'} ({expected})"


def _readable(cases: Collection[str], tabs: Sequence[str]) -> Readable:
    number = "a whole number from 0"
    return {
        "case": (lambda value: value in cases, "no example of this server"),
        "plane": (lambda value: value in PLANES, f"one of {', '.join(PLANES)}"),
        "slice": (lambda value: _whole(value) is not None, number),
        "eps": (lambda value: _share(value) is not None, "a number from 0 to 1"),
        "mode": (lambda value: value in MODES, f"one of {', '.join(MODES)}"),
        "seed": (lambda value: (seed := _whole(value)) is not None and seed <= LARGEST_SEED, f"{number} to {LARGEST_SEED}"),
        "tab": (lambda value: value in tabs, f"one of {', '.join(tabs)}"),
        "edits": (_are_edits, "row.column.code for each forced token, joined by _"),
        "reach": (lambda value: value == OWN_REACH or _reach(value) is not None, f"a number from 1, or {OWN_REACH}"),
        "frame": (lambda value: _whole(value) is not None, number),
    }


def _are_edits(text: Any) -> bool:
    try:
        edits_from_text(str(text))
    except ValueError:
        return False
    return True


def _number(text: Any) -> float | None:
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


def _share(text: Any) -> float | None:
    value = _number(text)
    return value if value is not None and 0 <= value <= 1 else None


def _reach(text: Any) -> float | None:
    value = _number(text)
    return value if value is not None and value >= 1 else None


def _whole(text: Any) -> int | None:
    value = _number(text)
    return int(value) if value is not None and value >= 0 and value == int(value) else None
