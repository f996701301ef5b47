"""Files that visitors send. They are read once and then deleted, also if they are no scan; app/visit/parcels.py holds them meanwhile.

Every upload has a folder of its own, so its paths are known to nobody but its sender. What is no upload of this server is not read, and
not touched. Uploads that nobody asks for are deleted after a while.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from app.scan.handed_out import OwnFolder
from app.visit.limits import MOST_SENT_BYTES, UNCLAIMED_SECONDS
from app.visit.openings import Opening, Openings
from app.visit.parcels import Parcel
from vqseg.data.scan import MAX_BYTES, ScanError
from vqseg.types import Scan

Sent = str | Path | Sequence[str | Path] | None
"""Paths of uploaded files as Gradio hands them over: one, several, or none."""
NOT_HERE = "the files have not arrived, or were read already; send them again"


@dataclass(frozen=True)
class _Arrived:
    """A file that was uploaded: where it lies, in which folder of its upload, since when, and the address of the page that sent it."""

    path: Path
    folder: OwnFolder
    since: float
    page: str | None
    size: int

    def delete(self) -> None:
        self.path.unlink(missing_ok=True)
        # The upload's folders go with its last file. Until then the system refuses.
        for folder in self.path.parents:
            if not folder.is_relative_to(self.folder.path):
                break
            with suppress(OSError):
                folder.rmdir()


class Uploads:
    """The uploaded files that nobody has read yet. Each built app has its own."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start empty. `clock` gives seconds."""
        self._clock = clock
        self._arrived: dict[str, _Arrived] = {}
        self._arriving = 0
        self._lock = Lock()

    def read(self, paths: Sent, most_bytes: int = MAX_BYTES) -> Scan:
        """Read what was uploaded and delete it.

        Args:
            paths: One file, or several that belong together; None if none was sent.
            most_bytes: Size of the largest scan that is accepted, as bytes of its float32 voxels.

        Returns:
            The scan.

        Raises:
            ScanError: If no file was sent, or if `read_scan` refuses it.
        """
        with self.sent(paths) as parcel:
            return parcel.read(most_bytes)

    @contextmanager
    def sent(self, paths: Sent) -> Iterator[Parcel]:
        """Uploaded files as a parcel, which is deleted at the end of the block. Raises ScanError if no file was sent, or too much."""
        with closing(self._parcel(paths)) as parcel:
            yield parcel

    @contextmanager
    def read_in_turn(
        self,
        paths: Sent,
        openings: Openings,
        opening: Opening,
        most_bytes: int,
        *,
        channels: Callable[[], int] = lambda: 1,
        series: int | None = None,
        frame: int | None = None,
        keep: Callable[[Parcel, Scan], bool] = lambda _, __: False,
    ) -> Iterator[Scan]:
        """Read what was uploaded when it is the opening's turn, and delete it.

        The turn lasts until the block ends. So only few large scans are in memory at a time.

        Args:
            paths: One file, or several that belong together; None if none was sent.
            openings: Give the turns.
            opening: Whose turn it must be.
            most_bytes: Size of the largest scan that is accepted, as bytes of its float32 voxels.
            channels: Says how many it has, as its checkpoint reads them; called when it is its turn.
            series: Number of the DICOM series, from 1; None for the one with the most images.
            frame: Which frame of a cine is read; None for the first.
            keep: Called with the files and the scan when they were read. True if somebody else deletes the files.

        Yields:
            The scan.

        Raises:
            ScanError: If no file was sent, or if `read_scan` refuses it.
            BusyError: If too many visitors are waiting.
            CalledOffError: If the opening was cancelled.
        """
        with ExitStack() as turn:
            with ExitStack() as held:
                parcel = self._parcel(paths)
                held.callback(parcel.close)
                turn.enter_context(openings.turn(opening))
                count = channels()
                opening.tell(stage="reading")
                scan = parcel.read(most_bytes, series, frame, wanted=opening.tell, channels=count)
                if keep(parcel, scan):
                    held.pop_all()
            yield scan

    def knows(self, path: str | Path) -> bool:
        """Whether this is an uploaded file that nobody has read yet."""
        with self._lock:
            return os.path.abspath(path) in self._arrived

    def arrived(self, paths: Iterable[str | Path], folder: OwnFolder, page: str | None = None) -> None:
        """An upload has ended.

        Args:
            paths: The files that it has stored.
            folder: In which they lie; it is the upload's own.
            page: Address of the page that has sent them; None if it was another program.
        """
        now, files = self._clock(), [Path(os.path.abspath(name)) for name in paths]
        stored = {str(path): _Arrived(path, folder, now, page, path.stat().st_size) for path in files}
        with self._lock:
            self._arrived.update(stored)

    @contextmanager
    def room(self, size: int, most_bytes: int = MOST_SENT_BYTES) -> Iterator[bool]:
        """An upload arrives until the block ends.

        Args:
            size: Bytes that it announces.
            most_bytes: That all uploads may have together, which arrive or wait.

        Yields:
            Whether there is room for it; if not, it must not be taken.
        """
        with self._lock:
            fits = size + self._arriving + sum(one.size for one in self._arrived.values()) <= most_bytes
            self._arriving += size * fits
        try:
            yield fits
        finally:
            with self._lock:
                self._arriving -= size * fits

    def discard(self, paths: Sent) -> None:
        """Nobody will read these files. Those that are uploads are deleted, others are left alone."""
        for one in self._taken(paths):
            one.delete()

    def sweep(self, most_seconds: float = UNCLAIMED_SECONDS) -> None:
        """Delete what lies here for longer and was not asked for: its sender has gone."""
        before = self._clock() - most_seconds
        self._drop(lambda one: one.since <= before)

    def forsake(self, page: str) -> None:
        """Delete what pages at an address have sent and nobody has asked for: the last of them has gone."""
        self._drop(lambda one: one.page == page)

    def close(self) -> None:
        """Delete all."""
        self.sweep(0)

    def __len__(self) -> int:
        return len(self._arrived)

    def _drop(self, dropped: Callable[[_Arrived], bool]) -> None:
        with self._lock:
            gone = [path for path, one in self._arrived.items() if dropped(one)]
        self.discard(gone)

    def _parcel(self, paths: Sent) -> Parcel:
        """The uploaded files in a folder of their own. Where they arrived they are deleted. Raises ScanError if one is no upload."""
        given, taken = _listed(paths), self._taken(paths)
        try:
            if len(taken) < len(set(given)):
                raise ScanError(NOT_HERE)
            return Parcel([Path(path) for path in given])
        finally:
            for one in taken:
                one.delete()

    def _taken(self, paths: Sent) -> list[_Arrived]:
        """Those of the files that are uploads. Nobody else can take them."""
        with self._lock:
            taken = [self._arrived.pop(path, None) for path in dict.fromkeys(_listed(paths))]
        return [one for one in taken if one is not None]


def _listed(paths: Sent) -> list[str]:
    given = [] if not paths else [paths] if isinstance(paths, (str, Path)) else paths
    return [os.path.abspath(path) for path in given]
