"""How the endpoints for programs get at the scan that is sent with a call: each call waits for its turn, and is told its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import gradio as gr

from app.scan.frame_request import RequestError, whole_number
from app.scan.models import Models, Served
from app.scan.open_scan import OpenScan
from app.visit.openings import Openings
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

    progress: gr.Progress
    request: gr.Request | None

    @property
    def visit(self) -> str:
        """What Gradio's clients name for all their calls, and what Gradio makes up for others, another one for each call."""
        return str(self.request.session_hash or "") if self.request else ""

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
        encoded: To be told the share that is done.
    """

    scan: Scan
    model: Served
    frame: int
    encoded: Callable[[float], None]


@dataclass(frozen=True)
class Calls:
    """Reads what programs send.

    Attributes:
        models: The checkpoints; the default one answers unless a call names another.
        uploads: Reads the scans that are sent.
        openings: Gives each call its turn.
        most_bytes: Size of the largest scan that is accepted, as bytes of its float32 voxels.
    """

    models: Models
    uploads: Uploads
    openings: Openings
    most_bytes: int

    @contextmanager
    def opened(self, path: str | None, checkpoint: str, series: float | None, frame: float | None, caller: Caller) -> Iterator[OpenScan]:
        """The scan that was sent, encoded when it is its turn. Arguments are those of `turn`, and errors are answers for clients."""
        with errors_for_clients():
            with self.turn(path, checkpoint, series, frame, caller) as turn:
                opened = OpenScan(turn.model.segmenter.open(turn.scan, turn.encoded), turn.model)
                opened.frame = turn.frame
            yield opened

    @contextmanager
    def turn(self, path: str | None, checkpoint: str, series: float | None, frame: float | None, caller: Caller) -> Iterator[Turn]:
        """Wait for the turn of the scan that was sent, which lasts until the block ends.

        Args:
            path: The uploaded file.
            checkpoint: Name of the checkpoint, empty for the default.
            series: Number of the DICOM series, from 1; None for the one with the most images.
            frame: Number of the frame of a cine, from 0; None for the first.
            caller: The program.

        Yields:
            The turn.

        Raises:
            ScanError: If the file is no scan.
            RequestError: If the frame is none, or if the page does not offer the checkpoint.
            CheckpointError: If the checkpoint cannot be loaded.
            BusyError: If too many are waiting.
        """
        with self.openings.opening(visit=caller.visit, told=caller.waits) as opening:
            moment = self._frame(path, frame)
            number = _number_of_series(series)
            with self.uploads.read_in_turn(path, self.openings, opening, self.most_bytes, series=number, frame=moment) as scan:
                yield Turn(scan, _served(self.models, checkpoint), moment or 0, caller.encoded)

    def _frame(self, path: str | None, frame: float | None) -> int | None:
        try:
            return None if frame is None else whole_number("frame", frame, _LARGEST_FRAME)
        except RequestError:
            # Nobody will read the file that came with it.
            if path:
                self.uploads.finished(str(path))
            raise


@contextmanager
def errors_for_clients() -> Iterator[None]:
    """Turn errors of opening a scan into answers for programs."""
    try:
        yield
    except (ScanError, RequestError, CheckpointError, BusyError) as error:
        raise gr.Error(str(error.args[0]), print_exception=False) from error


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
