"""What a visitor sends at once, in a private folder of its own, until it was read.

The files lie there under names that cannot tell of a person or lead out of the folder. A parcel with several DICOM series is kept for
as long as the visit may choose another one; nothing else is kept.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from app.scan.lru import Lru
from vqseg.data.apart import read_apart, series_apart
from vqseg.data.handed_over import UPLOAD, names_of_own, shown_name
from vqseg.data.label_files import is_dicom
from vqseg.data.scan import ACCEPTED, MAX_BYTES, ScanError
from vqseg.types import Scan

MOST_FILES = 5000
"""Files that are taken at once. A CT of the whole body has two thousand images."""
MOST_BYTES = 2 * MAX_BYTES
"""Bytes that they may have together."""
_MOST_KEPT_BYTES = 2 * MOST_BYTES


class Parcel:
    """Files that were sent at once. `close` deletes them; so does forgetting the parcel."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Take the files over: they may be deleted where they are.

        Args:
            paths: The files.

        Raises:
            ScanError: If there is none, or if they are too many or too large.
        """
        self.byte_size = _checked(paths)
        self._folder = tempfile.TemporaryDirectory(prefix="vqseg-sent-")
        self._sent, self._is_one_series = tuple(paths), False
        try:
            self._source = self._taken(paths)
        except BaseException:
            self.close()
            raise

    def read(
        self,
        most_bytes: int = MAX_BYTES,
        series: int | None = None,
        frame: int | None = None,
        wanted: Callable[[], object] = lambda: None,
        *,
        channels: int = 1,
    ) -> Scan:
        """Read the scan, in a process of its own.

        Args:
            most_bytes: Size of the largest scan that is accepted, as bytes of its float32 voxels.
            series: Number of the DICOM series, from 1; None for the one with the most images.
            frame: Number of the frame of a cine, from 0; None for the first.
            wanted: Whatever it raises ends the reading, and is raised.
            channels: How many the scan has, as its checkpoint reads them.

        Returns:
            The scan under the name that visitors read.

        Raises:
            ScanError: If `read_scan` refuses the files.
        """
        scratch = Path(self._folder.name)
        scan = read_apart(self._source, frame, channels=channels, series=series, most_bytes=most_bytes, scratch=scratch, wanted=wanted)
        # Every file is an image of this scan: there is no need to look for other series in a thousand of them.
        self._is_one_series = is_dicom(scan) and scan.shape[2] * scan.frames == self._count
        return replace(scan, name=shown_name(scan, self._sent))

    def read_numbers(self, frame: int | None = None, *, most_bytes: int = MAX_BYTES) -> Scan:
        """Read a file of labels as `vqseg.data.scan.read_numbers` does, in a process of its own, under the name that visitors read."""
        scan = read_apart(self._source, frame, most_bytes=most_bytes, labels=True, scratch=Path(self._folder.name))
        return replace(scan, name=shown_name(scan, self._sent))

    def series(self) -> tuple[tuple[str, ...], int]:
        """A line for every DICOM series, and the number of the one that `read` reads by default. Raises ScanError as `read` does.

        After `read` no lines if its scan is made of all files.
        """
        if self._is_one_series:
            return (), 0
        return series_apart(self._source, scratch=Path(self._folder.name))

    def close(self) -> None:
        """Delete the files."""
        self._folder.cleanup()

    def _taken(self, paths: Sequence[Path]) -> Path:
        """What `read_scan` reads: the only file, or the folder of all."""
        # The folder's name stands in messages.
        place = Path(self._folder.name) / UPLOAD
        place.mkdir()
        own = [_linked(path, place / name) for path, name in zip(paths, names_of_own(paths), strict=True) if name is not None]
        self._count = len(own)
        return own[0] if len(paths) == 1 else place


class SentFrames:
    """The frames of a cine that a visitor has sent. Its files are kept for as long as the cine is open."""

    def __init__(self, parcel: Parcel, count: int, most_bytes: int, *, series: int | None = None, closes: bool = True) -> None:
        """Read nothing yet.

        Args:
            parcel: The files.
            count: How many frames there are.
            most_bytes: As for `Parcel.read`.
            series: Number of the DICOM series; None for the one with the most images.
            closes: Whether the files are deleted as soon as no cine reads them any more; else whoever keeps the parcel does it.
        """
        self.count, self._parcel, self._most_bytes, self._series = count, parcel, most_bytes, series
        if closes:
            weakref.finalize(self, parcel.close)

    def read(self, index: int) -> Scan:
        """One frame, from 0. Raises ScanError if it cannot be read."""
        return self._parcel.read(self._most_bytes, self._series, index)


@dataclass(frozen=True)
class Choice:
    """The DICOM series of a parcel: a line for each, as "series 2: 120 images, MR, 256 x 256", and the number of the one on show."""

    labels: tuple[str, ...]
    chosen: int


@dataclass(frozen=True)
class _Kept:
    parcel: Parcel
    choice: Choice


class KeptParcels:
    """The parcels from which visits may choose another series: at most one a visit, and all of them up to a number of bytes."""

    def __init__(self, most_bytes: int = _MOST_KEPT_BYTES) -> None:
        """Start empty. The least recently used parcels are deleted beyond `most_bytes`."""
        self._kept: Lru[str, _Kept] = Lru(most_bytes, lambda kept: kept.parcel.byte_size)

    @contextmanager
    def exchange(self, owner: str) -> Iterator[Callable[[Parcel], bool]]:
        """The visit opens something else. What it held is deleted if the block succeeds.

        Args:
            owner: The visit.

        Yields:
            A function that takes a parcel if it has several series, and then returns True. If the block fails, the parcel is deleted.
        """
        offered: list[_Kept] = []

        def offer(parcel: Parcel) -> bool:
            labels, chosen = parcel.series()
            if len(labels) > 1:
                offered.append(_Kept(parcel, Choice(labels, chosen)))
            return len(labels) > 1

        try:
            yield offer
        except BaseException:
            _close(offered)
            raise
        self.release(owner)
        for one in offered:
            _close(self._kept.put(owner, one))

    def choice(self, owner: str, chosen: int | None = None) -> Choice | None:
        """The series that a visit may choose from.

        Args:
            owner: The visit.
            chosen: Number of the one on show; None for the one that was read by default.

        Returns:
            The list, None if nothing is kept for the visit.
        """
        kept = self._kept.get(owner)
        return replace(kept.choice, chosen=chosen or kept.choice.chosen) if kept else None

    def read(self, owner: str, number: int, most_bytes: int, wanted: Callable[[], object] = lambda: None, *, channels: int = 1) -> Scan:
        """Read another series of a visit's parcel.

        Args:
            owner: The visit.
            number: Of the series, from 1.
            most_bytes: Size of the largest scan that is accepted, as bytes of its float32 voxels.
            wanted: As for `Parcel.read`.
            channels: As for `Parcel.read`.

        Returns:
            The scan.

        Raises:
            ScanError: If the parcel is no longer kept, or if the series cannot be read.
        """
        return self._parcel_of(owner).read(most_bytes, number, wanted=wanted, channels=channels)

    def frames(self, owner: str, number: int, count: int, most_bytes: int) -> SentFrames:
        """The frames of a series of a visit's parcel.

        Args:
            owner: The visit.
            number: Of the series, from 1.
            count: How many frames it has.
            most_bytes: As for `Parcel.read`.

        Raises:
            ScanError: If the parcel is no longer kept.
        """
        return SentFrames(self._parcel_of(owner), count, most_bytes, series=number, closes=False)

    def release(self, owner: str) -> None:
        """Delete the parcel of a visit, which has gone on or has ended."""
        kept = self._kept.pop(owner)
        _close([kept] if kept else [])

    def __len__(self) -> int:
        return len(self._kept)

    def _parcel_of(self, owner: str) -> Parcel:
        kept = self._kept.get(owner)
        if kept is None:
            raise ScanError("the files are no longer held on the server; send them again to choose another series")
        return kept.parcel


def _close(dropped: Sequence[_Kept]) -> None:
    for one in dropped:
        one.parcel.close()


def _checked(paths: Sequence[Path]) -> int:
    """The bytes of all files together."""
    if not paths:
        raise ScanError(f"no file was sent; accepted: {ACCEPTED}")
    if len(paths) > MOST_FILES:
        raise ScanError(f"{len(paths)} files were sent; at most {MOST_FILES} are taken at once")
    try:
        size = sum(path.stat().st_size for path in paths)
    except OSError as error:
        raise ScanError("the files have not arrived; send them again") from error
    if size > MOST_BYTES:
        raise ScanError(f"{size / 2**30:.1f} GiB were sent; at most {MOST_BYTES >> 30} GiB are taken at once")
    return size


def _linked(path: Path, own: Path) -> Path:
    try:
        # A second name for the same bytes costs nothing.
        os.link(path, own)
    except OSError:
        shutil.copyfile(path, own)
    return own
