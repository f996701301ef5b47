"""A checked request for one displayed picture, as the live view, the endpoints and the exports make it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.scan.edits import Edit, edits_from_text
from app.scan.open_scan import OpenScan
from app.scan.planes import PLANES
from vqseg.inference import Mode

MODES = ("resample", "shuffle")
LARGEST_SEED = 2**31 - 1


class RequestError(ValueError):
    """An argument of a request that is of the wrong type or out of range; the message names what is accepted."""


@dataclass(frozen=True)
class FrameRequest:
    """plane and slice index (in the array's order along that plane's axis), strength (epsilon) in [0, 1], mode and seed of the QPM.

    edits: (row, column, code), tokens of an acquired slice that a visitor forced to a code, the later ones over the earlier.
    """

    plane: str
    index: int
    strength: float
    mode: Mode
    seed: int
    edits: tuple[Edit, ...] = ()

    @classmethod
    def checked(cls, values: Mapping[str, Any], scan: OpenScan) -> FrameRequest:
        """The request in `values`: keys as the fields, edits as a list or as text. Raises RequestError if the scan has no such picture."""
        plane, mode = values.get("plane"), values.get("mode")
        if plane not in PLANES:
            raise RequestError(f"plane must be one of {', '.join(PLANES)}, got {plane!r}")
        if mode not in MODES:
            raise RequestError(f"mode must be one of {', '.join(MODES)}, got {mode!r}")
        last = scan.views[plane].count - 1
        index = whole_number("slice index", values.get("index"), last, f"; this scan has {last + 1} {plane} slices")
        seed = whole_number("seed", values.get("seed"), LARGEST_SEED)
        strength = values.get("strength")
        if isinstance(strength, bool) or not isinstance(strength, (int, float)) or not 0 <= strength <= 1:
            raise RequestError(f"epsilon must be a number from 0 to 1, got {strength!r}")
        edits = _edits(values.get("edits") or [], scan)
        if edits and not scan.acquired(plane):
            raise RequestError("tokens are forced in the plane of the acquired slices only")
        return cls(plane, index, float(strength), mode, seed, edits)


def forced_tokens(request: FrameRequest) -> dict[tuple[int, int], int]:
    """The code that each forced place (row, column) gets: the latest of its edits."""
    return {(row, column): code for row, column, code in request.edits}


def _edits(values: Any, scan: OpenScan) -> tuple[Edit, ...]:
    rows, columns = scan.segmented.indices.shape[1:]
    if isinstance(values, str):
        try:
            values = edits_from_text(values)
        except ValueError as error:
            raise RequestError(str(error)) from error
    if (
        not isinstance(values, (list, tuple))
        or len(values) > rows * columns
        or not all(isinstance(v, (list, tuple)) and len(v) == 3 for v in values)
    ):
        raise RequestError("edits must be a list of [row, column, code]")
    lasts = {"row": rows - 1, "column": columns - 1, "code": scan.segmented.codebook_size - 1}
    checked = [
        tuple(whole_number(f"{name} of an edit", v, last) for (name, last), v in zip(lasts.items(), value, strict=True)) for value in values
    ]
    return tuple((row, column, code) for row, column, code in checked)


def whole_number(name: str, value: Any, last: int, detail: str = "") -> int:
    """The value as an int. Raises RequestError unless it is a whole number from 0 to `last`."""
    whole = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value == int(value)
    if not whole or not 0 <= value <= last:
        raise RequestError(f"{name} must be a whole number from 0 to {last}, got {value!r}{detail}")
    return int(value)
