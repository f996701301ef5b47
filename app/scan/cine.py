"""The frames of an open cine, or of a pair of scans: which of them are encoded, and which one comes next.

Frame 0 is the scan that the visitor opened. The others are encoded one after the other by app/visit/cines.py, as long as somebody watches.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event, RLock
from typing import Protocol

from app.scan.lru import Lru
from app.scan.open_scan import TRUTH_BYTES_A_VOXEL, OpenScan
from vqseg.data.scan import MAX_BYTES, ScanError, read_scan
from vqseg.types import Array, Scan

# Of one frame one perturbed volume is kept: uint8 labels and a float32 reconstruction; see app/scan/replay.py.
_VOLUME_BYTES_A_VOXEL = 5
# While the visitor's own pictures are asked for, encoding rests so long between two slices.
_REST_SECONDS = 0.25


class UnwatchedError(Exception):
    """Nobody watches the cine any more: what is being encoded is dropped."""


class FrameNotReadyError(LookupError):
    """The frame is not encoded, or was dropped to make room."""


class FrameSource(Protocol):
    """Where the frames come from."""

    @property
    def count(self) -> int:
        """How many frames there are."""

    def read(self, index: int) -> Scan:
        """One frame, from 0. Raises ScanError if it cannot be read."""


class FrameFiles:
    """Frames in files: those of one cine, or one in each of two files."""

    def __init__(self, places: Sequence[tuple[Path, int]], *, most_bytes: int = MAX_BYTES, nominal: bool = False) -> None:
        """Read nothing yet.

        Args:
            places: File and number within the file, of every frame.
            most_bytes: As for `read_scan`.
            nominal: Whether the spacing in the files is known not to be that of the scanner.
        """
        self.places, self._most_bytes, self._nominal = tuple(places), most_bytes, nominal

    @classmethod
    def of_cine(cls, path: Path, frames: int, *, nominal: bool = False) -> FrameFiles:
        """All frames of a 4D file that stays where it is."""
        return cls([(path, frame) for frame in range(frames)], nominal=nominal)

    @classmethod
    def of_pair(cls, first: Path, second: Path, *, nominal: bool = False) -> FrameFiles:
        """Two files that hold one frame each."""
        return cls([(first, 0), (second, 0)], nominal=nominal)

    @property
    def count(self) -> int:
        return len(self.places)

    def read(self, index: int) -> Scan:
        path, frame = self.places[index]
        scan = read_scan(path, frame, most_bytes=self._most_bytes)
        return replace(scan, spacing_known=False) if self._nominal else scan


class HeldFrames:
    """Frames that are in memory already: two scans that a visitor has paired."""

    def __init__(self, scans: Sequence[Scan]) -> None:
        self._scans = tuple(scans)

    @property
    def count(self) -> int:
        return len(self._scans)

    def read(self, index: int) -> Scan:
        return self._scans[index]


class OpenCine:
    """The frames of one cine under one checkpoint. Their labels are all kept; whole frames are, as far as there is room for them."""

    def __init__(self, first: OpenScan, source: FrameSource, *, most_bytes: int, paired: bool = False) -> None:
        """Hold frame 0.

        Args:
            first: Frame 0. It gets this cine as its own.
            source: Where the others come from.
            most_bytes: Of all other frames that are kept at a time.
            paired: Whether these are two scans of one patient at end-diastole and end-systole, in any order.
        """
        self.first, self.frames, self.paired, self.error = first, source.count, paired, ""
        self.truths: Callable[[int], Array | None] = lambda _: None
        self._source: FrameSource | None = source
        one = max(1, _weight(first))
        self._most = min(most_bytes, (self.frames - 1) * one)
        # At least one of them, however large: otherwise there would be nothing to see.
        self._open: Lru[int, OpenScan] = Lru(max(1, self._most // one))
        self._labels: dict[int, Array] = {0: first.segmented.labels}
        self._scans: dict[int, Scan] = {}
        self._watchers: set[str] = set()
        self._wanted, self._working = 0, False
        self._lock, self._left = RLock(), Event()
        first.cine = self

    @property
    def source(self) -> FrameSource:
        """Where the frames come from. Raises FrameNotReadyError if the cine is closed."""
        if self._source is None:
            raise FrameNotReadyError("this cine is closed")
        return self._source

    @property
    def byte_size(self) -> int:
        """Bytes that the cine may take at most besides frame 0. It does not change as frames come."""
        return self._most + self.frames * self.first.segmented.labels.nbytes

    @property
    def ready(self) -> list[int]:
        """Numbers of the frames that can be shown now, in rising order."""
        return sorted([0, *(index for index, _ in self._open.items())])

    @property
    def keeps_all(self) -> bool:
        """Whether there is room for all frames at a time, so that none has to be encoded twice."""
        return self._open.most >= self.frames - 1

    @property
    def labels(self) -> dict[int, Array]:
        """Labels (X, Y, Z) at strength 0 of every frame that was encoded."""
        with self._lock:
            return dict(self._labels)

    @property
    def complete(self) -> bool:
        """Whether every frame has been encoded."""
        return len(self._labels) == self.frames

    def frame(self, index: int) -> OpenScan:
        """A frame that is ready. Raises FrameNotReadyError for any other, and ValueError if there is none with this number."""
        if not 0 <= index < self.frames:
            raise ValueError(f"the cine has frames 0 to {self.frames - 1}, got {index}")
        opened = self.first if index == 0 else self._open.get(index)
        if opened is None:
            raise FrameNotReadyError(f"frame {index} is not encoded yet")
        return opened

    def want(self, index: int) -> None:
        """Encode this frame next, and then those beside it. Raises ValueError if there is none with this number."""
        if not 0 <= index < self.frames:
            raise ValueError(f"the cine has frames 0 to {self.frames - 1}, got {index}")
        self._wanted = index

    def join(self, owner: str) -> None:
        """A visit watches the cine."""
        with self._lock:
            self._watchers.add(owner)
            self._left.clear()

    def leave(self, owner: str) -> None:
        """A visit watches it no more. Without anybody, encoding ends within a slice."""
        with self._lock:
            self._watchers.discard(owner)
            if not self._watchers:
                self._left.set()

    def watched(self) -> bool:
        """Whether anybody watches."""
        return bool(self._watchers)

    def begin(self) -> bool:
        """Claim the work of encoding. False if somebody has it, or if there is none; `following` gives it back."""
        with self._lock:
            if self._working or self._next() is None:
                return False
            self._working = True
            return True

    def following(self) -> int | None:
        """The frame to encode next. None if there is nothing to do; the work is then given back."""
        with self._lock:
            following = self._next()
            self._working = following is not None
            return following

    def encode(self, index: int) -> None:
        """Read and encode a frame.

        Args:
            index: Its number.

        Raises:
            UnwatchedError: Nobody watches any more.
            ScanError: It cannot be read, or is not on the grid of frame 0.
        """
        scan = self.source.read(index)
        grid = self.first.segmented.scan.shape
        if scan.shape != grid:
            raise ScanError(f"frame {index} has {scan.shape} voxels and frame 0 has {grid}; expected one grid")
        self.add(index, OpenScan(self.first.model.segmenter.open(scan, self._between_slices), self.first.model))

    def add(self, index: int, opened: OpenScan) -> None:
        """Take in a frame that was encoded."""
        first = self.first
        opened.example, opened.opening, opened.judged = first.example, first.opening, first.judged
        opened.frame, opened.frame_of, opened.truth = index, first.identity, self.truths(index)
        with self._lock:
            if self._source is None:
                return
            self._labels[index], self._scans[index] = opened.segmented.labels, opened.segmented.scan if self.paired else self.scan(0)
            forgotten = self._open.put(index, opened)
        for frame in forgotten:
            frame.close()

    def fail(self, message: str) -> None:
        """Remember why a frame could not be encoded. No further one is tried."""
        self.error = message

    def scan(self, index: int) -> Scan:
        """The scan of an encoded frame, for its geometry."""
        return self._scans.get(index, self.first.segmented.scan)

    def give_truths(self, truths: Callable[[int], Array | None]) -> None:
        """Set the ground truth.

        Args:
            truths: Gives that of every frame, None where there is none.
        """
        self.truths = truths
        for opened in [self.first, *(frame for _, frame in self._open.items())]:
            opened.truth = truths(opened.frame)

    def close(self) -> None:
        """Drop all frames but the first, and the file if nothing else reads it."""
        with self._lock:
            self._watchers.clear()
            self._left.set()
            self._source = None
            frames = [self._open.pop(index) for index, _ in self._open.items()]
        for frame in frames:
            if frame is not None:
                frame.close()

    def _next(self) -> int | None:
        """The frame that is wanted, if it is not ready; then the nearest one without labels. A cycle has no ends."""
        if self._source is None or self.error or not self._watchers:
            return None
        wanted, count = self._wanted, self.frames
        if wanted and wanted not in self._open:
            return wanted
        missing = [index for index in range(count) if index not in self._labels]
        return min(
            missing, key=lambda index: (min((index - wanted) % count, (wanted - index) % count), (index - wanted) % count), default=None
        )

    def _between_slices(self, _: float) -> None:
        if not self._watchers:
            raise UnwatchedError
        touched = max(frame.touched for frame in [self.first, *(opened for _, opened in self._open.items())])
        rest = touched + _REST_SECONDS - time.monotonic()
        if rest > 0:
            self._left.wait(rest)


def _weight(scan: OpenScan) -> int:
    return scan.segmented.byte_size + (_VOLUME_BYTES_A_VOXEL + TRUTH_BYTES_A_VOXEL) * scan.segmented.scan.voxels.size
