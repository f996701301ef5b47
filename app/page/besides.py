"""The second scan beside the one on show: what can be chosen, what is usual, and how it is opened. visits.py holds it for the visit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.scan.cine import OpenCine
from app.scan.models import Models, Served
from app.scan.open_scan import OpenScan
from app.visit.examples import Examples, has_channels_for
from app.visit.openings import Opening, Openings
from app.visit.parcels import Parcel, SentFrames
from app.visit.session import SessionStore
from app.visit.uploads import Uploads
from vqseg.checkpoint import CheckpointError
from vqseg.data.scan import ScanError
from vqseg.types import Scan


class Besides:
    """Opens second scans: the same scan with another checkpoint, or another scan with the same checkpoint."""

    def __init__(self, models: Models, uploads: Uploads, cases: Examples, openings: Openings, store: SessionStore) -> None:
        """Bring the parts together.

        Args:
            models: The checkpoints.
            uploads: Reads the files that visitors send.
            cases: The bundled examples.
            openings: Gives each opening its turn.
            store: Says how large a scan may be.
        """
        self._models, self._uploads, self._cases, self._openings, self._store = models, uploads, cases, openings, store

    def choices(self) -> dict[str, list[list[str]]]:
        """What can be chosen from a list: (title, name) of "checkpoints" and of "examples"."""
        examples = [[title, title] for title in self._cases.titles]
        return {"checkpoints": [list(one) for one in self._models.names()], "examples": examples}

    def open(self, choice: Mapping[str, Any], scan: OpenScan, name: str, opening: Opening) -> tuple[OpenScan, str] | None:
        """Open a second scan.

        Args:
            choice: "files": paths of a scan that the visitor has uploaded; "example": title of a bundled example; or "checkpoint": name
                of a checkpoint of the same structures. None of them asks for what is usual: another checkpoint, else another example.
            scan: The one on show.
            name: Its name, as visitors read it.
            opening: Is told of the progress.

        Returns:
            The second scan and its name, None if nothing was asked for and nothing is usual.

        Raises:
            ScanError: If the files cannot be read as a scan.
            CheckpointError: If the checkpoint is not there, or names other structures.
            BusyError: If too many visitors are waiting.
            CalledOffError: If the opening was cancelled.
        """
        if files := choice.get("files"):
            sent = self._sent(files, scan.model, opening)
            return sent, sent.segmented.scan.name
        # It may be the first to need another checkpoint.
        opening.tell(stage="loading")
        asked = choice or self._usual(scan)
        if asked is None:
            return None
        title = asked.get("example")
        model = scan.model if title else loaded(self._models, str(asked.get("checkpoint")), opening)
        _refuse_other_structures(scan.model, model)
        second = encoded_case(self._cases, self._openings, title or scan.example, model, opening)
        if second is None:
            with self._openings.turn(opening):
                second = encoded(scan.segmented.scan, model, opening)
            second.identity, second.truth, second.judged = scan.identity, scan.truth, scan.judged
        return second, second.example or name

    def _usual(self, scan: OpenScan) -> Mapping[str, Any] | None:
        """What a visitor would compare with: how another checkpoint reads the same scan, else the example that comes next of its kind."""
        like = next((one for one in self._models.others(scan.model.name) if one.classes == scan.model.classes), None)
        if like is not None:
            return {"checkpoint": like.name}
        shown = self._cases.named(scan.example)
        if shown is None:
            return None
        at = self._cases.titles.index(shown.title)
        turned = [*self._cases.all[at + 1 :], *self._cases.all[:at]]
        fits = (one for one in turned if one.group == shown.group and _is_read_by(scan.model, one))
        found = next(fits, None)
        return None if found is None else {"example": found.title}

    def _sent(self, files: Any, model: Served, opening: Opening) -> OpenScan:
        """A scan of the visitor's own. Its files are deleted once they were read, those of a cine as soon as it is no longer open."""
        if not isinstance(files, list) or not all(isinstance(one, str) for one in files):
            raise ScanError("expected a list of the files that were sent")
        most, sources = self._store.most_scan_bytes, list[SentFrames]()

        def keep(parcel: Parcel, scan: Scan) -> bool:
            if scan.frames > 1:
                sources.append(SentFrames(parcel, scan.frames, most))
            return bool(sources)

        reading = self._uploads.read_in_turn(files, self._openings, opening, most, channels=lambda: model.segmenter.channels, keep=keep)
        with reading as scan:
            second = encoded(scan, model, opening)
        for source in sources:
            OpenCine(second, source, most_bytes=self._store.most_cine_bytes)
        return second


def loaded(models: Models, name: str, opening: Opening, *, anew: bool = False) -> Served:
    """A checkpoint, loaded if necessary; see `Models.get`. The opening is told."""
    opening.tell(stage="loading")
    return models.get(name, anew=anew)


def encoded_case(cases: Examples, openings: Openings, title: str | None, model: Served, opening: Opening) -> OpenScan | None:
    """A bundled example, encoded in its turn unless that is done already; None if there is none with this title."""
    kept = cases.kept(title, model)
    if kept is not None:
        return kept
    with openings.turn(opening):
        return cases.open(title, model, lambda share: opening.tell(share, "encoding"))


def encoded(scan: Scan, model: Served, opening: Opening) -> OpenScan:
    """A scan as a checkpoint encodes it. The opening is told."""
    return OpenScan(model.segmenter.open(scan, lambda share: opening.tell(share, "encoding")), model)


def _is_read_by(model: Served, example: Any) -> bool:
    return has_channels_for(example, model) and example.readable_by(model.classes)


def _refuse_other_structures(one: Served, other: Served) -> None:
    """Raises CheckpointError unless two checkpoints give the same labels the same names."""
    if one.classes != other.classes:
        named, own = ", ".join(other.classes[1:]), ", ".join(one.classes[1:])
        raise CheckpointError(
            f"{other.title} finds {named}, and the checkpoint on show {own}; only checkpoints of the same can be compared"
        )
