"""Files that visitors send. Each is read once and then deleted, also if it is no scan.

Gradio stores an upload under the hash of its content, so visitors who send the same file share one path. The file is deleted when
everybody who sent it was served. `UploadCounter` counts the uploads as they arrive.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Lock

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.visit.openings import Opening, Openings
from vqseg.data.scan import ACCEPTED, MAX_BYTES, ScanError, read_scan
from vqseg.types import Scan


class Uploads:
    """How many visitors still have to read each uploaded file. Each built app has its own."""

    def __init__(self) -> None:
        self._waiting: Counter[str] = Counter()
        self._arriving = 0
        self._finished: set[str] = set()
        self._lock = Lock()

    def read(self, path: str | Path | None, most_bytes: int = MAX_BYTES) -> Scan:
        """Read an uploaded file and delete it.

        Args:
            path: The file; None if none was sent.
            most_bytes: Size of the largest scan that is accepted, as bytes of its float32 voxels.

        Returns:
            The scan.

        Raises:
            ScanError: If no file was sent, or if `read_scan` refuses it.
        """
        with self.sent(path) as file:
            return read_scan(file, most_bytes=most_bytes)

    @contextmanager
    def sent(self, path: str | Path | None) -> Iterator[Path]:
        """An uploaded file, which is deleted at the end of the block. Raises ScanError if no file was sent."""
        if not path:
            raise ScanError(f"no file was sent; accepted: {ACCEPTED}")
        try:
            yield Path(path)
        finally:
            self.finished(str(path))

    @contextmanager
    def read_in_turn(
        self,
        path: str | Path | None,
        openings: Openings,
        opening: Opening,
        most_bytes: int,
        frame: int | None = None,
        keep: Callable[[Path, Scan], None] = lambda _, __: None,
    ) -> Iterator[Scan]:
        """Read an uploaded file when it is the opening's turn, and delete it.

        The turn lasts until the block ends. So only few large scans are in memory at a time.

        Args:
            path: The file; None if none was sent.
            openings: Give the turns.
            opening: Whose turn it must be.
            most_bytes: Size of the largest scan that is accepted, as bytes of its float32 voxels.
            frame: Which frame of a cine is read; None for the first.
            keep: Called with the file, before it is deleted, and the scan: the further frames of a cine may be read later.

        Yields:
            The scan.

        Raises:
            ScanError: If no file was sent, or if `read_scan` refuses it.
            BusyError: If too many visitors are waiting.
            CalledOffError: If the opening was cancelled.
        """
        with ExitStack() as turn:
            with self.sent(path) as file:
                turn.enter_context(openings.turn(opening))
                opening.tell(stage="reading")
                scan = read_scan(file, frame, most_bytes=most_bytes)
                keep(file, scan)
            yield scan

    def arriving(self) -> None:
        """An upload has begun. No file is deleted until it has ended."""
        with self._lock:
            self._arriving += 1

    def arrived(self, paths: list[str]) -> None:
        """An upload has ended and stored these files. Call this once for every `arriving`."""
        with self._lock:
            self._arriving -= 1
            self._waiting.update(paths)
            self._sweep()

    def finished(self, path: str) -> None:
        """A visitor who sent this file was served."""
        with self._lock:
            self._waiting[path] -= 1
            self._finished.add(path)
            self._sweep()

    def _sweep(self) -> None:
        # An upload under way may have stored the same file, without being counted yet.
        if self._arriving:
            return
        for path in [path for path in self._finished if self._waiting[path] <= 0]:
            Path(path).unlink(missing_ok=True)
            self._finished.discard(path)
            del self._waiting[path]


class UploadCounter:
    """ASGI middleware that tells `Uploads` of every file that Gradio's upload route stores."""

    def __init__(self, app: ASGIApp, uploads: Uploads) -> None:
        """Wrap an app.

        Args:
            app: Gradio's app, or what already wraps it.
            uploads: Is told of the files.
        """
        self._app, self._uploads = app, uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].rstrip("/").endswith("/upload"):
            await self._app(scope, receive, send)
            return
        body: list[bytes] = []
        counted = False

        def count() -> None:
            nonlocal counted
            if not counted:
                counted = True
                self._uploads.arrived(_paths(b"".join(body)))

        async def listening(message: Message) -> None:
            body.append(message.get("body", b""))
            # Counted before the answer is sent, because the next request of the visitor may follow at once.
            if message["type"] == "http.response.body" and not message.get("more_body"):
                count()
            await send(message)

        self._uploads.arriving()
        try:
            await self._app(scope, receive, listening)
        finally:
            count()


def _paths(body: bytes) -> list[str]:
    try:
        paths = json.loads(body)
    except ValueError:
        return []
    return [path for path in paths if isinstance(path, str)] if isinstance(paths, list) else []
