"""A whole scan as the settings on show give it, decoded a little at a time: nobody waits unseen, and not to ask again is to cancel."""

from __future__ import annotations

import tempfile
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from app.scan.frames import FrameRequest, forced_tokens
from app.visit.session import OpenScan, label_file_name
from vqseg.data.scan import write_labels
from vqseg.types import Array, VolumeResult

SECONDS = 0.4
"""How long one call may take before it tells how far it is."""
# Visits whose work on one example is kept; the next one's takes the place of the oldest, which begins again if it is asked for.
_VISITS = 8


@dataclass
class Replay:
    """labels (X, Y, Z) uint8 and reconstruction (X, Y, Z) float32, of which the slices before `done` are decoded.

    key: the settings that they belong to. replaced: sum of the slices' shares of replaced tokens. milliseconds: of decoding.
    """

    key: tuple[object, ...]
    labels: Array
    reconstruction: Array
    done: int = 0
    replaced: float = 0.0
    milliseconds: float = 0.0

    def volume(self) -> VolumeResult:
        """The replay as a result, once all slices are done."""
        return VolumeResult(self.labels, self.reconstruction, self.replaced / max(1, self.done))


def advance(scan: OpenScan, token: str, request: FrameRequest, seconds: float = SECONDS) -> Replay:
    """Decode further slices of the scan under a request's settings, at least one, until the time is up or all are there.

    Slice by slice as the live view has them; forced tokens stay in the request's slice. token: of the visit that asks, whose
    latest replay the scan keeps: an example is lent to many.
    """
    forced = forced_tokens(request)
    key = (request.strength, request.mode, request.seed, *((request.index, request.edits) if forced else ()))
    start = time.perf_counter()
    with scan.lock:
        segmented = scan.segmented
        replay = of_visit(
            scan.replays, token, key, lambda: Replay(key, np.zeros_like(segmented.labels), np.zeros_like(segmented.reconstruction))
        )
        labels, pictures = (np.moveaxis(array, segmented.axis, 0) for array in (replay.labels, replay.reconstruction))
        while replay.done < len(labels):
            own = forced if replay.done == request.index else None
            result = segmented.perturb(replay.done, request.strength, request.mode, request.seed, own)
            labels[replay.done], pictures[replay.done] = result.labels, result.reconstruction
            replay.done, replay.replaced = replay.done + 1, replay.replaced + result.replaced_share
            replay.milliseconds += result.milliseconds
            if time.perf_counter() - start >= seconds:
                break
        return replay


class Keyed(Protocol):
    """Work that is kept between calls. key: the settings that it belongs to."""

    key: tuple[object, ...]


_Work = TypeVar("_Work", bound=Keyed)


def of_visit(kept: OrderedDict[str, _Work], token: str, key: tuple[object, ...], begin: Callable[[], _Work]) -> _Work:
    """The visit's work on these settings, begun anew if it asked for others before. The caller holds the scan's lock."""
    work = kept.pop(token, None)
    if work is None or work.key != key:
        work = begin()
    kept[token] = work
    while len(kept) > _VISITS:
        kept.popitem(last=False)
    return work


def replay_file(scan: OpenScan, replay: Replay) -> tuple[str, bytes]:
    """Name and content of a finished replay's labels as NIfTI on the scan's own grid."""
    name = label_file_name(scan.segmented.scan.name)
    with tempfile.TemporaryDirectory(prefix="vqseg-replay-") as folder:
        write_labels(replay.labels, scan.segmented.scan, Path(folder) / name)
        return name, (Path(folder) / name).read_bytes()
