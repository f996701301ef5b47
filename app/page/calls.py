"""How the endpoints for programs get at the scan that is sent with a call: each call waits for its turn, and is told its place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import gradio as gr

from app.scan.frame_request import RequestError, whole_number
from app.scan.models import Models, Served
from app.scan.open_scan import OpenScan
from app.visit.limits import OPENINGS, Limiter, TooManyError
from app.visit.openings import CalledOffError, Openings
from app.visit.places import BusyError, Wait
from app.visit.uploads import Uploads
from vqseg.checkpoint import CheckpointError
from vqseg.data.scan import ScanError
from vqseg.types import Scan

# No format's header has room for more.
_LARGEST_FRAME = 2**31 - 1


@dataclass(frozen=True)
class Caller:
    """The program that asks."""

    request: gr.Request
    progress: gr.Progress

    @property
    def visit(self) -> str:
        """As `visit_of` gives it."""
        return visit_of(self.request)

    @property
    def limited(self) -> str:
        """The key by which its calls are counted."""
        return self.visit or str(self.request.client.host)

    def waits(self, wait: Wait) -> None:
        """Tell the program its place."""
        self.progress(None, desc=f"waiting: {wait}")

    def encoded(self, share: float) -> None:
        """Tell the program how much is done."""
        self.progress(share, desc="encoding the slices")


@dataclass(frozen=True)
class Turn:
    """The turn of a call.

    Attributes:
        scan: What was sent.
        model: The checkpoint that reads it.
        frame: Its number in the cine, from 0.
    """

    scan: Scan
    model: Served
    frame: int


@dataclass(frozen=True)
class Calls:
    """Reads what programs send.

    Attributes:
        models: The checkpoints; the default one answers unless a call names another.
        uploads: Reads the scans that are sent.
        openings: Gives each call its turn.
        most_bytes: Size of the largest scan that is accepted, as bytes of its float32 voxels.
        limiter: Counts the calls of each program.
    """

    models: Models
    uploads: Uploads
    openings: Openings
    most_bytes: int
    limiter: Limiter = field(default_factory=lambda: Limiter(OPENINGS))

    @contextmanager
    def opened(self, caller: Caller, path: str | None, checkpoint: str, series: float | None, frame: float | None) -> Iterator[OpenScan]:
        """The scan that was sent, encoded when it is its turn. Arguments are those of `turn`, and errors are answers for clients."""
        with errors_for_clients():
            with self.turn(caller, path, checkpoint, series, frame) as turn:
                opened = OpenScan(turn.model.segmenter.open(turn.scan, caller.encoded), turn.model)
                opened.frame = turn.frame
            yield opened

    @contextmanager
    def turn(self, caller: Caller, path: str | None, checkpoint: str, series: float | None, frame: float | None) -> Iterator[Turn]:
        """Wait for the turn of the scan that was sent, which lasts until the block ends.

        Args:
            caller: The program.
            path: The uploaded file.
            checkpoint: Name of the checkpoint, empty for the default.
            series: Number of the DICOM series, from 1; None for the one with the most images.
            frame: Number of the frame of a cine, from 0; None for the first.
        Yields:
            The turn.

        Raises:
            ScanError: If the file is no scan.
            RequestError: If the frame is none, or if the page does not offer the checkpoint.
            CheckpointError: If the checkpoint cannot be loaded.
            BusyError: If too many are waiting.
            TooManyError: If the program calls too often.
        """
        with self.openings.opening(visit=caller.visit, told=caller.waits) as opening:
            self.limiter.check(caller.limited)
            moment = None if frame is None else whole_number("frame", frame, _LARGEST_FRAME)
            number = _number_of_series(series)

            def channels() -> int:
                return _served(self.models, checkpoint).segmenter.channels

            with self.uploads.read_in_turn(
                path, self.openings, opening, self.most_bytes, channels=channels, series=number, frame=moment
            ) as scan:
                yield Turn(scan, _served(self.models, checkpoint), moment or 0)


@contextmanager
def errors_for_clients() -> Iterator[None]:
    """Turn errors of opening a scan into answers for programs."""
    try:
        yield
    except CalledOffError as error:
        raise gr.Error("the visit has ended", print_exception=False) from error
    except (ScanError, RequestError, CheckpointError, BusyError, TooManyError) as error:
        raise gr.Error(str(error.args[0]), print_exception=False) from error


def visit_of(request: gr.Request) -> str:
    """What a program names for all its calls, as Gradio's clients do; else what Gradio makes up for one call, or nothing."""
    return str(request.session_hash or "")


def _served(models: Models, name: str) -> Served:
    """The checkpoint of that name, the default for an empty one. Raises RequestError for one that the page does not offer."""
    if not name:
        return models.default
    if not models.linkable(name):
        raise RequestError(f"this server has no checkpoint {name!r}; it has {', '.join(known for _, known in models.names())}")
    return models.get(name)


def _number_of_series(series: float | None) -> int | None:
    """The number as a whole one; 0, which no series has, for what is none, so that reading names those that exist."""
    return None if series is None else int(series) if float(series).is_integer() else 0
