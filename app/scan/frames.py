"""The answer to a FrameRequest, as arrays. The live view, the endpoints and the exports all use it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Lock
from weakref import WeakKeyDictionary

from app.scan.branches import branch_changes
from app.scan.channels import RGB, grey_of, opening_channel
from app.scan.computing import COMPUTING
from app.scan.frame_request import FrameRequest, RequestError, forced_tokens
from app.scan.open_scan import OpenScan
from app.scan.replay import REPLAYS
from app.scan.truth import truth_dice
from vqseg.inference import changed_share, label_agreement, psnr
from vqseg.types import Array, SliceResult

# The newest frame of each scan.
_LATEST: WeakKeyDictionary[OpenScan, tuple[FrameRequest, Frame]] = WeakKeyDictionary()
_LATEST_LOCK = Lock()


@dataclass(frozen=True)
class Frame:
    """One slice as it is displayed, of one channel. Pictures have the shape (rows, columns) of the screen.

    Attributes:
        labels: uint8.
        reconstruction: float32 in [0, 1], of the channel on show.
        image: The slice as the network reads it, float32 in [0, 1], likewise.
        clean_codes: Token indices before the QPM: (h, w) of an acquired slice, else (S, h, w) of the whole scan.
        codes: Token indices after the QPM for an acquired slice, else the same as `clean_codes`.
        replaced_share: As in vqseg.types.SliceResult, like the next two.
        dice_vs_clean: Dice against the labels at strength 0.
        psnr: Of the reconstruction against the image over all channels, in dB.
        milliseconds: All the work on the server.
        agreement: Share of pixels with the same label as at strength 0.
        changed_share: Share of the structures' pixels with another label than at strength 0; see vqseg.inference.changed_share.
        changes: uint8, which decoder answers where; see app.scan.branches.
        colours: Image and reconstruction as (rows, columns, 3), where they are shown as RGB; None elsewhere.
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
    changed_share: float | None
    changes: Array
    colours: tuple[Array, Array] | None = None

    def figures(self) -> dict[str, float]:
        """The numbers under the pictures."""
        return {name: getattr(self, name) for name in ("replaced_share", "dice_vs_clean", "psnr", "milliseconds")}


def make_frame(scan: OpenScan, request: FrameRequest) -> Frame:
    """Perturb and decode what is shown.

    In the plane of the acquired slices the slice is decoded alone. In any other plane the whole volume is decoded; it is kept for
    the next slices. If the latest request is repeated, its frame is returned again.

    Args:
        scan: The scan. A turn is taken for it.
        request: What is shown.

    Returns:
        The frame.
    """
    scan.touched = time.monotonic()
    with _LATEST_LOCK:
        latest = _LATEST.get(scan)
    if latest is not None and latest[0] == request:
        return latest[1]
    frame = _acquired_slice(scan, request) if scan.acquired(request.plane) else _cut_of_volume(scan, request)
    with _LATEST_LOCK:
        _LATEST[scan] = request, frame
    return frame


def _acquired_slice(scan: OpenScan, request: FrameRequest) -> Frame:
    with COMPUTING.turn():
        start = time.perf_counter()
        result = scan.segmented.perturb(request.index, request.strength, request.mode, request.seed, forced_tokens(request), request.reach)
        return _of_slice(scan, request, result, start)


def _of_slice(scan: OpenScan, request: FrameRequest, result: SliceResult, start: float) -> Frame:
    shown = [scan.views[request.plane].orient(array) for array in (result.labels, result.reconstruction, result.image)]
    shares = (result.replaced_share, result.dice_vs_clean, result.psnr)
    return _frame(scan, request, shown, (result.clean_indices, result.indices), shares, start)


def dropout_frame(scan: OpenScan, request: FrameRequest, rate: float) -> Frame:
    """An acquired slice with feature dropout in place of the QPM.

    Args:
        scan: The scan. A turn is taken for it.
        request: The slice and its settings. Strength, mode and reach are ignored.
        rate: Share of features that are dropped, in [0, 1].

    Returns:
        The frame.

    Raises:
        RequestError: If the plane is not that of the acquired slices: dropout is drawn slice by slice.
    """
    if not scan.acquired(request.plane):
        raise RequestError(f"feature dropout is drawn over acquired slices; choose plane {scan.plane}")
    with COMPUTING.turn():
        start = time.perf_counter()
        return _of_slice(scan, request, scan.segmented.dropout(request.index, rate, request.seed, forced_tokens(request)), start)


def _cut_of_volume(scan: OpenScan, request: FrameRequest) -> Frame:
    start = time.perf_counter()
    view, segmented = scan.views[request.plane], scan.segmented
    volume = REPLAYS.decoded(scan, request)
    shown = [view.cut(array, request.index) for array in (volume.labels, volume.reconstruction, segmented.normalised)]
    dice = label_agreement(shown[0], view.cut(segmented.labels, request.index))
    shares = (volume.replaced_share, dice, psnr(shown[1], shown[2]))
    return _frame(scan, request, shown, (segmented.indices, segmented.indices), shares, start)


def _frame(
    scan: OpenScan, request: FrameRequest, shown: list[Array], codes: tuple[Array, Array], shares: tuple[float, float, float], start: float
) -> Frame:
    """Put a frame together.

    Args:
        scan: The scan.
        request: What is shown.
        shown: Labels, reconstruction and image as displayed, with all channels.
        codes: Before and after the QPM.
        shares: Share of replaced tokens, Dice, PSNR.
        start: `time.perf_counter()` when the work began.
    """
    view, labels = scan.views[request.plane], shown[0]
    clean, clean_picture = (view.cut(array, request.index) for array in (scan.segmented.labels, scan.segmented.reconstruction))
    changes = branch_changes(labels, clean, shown[1], clean_picture)
    compared = float((labels == clean).mean()), changed_share(labels, clean)
    reconstruction, image = (grey_of(scan, picture, request.channel) for picture in shown[1:])
    colours = (shown[2], shown[1]) if (request.channel or opening_channel(scan)) == RGB else None
    return Frame(labels, reconstruction, image, *codes, *shares, _milliseconds_since(start), *compared, changes, colours)


def truth_scores(scan: OpenScan, request: FrameRequest, frame: Frame) -> list[float | None] | None:
    """Dice of every structure in the picture against the ground truth.

    Args:
        scan: The scan.
        request: What is shown.
        frame: The answer to the request.

    Returns:
        One score per structure, None for one that neither side has or that the ground truth does not tell of. None if the scan has
        no ground truth.
    """
    if scan.truth is None:
        return None
    return truth_dice(scan, frame.labels, scan.views[request.plane].cut(scan.truth, request.index))


def _milliseconds_since(start: float) -> float:
    return 1000 * (time.perf_counter() - start)
