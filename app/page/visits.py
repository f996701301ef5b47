"""Opening scans on behalf of a visit. What is shown then comes back as records: wiring.py turns them into updates of components."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.scan.description import describe
from app.scan.edits import Edit
from app.scan.frame_request import FrameRequest, RequestError
from app.scan.models import Models, Served
from app.scan.open_scan import OpenScan
from app.scan.truth import truth_labels
from app.visit.examples import Examples
from app.visit.links import Link
from app.visit.openings import Opening, Openings
from app.visit.session import SessionError, SessionStore
from app.visit.uploads import Uploads
from vqseg.checkpoint import CheckpointError
from vqseg.data.scan import ScanError
from vqseg.types import Scan

# What the page knows of the scan on show: the viewer's value; and by what it asks how far the next one is.
Shown = Mapping[str, Any] | None
Ticket = str | None


@dataclass(frozen=True)
class Opened:
    """A scan that a visit now has on show. token: its only key. title: as visitors read it."""

    scan: OpenScan
    token: str
    title: str

    @property
    def value(self) -> dict[str, Any]:
        """What the browser is told of the scan."""
        return describe(self.token, self.scan, self.title)


@dataclass(frozen=True)
class Linked:
    """A scan that was opened for a link, and the view that the link asks for.

    Attributes:
        opened: The scan.
        link: The settings, where they make sense anywhere.
        plane: The plane on show.
        index: The slice on show, None for the plane's middle one.
        edits: Forced tokens of that slice; none if one of them does not exist in this scan.
        warning: What of the link could not be had; empty if all could.
    """

    opened: Opened
    link: Link
    plane: str
    index: int | None
    edits: tuple[Edit, ...]
    warning: str = ""


class Visits:
    """Holds the app's parts, never a visitor's data: that is in the store. owner: the visit that asks, everywhere."""

    def __init__(self, models: Models, store: SessionStore, uploads: Uploads, cases: Examples, openings: Openings) -> None:
        self.models, self._store, self._uploads, self._cases, self._openings = models, store, uploads, cases, openings

    def example(self, title: str | None, checkpoint: str, ticket: Ticket, owner: str) -> Opened | None:
        """Open a bundled case, None if there is none of that title. Raises as `opening` does."""
        with self._openings.opening(ticket, owner) as opening:
            scan = self._case(title, self._model(checkpoint, opening), opening)
            return None if scan is None else self._shared(scan, owner)

    def linked(self, query: Mapping[str, Any], tabs: tuple[str, ...], ticket: Ticket, owner: str) -> Linked | None:
        """Open what the page's address asks for, None if nothing is bundled.

        Args:
            query: Names and values of the address. What it says wrongly is left out.
            tabs: Names of the page's tabs.
            ticket: By which the page asks for the progress.
            owner: The visit.
        """
        asked = Link.read(query, self._cases.titles, tabs)
        with self._openings.opening(ticket, owner) as opening:
            model, warning = self._linked_model(asked.checkpoint, opening)
            scan = self._case(asked.case, model, opening)
            if scan is None:
                return None
            opened, plane = self._shared(scan, owner), asked.plane or scan.plane
        index = None if asked.index is None else min(asked.index, scan.views[plane].count - 1)
        return Linked(opened, asked, plane, index, _edits_of(scan, asked, plane, index), warning)

    def upload(self, path: str | Path | None, checkpoint: str, ticket: Ticket, owner: str) -> Opened:
        """Open a file that was sent. Raises ScanError for a bad one, which changes nothing."""
        with self._openings.opening(ticket, owner) as opening:
            with self._uploads.read_in_turn(path, self._openings, opening, self._store.most_scan_bytes) as scan:
                opened = _encoded(scan, self._model(checkpoint, opening), opening)
            opening.tell()
            return Opened(opened, self._store.put(opened, owner), scan.name)

    def checkpoint(self, name: str, value: Shown, ticket: Ticket, owner: str) -> Opened:
        """The scan on show, encoded by another checkpoint of the picker."""
        with self._openings.opening(ticket, owner) as opening:
            return self._reopened(self._model(name, opening), value, opening, owner)

    def other(self, name: str, value: Shown, ticket: Ticket, owner: str) -> Opened:
        """The same for a folder or a Hub id that was typed. It is loaded anew: a training run may have written it again."""
        with self._openings.opening(ticket, owner) as opening:
            return self._reopened(self._model(name, opening, anew=True), value, opening, owner)

    def progress(self, ticket: Ticket) -> dict[str, Any]:
        """How far something is that is being opened; see `Openings.progress`."""
        return self._openings.progress(ticket)

    def cancel(self, ticket: Ticket) -> None:
        """Stop opening something. What was on show before stays."""
        self._openings.cancel(ticket)

    def restored(self, value: Shown, owner: str) -> OpenScan | None:
        """The scan on show after something else was not opened; None while the visit is opening yet another, or holds none."""
        return None if self._openings.busy(owner) else self.held(value)

    def truth(self, path: str | Path | None, value: Shown) -> str:
        """Take a label file as the ground truth of the scan on show; returns its name. A bad file changes nothing.

        Raises:
            ScanError: For a file that is no label map of this scan, and for a bundled example.
            SessionError: If the scan is no longer held.
        """
        scan = self._held(value)
        given = self._uploads.read(path, self._store.most_scan_bytes)
        # Lent to every visitor: what one of them sent must not become the others' truth.
        if scan.example is not None:
            raise ScanError("a bundled example has its own truth; labels can be sent beside an own scan")
        scan.truth = truth_labels(given, scan.segmented.scan, scan.model.classes)
        return given.name

    def held(self, value: Shown) -> OpenScan | None:
        """The scan on show, None if it is no longer held: the view says so at its next request."""
        try:
            return self._held(value)
        except SessionError:
            return None

    def end(self, owner: str) -> None:
        """End a visit: what it was opening is called off, what it held is dropped."""
        self._openings.leave(owner)
        self._store.release(owner)

    def _held(self, value: Shown) -> OpenScan:
        return self._store.get((value or {}).get("token"))

    def _model(self, name: str, opening: Opening, *, anew: bool = False) -> Served:
        opening.tell(stage="loading")
        return self.models.get(name, anew=anew)

    def _case(self, title: str | None, model: Served, opening: Opening) -> OpenScan | None:
        kept = self._cases.kept(title, model)
        if kept is not None:
            return kept
        with self._openings.turn(opening):
            return self._cases.open(title, model, lambda share: opening.tell(share, "encoding"))

    def _reopened(self, model: Served, value: Shown, opening: Opening, owner: str) -> Opened:
        scan = self._held(value)
        opened = self._case(scan.example, model, opening)
        if opened is None:
            with self._openings.turn(opening):
                opened = _encoded(scan.segmented.scan, model, opening)
            # Labels keep their meaning only where the classes do.
            opened.truth = scan.truth if scan.model.classes == model.classes else None
        opening.tell()
        token = self._store.put(opened, owner, shared=opened.example is not None)
        return Opened(opened, token, (value or {})["name"])

    def _linked_model(self, name: str | None, opening: Opening) -> tuple[Served, str]:
        """The checkpoint that a link asks for, else the default one and why."""
        if name is None:
            return self.models.default, ""
        if not self.models.linkable(name):
            return self.models.default, f"This server does not have the checkpoint {name}; showing the default."
        try:
            return self._model(name, opening), ""
        except CheckpointError as error:
            return self.models.default, str(error)

    def _shared(self, scan: OpenScan, owner: str) -> Opened:
        return Opened(scan, self._store.put(scan, owner, shared=True), scan.example or "")


def _edits_of(scan: OpenScan, link: Link, plane: str, index: int | None) -> tuple[Edit, ...]:
    """The forced tokens that a link asks for, none of them if one does not exist in this slice."""
    shown = scan.views[plane].middle if index is None else index
    values = {"plane": plane, "index": shown, "strength": link.strength, "mode": link.mode, "seed": link.seed, "edits": link.edits}
    try:
        return FrameRequest.checked(values, scan).edits
    except RequestError:
        return ()


def _encoded(scan: Scan, model: Served, opening: Opening) -> OpenScan:
    return OpenScan(model.segmenter.open(scan, lambda share: opening.tell(share, "encoding")), model)
