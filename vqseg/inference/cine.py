"""A cine through a network, frame by frame: one frame's voxels in memory at a time, and the labels of all.

    cine = Cine(path)
    for index, labels in labelled_frames(segmenter, cine):
        ...

The caller may stop after any frame, or cancel within one by an exception from `progress`. Frames do not know of each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from vqseg.cardiac import CardiacFunction, VolumeCurves, cardiac_function, count_voxels, curves_of, structures_of, voxel_ml
from vqseg.data.limits import MAX_BYTES
from vqseg.data.scan import ScanError, Source, read_scan
from vqseg.inference.segmenter import Segmenter
from vqseg.types import Array, Scan


class Cine:
    """A file of several moments of one heart, read one frame at a time.

    grid: the scan without its voxels (they are a zero that takes no memory): geometry, header and name, for writing labels.
    """

    def __init__(self, path: Source, *, most_bytes: int = MAX_BYTES) -> None:
        """Read the first frame, to know what the file holds.

        Args:
            path: A scan of any format whose files may have frames, as for `read_scan`.
            most_bytes: The largest frame that is read, in bytes as float32; the labels of the whole cine may be as large.

        Raises:
            ScanError: The file cannot be read, has a single frame, or more of them than memory is given for.
        """
        self._path, self._most_bytes = path, most_bytes
        first = read_scan(self._path, most_bytes=most_bytes)
        if first.frames < 2:
            raise ScanError(f"{first.name} holds one frame; expected a cine, a series with the frames last")
        if first.voxels.size * first.frames > most_bytes:
            raise ScanError(f"{first.name} is too large: {first.frames} frames of {first.voxels.size} voxels")
        self.grid = replace(first, voxels=np.broadcast_to(np.float32(0), first.shape))

    @property
    def frames(self) -> int:
        return self.grid.frames

    @property
    def frame_seconds(self) -> float | None:
        return self.grid.frame_seconds

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(X, Y, Z, T)."""
        return (*self.grid.shape, self.frames)

    def read(self, index: int) -> Scan:
        """One frame, from 0. Raises ScanError if it cannot be read or is not on the grid of the first."""
        scan = read_scan(self._path, index, most_bytes=self._most_bytes)
        if scan.shape != self.grid.shape:
            raise ScanError(f"{scan.name} has frames of different sizes; expected one grid")
        return scan


@dataclass(frozen=True)
class SegmentedCine:
    """labels: (X, Y, Z, T) uint8, T frames. curves: the volumes in every frame. function: what they show of the heart."""

    labels: Array
    curves: VolumeCurves
    function: CardiacFunction


def labelled_frames(
    segmenter: Segmenter,
    cine: Cine,
    *,
    wanted: Iterable[int] | None = None,
    progress: Callable[[float], None] | None = None,
    segment: Callable[[Scan], Array] | None = None,
) -> Iterator[tuple[int, Array]]:
    """Read and segment one frame after the other.

    Args:
        segmenter: The network.
        cine: The file.
        wanted: Numbers of frames in the order in which they are wanted, such as the frame on display first; all from 0 if not given.
        progress: Called within frames and after each, with the share of the wanted frames done, in [0, 1]; an exception that it raises
            cancels.
        segment: What makes labels (X, Y, Z) uint8 of a scan, in place of the segmenter's own answer; reports no progress within a frame.

    Yields:
        The frame's number and its labels (X, Y, Z) uint8. Nothing else of the frame is kept.

    Raises:
        ScanError: A frame cannot be read.
    """
    order = list(range(cine.frames) if wanted is None else wanted)
    report = progress or (lambda _: None)
    for done, index in enumerate(order):

        def within(share: float, done: int = done) -> None:
            report((done + share) / len(order))

        # The voxels have no name here: they are gone before the caller has the labels.
        labels = segmenter.labels(cine.read(index), within) if segment is None else segment(cine.read(index))
        report((done + 1) / len(order))
        yield index, labels


def segment_cine(
    segmenter: Segmenter,
    cine: Cine,
    *,
    progress: Callable[[float], None] | None = None,
    segment: Callable[[Scan], Array] | None = None,
) -> SegmentedCine:
    """Segment every frame, and measure the heart.

    Args:
        segmenter: The network; it must know the left ventricle.
        cine: The file.
        progress: As that of `labelled_frames`.
        segment: As that of `labelled_frames`.

    Raises:
        NoLeftVentricleError: The network has no class "LV"; before anything is segmented.
        ScanError: A frame cannot be read.
    """
    structures_of(segmenter.classes)
    labels = np.zeros(cine.shape, np.uint8)
    counts: list[dict[str, int]] = []
    for index, found in labelled_frames(segmenter, cine, progress=progress, segment=segment):
        labels[..., index] = found
        counts.append(count_voxels(found, segmenter.classes))
    curves = curves_of(counts, voxel_ml(cine.grid), cine.frame_seconds, flat=1 in cine.grid.shape)
    return SegmentedCine(labels, curves, cardiac_function(curves))
