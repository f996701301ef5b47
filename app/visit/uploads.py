"""Files that visitors send. They are read and then deleted, also if they are no scan; app/visit/parcels.py holds them meanwhile.

Gradio stores an upload under the hash of its content, so visitors who send the same file share one path. The file is deleted when
everybody who sent it was served. `UploadCounter` counts the uploads as they arrive.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from threading import Lock

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.visit.openings import Opening, Openings
from app.visit.parcels import MOST_BYTES, Parcel
from vqseg.data.scan import MAX_BYTES
from vqseg.types import Scan

Sent = str | Path | Sequence[str | Path] | None
"""Paths of uploaded files as Gradio hands them over: one, several, or none."""
# Besides the files a request has their names and its own boundaries.
_MOST_REQUEST_BYTES = MOST_BYTES + 2**24
TOO_LARGE = f"too much was sent at once; at most {MOST_BYTES >> 30} GiB are taken"


class Uploads:
    """How many visitors still have to read each uploaded file. Each built app has its own."""

    def __init__(self) -> None:
        self._waiting: Counter[str] = Counter()
        self._arriving = 0
        self._finished: set[str] = set()
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
                opening.tell(stage="reading")
                scan = parcel.read(most_bytes, series, frame, wanted=opening.tell)
                if keep(parcel, scan):
                    held.pop_all()
            yield scan

    def _parcel(self, paths: Sent) -> Parcel:
        """The uploaded files in a folder of their own. Where they arrived they are deleted, unless another visitor has sent the same."""
        given = [] if not paths else [paths] if isinstance(paths, (str, Path)) else list(paths)
        try:
            return Parcel([Path(path) for path in given])
        finally:
            for path in given:
                self.finished(str(path))

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
        if refused := _refused(scope):
            await refused(scope, receive, send)
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


def _refused(scope: Scope) -> PlainTextResponse | None:
    """The refusal of a request that is too large, or does not say how large it is, as browsers and Gradio's clients do."""
    length = next((value for name, value in scope.get("headers", ()) if name.lower() == b"content-length"), b"")
    if not length.isdigit():
        return PlainTextResponse("the request does not say how large it is", 411)
    return PlainTextResponse(TOO_LARGE, 413) if int(length) > _MOST_REQUEST_BYTES else None


def _paths(body: bytes) -> list[str]:
    try:
        paths = json.loads(body)
    except ValueError:
        return []
    return [path for path in paths if isinstance(path, str)] if isinstance(paths, list) else []
