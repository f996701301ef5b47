"""A checked request for one displayed picture. The live view, the endpoints and the exports all use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.scan.channels import channel_choices
from app.scan.edits import Edit, edits_from_text
from app.scan.open_scan import OpenScan
from app.scan.planes import PLANES
from vqseg.inference import Mode, modes, modes_with_reach

MODES = modes()
"""How the QPM replaces tokens; the first is the default."""
FAR_MODES = modes_with_reach()
"""Those of MODES in which the reach decides how far a token moves."""
LARGEST_SEED = 2**31 - 1


class RequestError(ValueError):
    """A value of a request has the wrong type or is out of range. The message says what is accepted."""


@dataclass(frozen=True)
class FrameRequest:
    """One displayed picture and its settings.

    Attributes:
        plane: One of PLANES.
        index: Index of the slice along the plane's axis, in the order of the array.
        strength: Epsilon, in [0, 1].
        mode: How the QPM replaces tokens, one of MODES.
        seed: Of the QPM, from 0 to LARGEST_SEED.
        edits: (row, column, code) of tokens that a visitor forced to a code, in an acquired slice. The last edit of a place counts.
        reach: How many codewords a replaced token may effectively become, in [1, K - 1]; None for the checkpoint's own, and in a mode
            that has no reach.
        channel: What is shown of a scan with several channels, as `channel_choices` has it; "" for what the page opens with.
    """

    plane: str
    index: int
    strength: float
    mode: Mode
    seed: int
    edits: tuple[Edit, ...] = ()
    reach: float | None = None
    channel: str = ""

    @classmethod
    def checked(cls, values: Mapping[str, Any], scan: OpenScan) -> FrameRequest:
        """Check the values of a request.

        Args:
            values: Named as the attributes. "edits" is a list or a text as in `edits_as_text`; it may be missing, and so may
                "reach" and "channel".
            scan: The scan that the picture is taken from.

        Returns:
            The request.

        Raises:
            RequestError: If a value is wrong, or if the scan has no such slice or token.
        """
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
        reach = checked_reach(values.get("reach"), scan)
        edits = _edits(values.get("edits") or [], scan)
        if edits and not scan.acquired(plane):
            raise RequestError("tokens are forced in the plane of the acquired slices only")
        channel = _channel(values.get("channel"), scan)
        return cls(plane, index, float(strength), mode, seed, edits, reach if mode in FAR_MODES else None, channel)


def checked_reach(value: object, scan: OpenScan) -> float | None:
    """Check the reach of a request, and round it to four digits, so that there are not endlessly many to solve and to keep.

    Args:
        value: What the request has; None stands for the checkpoint's own reach.
        scan: The scan, whose codebook bounds the reach.

    Returns:
        The reach, in [1, K - 1], or None. K - 1 stays what it is.

    Raises:
        RequestError: If it is neither None nor a number from 1 to K - 1.
    """
    last = scan.segmented.codebook_size - 1
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 1 <= value <= last:
        raise RequestError(f"reach must be a number from 1 to {last}, or nothing for the checkpoint's own, got {value!r}")
    return float(last if value == last else min(last, float(f"{value:.4g}")))


def _channel(value: object, scan: OpenScan) -> str:
    """A channel of the scan; "" where nothing is asked for, or there is nothing to choose."""
    choices = [choice for _, choice in channel_choices(scan)]
    if not choices or value is None or value == "":
        return ""
    if value not in choices:
        raise RequestError(f"channel must be one of {', '.join(choices)}, got {value!r}")
    return str(value)


def forced_tokens(request: FrameRequest) -> dict[tuple[int, int], int]:
    """The forced code by its place (row, column): that of the last edit."""
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


def whole_number(name: str, value: object, last: int, detail: str = "") -> int:
    """Check a number of a request.

    Args:
        name: What the number is, for the message.
        value: What the request has.
        last: The largest number that is accepted; the smallest is 0.
        detail: Added to the message.

    Returns:
        The number as an int.

    Raises:
        RequestError: If it is no whole number from 0 to `last`.
    """
    # The range is checked before int(), which fails for infinity.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= last or value != int(value):
        raise RequestError(f"{name} must be a whole number from 0 to {last}, got {value!r}{detail}")
    return int(value)
