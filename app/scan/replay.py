"""Whole volumes, decoded under given settings. See, Volume and Export all decode them here.

A volume is decoded slice by slice. Decoded slices are kept, and the next call with the same settings continues from there. A
caller cancels by not calling again, or by raising an exception in `progress`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

import numpy as np

from app.scan.computing import COMPUTING
from app.scan.fair import Rank
from app.scan.frame_request import FrameRequest, forced_tokens
from app.scan.lru import LruOfEach
from app.scan.open_scan import OpenScan
from vqseg.types import Array, VolumeResult

SECONDS = 0.4
"""After this time a call returns and reports its progress."""
MOST_OF_ONE, MOST_OF_EXAMPLE, MOST_OF_FRAME = 2, 8, 1
"""How many volumes are kept of a visitor's own scan, of an example that many visitors share, and of a further frame of a cine."""


@dataclass
class Replay:
    """A volume that is being decoded.

    Attributes:
        labels: (X, Y, Z) uint8. The slices before `done` are decoded.
        reconstruction: (X, Y, Z) float32, likewise.
        done: How many slices are decoded.
        replaced: Sum of the shares of replaced tokens, over the decoded slices.
        milliseconds: Time spent on decoding.
        lock: Held while a slice is decoded.
    """

    labels: Array
    reconstruction: Array
    done: int = 0
    replaced: float = 0.0
    milliseconds: float = 0.0
    lock: Lock = field(default_factory=Lock, repr=False)

    def volume(self) -> VolumeResult:
        """The replay as a result, once all slices are done."""
        return VolumeResult(self.labels, self.reconstruction, self.replaced / max(1, self.done))


class Replays:
    """The volumes of every open scan. They are forgotten together with their scan."""

    def __init__(self) -> None:
        self._kept: LruOfEach[OpenScan, tuple[object, ...], Replay] = LruOfEach(
            lambda scan: MOST_OF_FRAME if scan.frame else MOST_OF_ONE if scan.example is None else MOST_OF_EXAMPLE
        )

    def advance(self, scan: OpenScan, request: FrameRequest, seconds: float = SECONDS, *, rank: Rank = Rank.BESIDE) -> Replay:
        """Decode further slices, at least one if any is missing.

        Args:
            scan: The scan. Each slice takes a turn of its own, so that other views are answered in between.
            request: The settings. Forced tokens apply to the slice of the request only. The plane is ignored.
            seconds: Return after this time, even if slices are missing.
            rank: Of the turns.

        Returns:
            The volume of these settings, as far as it is decoded.

        Raises:
            LaterError: The rank is AHEAD, and there is no room now.
        """
        replay, start = self._replay(scan, request), time.perf_counter()
        while replay.done < scan.segmented.slice_count:
            _decode_next(scan, request, replay, rank)
            if time.perf_counter() - start >= seconds:
                break
        return replay

    def decoded(self, scan: OpenScan, request: FrameRequest, progress: Callable[[float], None] = lambda _: None) -> VolumeResult:
        """The whole volume.

        Args:
            scan: The scan.
            request: The settings, as for `advance`.
            progress: Called after every slice with the share that is done. If it raises, decoding stops; decoded slices are kept.

        Returns:
            Labels, reconstruction and share of replaced tokens.
        """
        if request.strength == 0 and not request.edits:
            return VolumeResult(scan.segmented.labels, scan.segmented.reconstruction, 0.0)
        replay, slices = self._replay(scan, request), scan.segmented.slice_count
        # This very replay is decoded to its end, even if others take its place meanwhile.
        while replay.done < slices:
            _decode_next(scan, request, replay)
            progress(replay.done / slices)
        return replay.volume()

    def begun(self, scan: OpenScan, request: FrameRequest) -> Array:
        """The labels as far as they are decoded.

        Args:
            scan: The scan.
            request: The settings, as for `advance`.

        Returns:
            (X, Y, Z) uint8. Slices that are not decoded have their labels at strength 0.
        """
        replay, axis = self._replay(scan, request), scan.segmented.axis
        labels: Array = scan.segmented.labels.copy()
        done = np.arange(replay.done)
        np.moveaxis(labels, axis, 0)[done] = np.moveaxis(replay.labels, axis, 0)[done]
        return labels

    def reached(self, scan: OpenScan, request: FrameRequest) -> tuple[Array, int]:
        """The labels as far as they are decoded, without a copy.

        Args:
            scan: The scan.
            request: The settings, as for `advance`.

        Returns:
            (X, Y, Z) uint8, and how many slices of it are decoded. The caller must not change it.
        """
        if request.strength == 0 and not request.edits:
            return scan.segmented.labels, scan.segmented.slice_count
        replay = self._replay(scan, request)
        return replay.labels, replay.done

    def ready(self, scan: OpenScan, request: FrameRequest) -> bool:
        """Whether `decoded` would return at once.

        Args:
            scan: The scan.
            request: The settings, as for `advance`.

        Returns:
            True if every slice is decoded, or if the settings change nothing.
        """
        return (request.strength == 0 and not request.edits) or self._replay(scan, request).done == scan.segmented.slice_count

    def kept(self, scan: OpenScan) -> int:
        """How many volumes are kept of a scan."""
        return len(self._kept.of(scan))

    def _replay(self, scan: OpenScan, request: FrameRequest) -> Replay:
        segmented = scan.segmented
        key = (request.strength, request.mode, request.seed, request.reach, *((request.index, request.edits) if request.edits else ()))
        return self._kept.of(scan).made(key, lambda: Replay(np.zeros_like(segmented.labels), np.zeros_like(segmented.reconstruction)))


def _decode_next(scan: OpenScan, request: FrameRequest, replay: Replay, rank: Rank = Rank.BESIDE) -> None:
    """Decode one more slice, or wait until another visitor of the same volume has."""
    index = replay.done
    with COMPUTING.turn(rank, work=("replay", id(replay)), ready=lambda: replay.done > index), replay.lock:
        if replay.done == index:
            _decode(scan, request, replay, index)


def _decode(scan: OpenScan, request: FrameRequest, replay: Replay, index: int) -> None:
    segmented = scan.segmented
    forced = forced_tokens(request) if index == request.index else None
    result = segmented.perturb(index, request.strength, request.mode, request.seed, forced or None, request.reach)
    labels, pictures = (np.moveaxis(array, segmented.axis, 0) for array in (replay.labels, replay.reconstruction))
    labels[index], pictures[index] = result.labels, result.reconstruction
    replay.replaced += result.replaced_share
    replay.milliseconds += result.milliseconds
    replay.done = index + 1


# All tabs share this one. Its contents belong to scans, never to a visitor.
REPLAYS = Replays()
