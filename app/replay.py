"""The labels of a whole scan as the settings on show give them, decoded a little at a time so that nobody waits unseen."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.frames import FrameRequest, forced_tokens
from app.session import OpenScan, label_file_name
from vqseg.data.scan import write_labels
from vqseg.types import Array

# How long one call may hold a scan before it tells how far it is.
_SECONDS = 0.4
# Visits whose replay of one example is kept; the next one's takes the place of the oldest, which begins again if it is asked for.
_VISITS = 8


@dataclass
class Replay:
    """labels (X, Y, Z) uint8, of which the slices before `done` are decoded. key: the settings that they belong to."""

    key: tuple[object, ...]
    labels: Array
    done: int = 0


def advance(scan: OpenScan, token: str, request: FrameRequest, seconds: float = _SECONDS) -> Replay:
    """Decode further slices of the scan under a request's settings, at least one, until the time is up or all are there.

    Slice by slice as the live view has them; forced tokens stay in the request's slice. token: of the visit that asks, whose
    latest replay the scan keeps: an example is lent to many.
    """
    forced = forced_tokens(request)
    key = (request.strength, request.mode, request.seed, *((request.index, request.edits) if forced else ()))
    end = time.perf_counter() + seconds
    with scan.lock:
        replay, segmented = _of_visit(scan, token, key), scan.segmented
        slices = np.moveaxis(replay.labels, segmented.axis, 0)
        while replay.done < len(slices):
            own = forced if replay.done == request.index else None
            slices[replay.done] = segmented.perturb(replay.done, request.strength, request.mode, request.seed, own).labels
            replay.done += 1
            if time.perf_counter() >= end:
                break
        return replay


def _of_visit(scan: OpenScan, token: str, key: tuple[object, ...]) -> Replay:
    replay = scan.replays.pop(token, None)
    if replay is None or replay.key != key:
        replay = Replay(key, np.zeros_like(scan.segmented.labels))
    scan.replays[token] = replay
    while len(scan.replays) > _VISITS:
        scan.replays.popitem(last=False)
    return replay


def replay_file(scan: OpenScan, replay: Replay) -> tuple[str, bytes]:
    """Name and content of a finished replay as NIfTI on the scan's own grid."""
    name = label_file_name(scan.segmented.scan.name)
    with tempfile.TemporaryDirectory(prefix="vqseg-replay-") as folder:
        write_labels(replay.labels, scan.segmented.scan, Path(folder) / name)
        return name, (Path(folder) / name).read_bytes()
