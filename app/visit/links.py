"""The page's address describes what is shown: `?case=&checkpoint=&plane=&slice=&eps=&mode=&seed=&edits=&reach=&frame=&tab=`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.scan.edits import Edit, edits_from_text
from app.scan.frame_request import LARGEST_SEED, MODES
from app.scan.planes import PLANES

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

    @classmethod
    def read(cls, query: Mapping[str, Any], cases: Sequence[str], tabs: Sequence[str]) -> Link:
        """Read an address. People type addresses by hand and keep them for long, so a wrong value counts as missing.

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
        )


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
