"""Which other checkpoint knows a scan that the present one does not."""

from __future__ import annotations

from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from app.scan.open_scan import OpenScan
from vqseg.codebook import judge
from vqseg.types import Scan

if TYPE_CHECKING:
    from app.scan.models import Served

# Slices that another checkpoint encodes before it is recommended: a long scan would take minutes.
_SLICES = 6
_FOUND: WeakKeyDictionary[OpenScan, Served | None] = WeakKeyDictionary()
# One search at a time: it takes a second or two, and must not keep the other visitors waiting.
_SEARCHING = Lock()


def fitting_checkpoint(scan: OpenScan) -> Served | None:
    """The first other checkpoint to which the scan is known, judged by a few slices; None if there is none. Found once a scan."""
    with _SEARCHING:
        if scan not in _FOUND:
            few = _few_slices(scan)
            _FOUND[scan] = next((other for other in scan.model.others() if _may_fit(other, scan) and _knows(other, few)), None)
        return _FOUND[scan]


def _may_fit(other: Served, scan: OpenScan) -> bool:
    """Without a reference nothing can be said, and one that is for the same scans is no better."""
    readable = other.segmenter.channels == scan.segmented.scan.channels
    return readable and other.reference is not None and other.segmenter.reads != scan.model.segmenter.reads


def _knows(other: Served, scan: Scan) -> bool:
    return judge(other.segmenter.open(scan), other.segmenter.reads, other.reference).verdict == "known"


def _few_slices(scan: OpenScan) -> Scan:
    whole, axis = scan.segmented.scan, scan.segmented.axis
    picks = np.unique(np.linspace(0, whole.shape[axis] - 1, _SLICES).round().astype(int))
    return replace(whole, voxels=np.ascontiguousarray(whole.voxels.take(picks, axis)), header=None)
