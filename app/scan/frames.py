"""One displayed picture pair: a request that is checked, and its answer as arrays. Shared by the live view and the endpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.scan.branches import branch_changes
from app.scan.edits import Edit, edits_from_text
from app.scan.planes import PLANES
from app.visit.session import OpenScan
from vqseg.inference import Mode, dice_by_class, label_agreement, psnr
from vqseg.types import Array, SliceResult

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
        if edits and scan.views[plane].axis != scan.segmented.axis:
            raise RequestError("tokens are forced in the plane of the acquired slices only")
        return cls(plane, index, float(strength), mode, seed, edits)


@dataclass(frozen=True)
class Frame:
    """Everything (rows, columns) as displayed: labels uint8, reconstruction and image float32 in [0, 1].

    clean_codes and codes: token indices before and after QPM, of the slice if it was acquired as one; else of the whole scan,
    before QPM only. Figures as in vqseg.types.SliceResult; milliseconds counts all the work on the server;
    agreement is the share of pixels that keep the label they have at strength 0. changes: as app.scan.branches names them.
    """

    labels: Array
    reconstruction: Array
    image: Array
    clean_codes: Array
    codes: Array
    replaced_share: float
    dice_vs_clean: float
    psnr: float
    milliseconds: float
    agreement: float
    changes: Array

    def figures(self) -> dict[str, float]:
        """The numbers under the pictures."""
        return {name: getattr(self, name) for name in ("replaced_share", "dice_vs_clean", "psnr", "milliseconds")}


def make_frame(scan: OpenScan, request: FrameRequest) -> Frame:
    """Perturb and decode what is shown: the slice alone in the acquisition plane, else the volume, which is kept for the next cut.

    The same request again is answered by the same frame.
    """
    with scan.lock:
        if scan.latest is None or scan.latest[0] != request:
            acquired = scan.views[request.plane].axis == scan.segmented.axis
            scan.latest = (request, _acquired_slice(scan, request) if acquired else _cut_of_volume(scan, request))
        return scan.latest[1]


def _acquired_slice(scan: OpenScan, request: FrameRequest) -> Frame:
    start = time.perf_counter()
    result = scan.segmented.perturb(request.index, request.strength, request.mode, request.seed, forced_tokens(request))
    return _of_slice(scan, request, result, start)


def _of_slice(scan: OpenScan, request: FrameRequest, result: SliceResult, start: float) -> Frame:
    shown = [scan.views[request.plane].orient(array) for array in (result.labels, result.reconstruction, result.image)]
    shares = (result.replaced_share, result.dice_vs_clean, result.psnr)
    return _frame(scan, request, shown, (result.clean_indices, result.indices), shares, start)


def dropout_frame(scan: OpenScan, request: FrameRequest, rate: float) -> Frame:
    """An acquired slice after feature dropout at a rate in [0, 1] in the QPM's place, whose strength and mode the request may leave.

    Raises RequestError for another plane: dropout is drawn slice by slice.
    """
    if scan.views[request.plane].axis != scan.segmented.axis:
        raise RequestError(f"feature dropout is drawn over acquired slices; choose plane {scan.plane}")
    with scan.lock:
        start = time.perf_counter()
        return _of_slice(scan, request, scan.segmented.dropout(request.index, rate, request.seed, forced_tokens(request)), start)


def _cut_of_volume(scan: OpenScan, request: FrameRequest) -> Frame:
    start = time.perf_counter()
    view, segmented = scan.views[request.plane], scan.segmented
    volume = scan.perturbed_volume(request.strength, request.mode, request.seed)
    shown = [view.cut(array, request.index) for array in (volume.labels, volume.reconstruction, segmented.normalised)]
    dice = label_agreement(shown[0], view.cut(segmented.labels, request.index))
    shares = (volume.replaced_share, dice, psnr(shown[1], shown[2]))
    return _frame(scan, request, shown, (segmented.indices, segmented.indices), shares, start)


def _frame(
    scan: OpenScan, request: FrameRequest, shown: list[Array], codes: tuple[Array, Array], shares: tuple[float, float, float], start: float
) -> Frame:
    """shown: labels, reconstruction and image as displayed. shares: of replaced tokens, Dice, PSNR. start: of the work, in seconds."""
    view, labels = scan.views[request.plane], shown[0]
    clean, clean_picture = (view.cut(array, request.index) for array in (scan.segmented.labels, scan.segmented.reconstruction))
    changes = branch_changes(labels, clean, shown[1], clean_picture)
    agreement = float((labels == clean).mean())
    return Frame(shown[0], shown[1], shown[2], *codes, *shares, _milliseconds_since(start), agreement, changes)


def truth_scores(scan: OpenScan, request: FrameRequest, frame: Frame) -> list[float | None] | None:
    """Dice of every structure in the picture against the truth, None if the scan has none."""
    if scan.truth is None:
        return None
    return dice_by_class(frame.labels, scan.views[request.plane].cut(scan.truth, request.index), len(scan.segmented.classes))


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


def _milliseconds_since(start: float) -> float:
    return 1000 * (time.perf_counter() - start)


def whole_number(name: str, value: Any, last: int, detail: str = "") -> int:
    """The value as an int. Raises RequestError unless it is a whole number from 0 to `last`."""
    whole = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value == int(value)
    if not whole or not 0 <= value <= last:
        raise RequestError(f"{name} must be a whole number from 0 to {last}, got {value!r}{detail}")
    return int(value)
