"""The reach at which a visitor first sees a scan."""

from __future__ import annotations

from app.scan.frame_request import checked_reach
from app.scan.open_scan import OpenScan

OPENING_SHARE = 3 / 4
"""Share of the codebook that a token may effectively become when a scan is opened.

Far enough that dragging epsilon is seen, and not so far that a few swaps destroy everything. On the phantom of a dilated ventricle,
acdc-10 keeps a Dice of .99 .97 .95 .93 .8 .5 against epsilon 0 at epsilon .1 .3 .5 .7 .9 1; at its own reach .99 all the way.
"""


def opening_reach(scan: OpenScan) -> float | None:
    """The reach that the page opens a scan with.

    It is the example's own if that names one, else OPENING_SHARE of the codebook, None (the checkpoint's own) where that is larger.
    """
    size, own = scan.segmented.codebook_size, scan.opening.reach
    if own is not None:
        return checked_reach(min(float(size - 1), own), scan)
    reach = checked_reach(min(size - 1, round(OPENING_SHARE * size)), scan)
    return reach if reach is not None and scan.model.segmenter.reach < reach else None
