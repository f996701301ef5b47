"""Files that visitors send: read once and deleted at once, whatever they are.

Gradio keeps an upload under the hash of its content, so visitors who send the same file share one path. It is deleted when
nobody who sent it is still to be served; `UploadCounter` counts them as they arrive.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from app.visit.openings import Opening, Openings
from vqseg.data.scan import ACCEPTED, MAX_BYTES, ScanError, read_scan
from vqseg.types import Scan


class Uploads:
    """Who still has to read which uploaded file. One for each built app."""

    def __init__(self) -> None:
        self._waiting: Counter[str] = Counter()
        self._arriving = 0
        self._finished: set[str] = set()
        self._lock = Lock()

    def read(self, path: str | Path | None, most_bytes: int = MAX_BYTES) -> Scan:
        """The scan in an uploaded file, which is deleted. Raises ScanError if there is none or it cannot be read; see `read_scan`."""
        with self.sent(path) as file:
            return read_scan(file, most_bytes=most_bytes)

    @contextmanager
    def sent(self, path: str | Path | None) -> Iterator[Path]:
        """An uploaded file, deleted at the end of the block, also if it was never read. Raises ScanError if there is none."""
        if not path:
            raise ScanError(f"no file was sent; accepted: {ACCEPTED}")
        try:
            yield Path(path)
        finally:
            self.finished(str(path))

    @contextmanager
    def read_in_turn(self, path: str | Path | None, openings: Openings, opening: Opening, most_bytes: int) -> Iterator[Scan]:
        """As `read`, but when it is the opening's turn, which lasts until the block ends: so few large scans are in memory at a time."""
        with ExitStack() as turn:
            with self.sent(path) as file:
                turn.enter_context(openings.turn(opening))
                opening.tell(stage="reading")
                scan = read_scan(file, most_bytes=most_bytes)
            yield scan

    def arriving(self) -> None:
        with self._lock:
            self._arriving += 1

    def arrived(self, paths: list[str]) -> None:
        """Called once for every `arriving`, with the files that came of it."""
        with self._lock:
            self._arriving -= 1
            self._waiting.update(paths)
            self._sweep()

    def finished(self, path: str) -> None:
        with self._lock:
            self._waiting[path] -= 1
            self._finished.add(path)
            self._sweep()

    def _sweep(self) -> None:
        # A file that is arriving may be the same one, already in place but not yet counted.
        if self._arriving:
            return
        for path in [path for path in self._finished if self._waiting[path] <= 0]:
            Path(path).unlink(missing_ok=True)
            self._finished.discard(path)
            del self._waiting[path]


class UploadCounter:
    """ASGI middleware that tells `Uploads` of every file that Gradio's upload route has stored."""

    def __init__(self, app: Any, uploads: Uploads) -> None:
        self._app, self._uploads = app, uploads

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
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

        async def listening(message: Any) -> None:
            body.append(message.get("body", b""))
            # Counted before the answer leaves: the visitor's next request may come at once.
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
