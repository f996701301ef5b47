"""A whole scan as the settings on show give it, decoded a little at a time: nobody waits unseen, and not to ask again is to cancel."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.frames import FrameRequest, forced_tokens
from app.session import OpenScan, label_file_name
from vqseg.data.scan import write_labels
from vqseg.types import Array, VolumeResult

# How long one call may hold a scan before it tells how far it is.
_SECONDS = 0.4
# Visits whose replay of one example is kept; the next one's takes the place of the oldest, which begins again if it is asked for.
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


def advance(scan: OpenScan, token: str, request: FrameRequest, seconds: float = _SECONDS) -> Replay:
    """Decode further slices of the scan under a request's settings, at least one, until the time is up or all are there.

    Slice by slice as the live view has them; forced tokens stay in the request's slice. token: of the visit that asks, whose
    latest replay the scan keeps: an example is lent to many.
    """
    forced = forced_tokens(request)
    key = (request.strength, request.mode, request.seed, *((request.index, request.edits) if forced else ()))
    start = time.perf_counter()
    with scan.lock:
        replay, segmented = _of_visit(scan, token, key), scan.segmented
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


def _of_visit(scan: OpenScan, token: str, key: tuple[object, ...]) -> Replay:
    replay = scan.replays.pop(token, None)
    if replay is None or replay.key != key:
        replay = Replay(key, np.zeros_like(scan.segmented.labels), np.zeros_like(scan.segmented.reconstruction))
    scan.replays[token] = replay
    while len(scan.replays) > _VISITS:
        scan.replays.popitem(last=False)
    return replay


def replay_file(scan: OpenScan, replay: Replay) -> tuple[str, bytes]:
    """Name and content of a finished replay's labels as NIfTI on the scan's own grid."""
    name = label_file_name(scan.segmented.scan.name)
    with tempfile.TemporaryDirectory(prefix="vqseg-replay-") as folder:
        write_labels(replay.labels, scan.segmented.scan, Path(folder) / name)
        return name, (Path(folder) / name).read_bytes()
