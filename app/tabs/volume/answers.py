"""What the Volume tab asks the server for, without Gradio: NIfTI bytes of a scan and of its labels, and the scripts that draw them.

Decoding a whole volume takes a while. An answer therefore begins with lines that report the progress, and decoding stops when nobody
waits for it any more. The token is the only key to a scan. It is sent in the body and never in an address, and caches keep nothing.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from app.scan.computing import asking
from app.scan.frame_request import FrameRequest, RequestError, whole_number
from app.scan.open_scan import OpenScan
from app.scan.replay import REPLAYS
from app.scan.tokens import voxels_of
from app.scan.volume import class_figures, is_volume, label_file, scan_file, truth_volume
from app.visit.answering import request_object
from app.visit.session import FRAME, SessionError, SessionStore

PARTS = ("scan", "labels", "truth", "lit")
NIIVUE = Path(__file__).resolve().parents[2] / "vendor" / "niivue" / "niivue-0.69.0.js"
VOLUME_PATH, NIIVUE_PATH = "/vqseg/volume", f"/vqseg/{NIIVUE.name}"

# Every code of a large codebook may be lit.
_LARGEST_REQUEST = 1 << 18
# Each volume takes all cores that it can get, and other visitors' pictures need some of them.
_VOLUMES_AT_ONCE = 2
_TELL_SECONDS = 0.2
_CHUNK = 1 << 18

_Figures = list[dict[str, Any]]
# Gets the share that is done and, now and then, the structures' figures so far.
_Progress = Callable[[float, _Figures | None], None]
# At most this share of the time goes into figures on the way: of a large scan they take as long as a slice.
_FIGURES_SHARE = 0.1


class _GivenUpError(Exception):
    """The browser has disconnected."""


@dataclass(frozen=True)
class VolumeRequest:
    """A checked request for a volume.

    Attributes:
        part: One of PARTS.
        labels: The settings of the labels, and the channel of the scan. Plane and index are ignored.
        codes: Whose voxels are lit.
    """

    part: str
    labels: FrameRequest
    codes: tuple[int, ...] = ()

    @classmethod
    def checked(cls, values: Mapping[str, Any], scan: OpenScan) -> VolumeRequest:
        """Check the values of a request.

        Args:
            values: "part"; for the scan also "channel", for labels "strength", "mode", "seed" and "reach", for lit voxels "codes".
            scan: The scan.

        Returns:
            The request.

        Raises:
            RequestError: If a value is wrong, or if the scan has no such part.
        """
        part = values.get("part")
        if part not in PARTS:
            raise RequestError(f"part must be one of {', '.join(PARTS)}, got {part!r}")
        if not is_volume(scan.segmented.scan):
            raise RequestError("this is a single picture: it has no volume")
        if part == "truth" and scan.truth is None:
            raise RequestError("this scan has no ground truth")
        settings: dict[str, Any] = {"strength": 0.0, "mode": "resample", "seed": 0, "reach": None}
        settings.update({name: values[name] for name in settings if name in values and part == "labels"})
        settings["channel"] = values.get("channel") if part == "scan" else None
        codes = _codes(values.get("codes"), scan) if part == "lit" else ()
        return cls(part, FrameRequest.checked({"plane": scan.plane, "index": 0, **settings}, scan), codes)

    def answer(self, scan: OpenScan, progress: _Progress) -> tuple[dict[str, Any], bytes]:
        """Make the volume.

        Args:
            scan: The scan.
            progress: Called with the share that is done and with figures or None. An exception that it raises stops decoding.

        Returns:
            A record for JSON: of a scan what `scan_file` gives, of labels "figures" and "replaced_share". And the NIfTI file, gzipped.
        """
        if self.part == "scan":
            content, about = scan_file(scan, self.labels.channel)
        elif self.part == "truth" and scan.truth is not None:
            content, figures = truth_volume(scan, scan.truth)
            about = {"figures": figures}
        elif self.part == "lit":
            content, about = label_file(scan, voxels_of(scan, self.codes).astype(np.uint8)), {"figures": []}
        else:
            content, about = self._labels(scan, progress)
        return about, gzip.compress(content, compresslevel=1, mtime=0)

    def _labels(self, scan: OpenScan, progress: _Progress) -> tuple[bytes, dict[str, Any]]:
        asked, labels, share = self.labels, scan.segmented.labels, 0.0
        if asked.strength > 0:
            decoded = REPLAYS.decoded(scan, asked, _telling(scan, asked, progress))
            labels, share = decoded.labels, decoded.replaced_share
        return label_file(scan, labels), {"figures": class_figures(scan, labels), "replaced_share": share}


def _telling(scan: OpenScan, asked: FrameRequest, progress: _Progress) -> Callable[[float], None]:
    """Reports a share together with the figures so far, as often as these cost little."""
    next_at = 0.0

    def tell(share: float) -> None:
        nonlocal next_at
        start = time.perf_counter()
        if start < next_at or share == 1:
            progress(share, None)
            return
        progress(share, class_figures(scan, REPLAYS.begun(scan, asked)))
        now = time.perf_counter()
        next_at = now + (now - start) / _FIGURES_SHARE

    return tell


def _codes(values: object, scan: OpenScan) -> tuple[int, ...]:
    last = scan.segmented.codebook_size - 1
    if not isinstance(values, list) or len(values) > last + 1:
        raise RequestError(f"codes must be a list of at most {last + 1} codes")
    return tuple(whole_number("code", value, last) for value in values)


def volume_routes(store: SessionStore) -> list[Route]:
    """The routes of the tab: POST for volumes of the scans in the store, GET for the scripts that draw them."""
    decoders = asyncio.Semaphore(_VOLUMES_AT_ONCE)

    async def volume(request: Request) -> Response:
        try:
            values = await request_object(request, _LARGEST_REQUEST)
            scan = store.get(values.get("token"))
            asked = VolumeRequest.checked(values, scan)
        except SessionError as error:
            return _refused(error, 404)
        except RequestError as error:
            return _refused(error, 400)

        def work(progress: _Progress) -> tuple[dict[str, Any], bytes]:
            with asking(str(values["token"]).partition(FRAME)[0]):
                return asked.answer(scan, progress)

        answer = told(request, decoders, work)
        return StreamingResponse(answer, media_type="application/octet-stream", headers=_UNKEPT)

    async def library(_: Request) -> Response:
        return FileResponse(NIIVUE, media_type="text/javascript", headers=_KEPT)

    return [Route(VOLUME_PATH, volume, methods=["POST"]), Route(NIIVUE_PATH, library, methods=["GET"])]


# The library's version is in its name, so that a browser may keep it for good.
_KEPT = {"Cache-Control": "public, max-age=31536000, immutable"}
_UNKEPT = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def _refused(error: Exception, status: int) -> Response:
    return JSONResponse({"error": str(error.args[0])}, status, headers=_UNKEPT)


async def told(
    request: Request, decoders: asyncio.Semaphore, work: Callable[[_Progress], tuple[dict[str, Any], bytes]]
) -> AsyncIterator[bytes]:
    """The body of an answer, sent while the volume is being decoded. Decoding stops if the browser disconnects.

    Args:
        request: The request, which knows whether the browser is still connected.
        decoders: Limits how many volumes are decoded at a time.
        work: Makes the volume on another thread. It gets a function to report its progress, and returns a record and a file.

    Yields:
        Lines of JSON {"progress": share}, some with "figures" so far; a line with the record and "bytes", the file's size; the file.
    """
    given_up, share, figures = Event(), 0.0, None

    def progress(done: float, so_far: _Figures | None = None) -> None:
        nonlocal share, figures
        share, figures = done, so_far or figures
        if given_up.is_set():
            raise _GivenUpError

    async def decode() -> tuple[dict[str, Any], bytes]:
        # Not around the lines below: while one of them is sent, and after a disconnection, others would wait for this volume.
        async with decoders:
            if given_up.is_set():
                raise _GivenUpError
            return await asyncio.to_thread(work, progress)

    working = asyncio.ensure_future(decode())
    # After a disconnection nobody awaits the result; asking for its exception avoids a warning in the log.
    working.add_done_callback(lambda done: done.cancelled() or done.exception())
    try:
        while not working.done():
            await asyncio.wait({working}, timeout=_TELL_SECONDS)
            if await request.is_disconnected():
                return
            told_now, figures = figures, None
            yield _line({"progress": round(share, 3), **({"figures": told_now} if told_now else {})})
    finally:
        given_up.set()
    about, content = working.result()
    yield _line({**about, "bytes": len(content)})
    for start in range(0, len(content), _CHUNK):
        yield content[start : start + _CHUNK]


def _line(values: dict[str, Any]) -> bytes:
    return json.dumps(values, allow_nan=False).encode() + b"\n"
