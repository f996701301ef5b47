"""The reach at which a visitor first sees a scan."""

from __future__ import annotations

from app.scan.open_scan import OpenScan

OPENING_SHARE = 1 / 8
"""Share of the codebook that a token may effectively become when a scan is opened: far enough to be seen, too near to destroy."""


def opening_reach(scan: OpenScan) -> float | None:
    """The reach that the page opens a scan with: OPENING_SHARE of the codebook, None (the checkpoint's own) where that is larger."""
    reach = float(max(1, round(OPENING_SHARE * scan.segmented.codebook_size)))
    return reach if scan.model.segmenter.reach < reach else None
