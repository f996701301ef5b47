"""Opening scans for a visit. The methods return records, which wiring.py turns into updates of components."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from app.page.besides import Besides, encoded, encoded_case, loaded
from app.page.opened import Linked, Opened, linked_view
from app.page.pairs import refuse_no_pair, same_cine
from app.scan.cine import HeldFrames, OpenCine
from app.scan.models import Models, Served
from app.scan.open_scan import OpenScan
from app.scan.truth import truth_of_scan, truths_of_frames
from app.visit.cines import Cines
from app.visit.examples import Examples, has_channels_for
from app.visit.fine_tunings import was_fine_tuned
from app.visit.limits import OPENINGS, Limiter
from app.visit.links import Link
from app.visit.openings import CalledOffError, Opening, Openings
from app.visit.parcels import KeptParcels, Parcel, SentFrames
from app.visit.presence import Presence
from app.visit.session import SessionError, SessionStore
from app.visit.uploads import Sent, Uploads
from vqseg.checkpoint import CheckpointError
from vqseg.data.scan import ScanError
from vqseg.types import Scan

# The viewer's value, which says what scan is on show.
Shown = Mapping[str, Any] | None
# The key by which the page asks for the progress of an opening.
Ticket = str | None


# Seconds in which a page has its first picture; no frame of a cine is encoded meanwhile.
_FIRST_PICTURE = 1.5
_NOT_KEPT = "This link names a network that was fine-tuned during a visit. Such a network ends with its visit; showing the default."


class Visits:
    """Opens scans, and holds no data of a visitor itself: that is all in the store.

    Every method that opens a scan raises ScanError, CheckpointError or SessionError if that fails, BusyError if too many visitors are
    waiting, TooManyError if this one asks too often, and CalledOffError if it was cancelled or the visit has ended.
    """

    def __init__(
        self, models: Models, store: SessionStore, uploads: Uploads, cases: Examples, openings: Openings, presence: Presence | None = None
    ) -> None:
        """Bring the parts of one built app together.

        Args:
            models: The checkpoints.
            store: Holds the visitors' scans.
            uploads: Reads the files that they send.
            cases: The bundled examples.
            openings: Gives each opening its turn.
            presence: Which visits are here.
        """
        self.models, self._store, self._uploads, self._cases, self._openings = models, store, uploads, cases, openings
        # "presence or ..." would replace one in which nobody is yet.
        self.presence, self._limiter = Presence() if presence is None else presence, Limiter(OPENINGS)
        self.cines = Cines(openings, rest=_FIRST_PICTURE)
        self._parcels = KeptParcels()
        self._besides = Besides(models, uploads, cases, openings, store)

    def example(self, title: str | None, checkpoint: str, ticket: Ticket, owner: str) -> Opened | None:
        """Open a bundled example.

        Args:
            title: Of the example.
            checkpoint: Name of the checkpoint that is chosen. If it cannot read the example, one that can takes its place.
            ticket: Key for the progress.
            owner: The visit.

        Returns:
            The scan, None if there is no example with this title.
        """
        with self._opening(ticket, owner) as opening:
            model, brought = self._reader(title, self._model(checkpoint, opening), opening)
            scan = self._case(title, model, opening)
            return None if scan is None else self._shared(scan, owner, brought=brought)

    def linked(self, query: Mapping[str, Any], tabs: tuple[str, ...], ticket: Ticket, owner: str) -> Linked | None:
        """Open what the page's address asks for.

        Args:
            query: Names and values of the address. A wrong value counts as missing, and is told.
            tabs: Names of the page's tabs.
            ticket: Key for the progress.
            owner: The visit.

        Returns:
            The scan and its view, None if there is no bundled example.
        """
        asked = Link.read(query, self._cases.titles, tabs)
        with self._opening(ticket, owner) as opening:
            model, warning = self._linked_model(asked.checkpoint, opening)
            # A checkpoint that the link names is what it was written for. A page that asks for nothing opens with the default one, which
            # somebody may have trained for scans of their own.
            example = self._cases.named(asked.case)
            asks_nothing = "case" not in query and example is not None and has_channels_for(example, model)
            stays = asks_nothing or (asked.checkpoint and not warning)
            model, brought = (model, False) if stays else self._reader(asked.case, model, opening)
            scan = self._case(asked.case, model, opening)
            if scan is None:
                return None
            opened = self._shared(scan, owner, brought=brought)
        return linked_view(opened, asked, warning)

    def upload(self, paths: Sent, checkpoint: str, ticket: Ticket, owner: str) -> Opened:
        """Open what was uploaded. If that fails, the scan on show stays.

        Args:
            paths: One file, or several that belong together; None if none was sent.
            checkpoint: Name of the checkpoint that encodes it.
            ticket: Key for the progress.
            owner: The visit.

        Returns:
            The scan.
        """
        with self._opening(ticket, owner) as opening:
            most, sources = self._store.most_scan_bytes, list[SentFrames]()
            with self._parcels.exchange(owner) as offer:

                def keep(parcel: Parcel, scan: Scan) -> bool:
                    kept = offer(parcel)
                    if scan.frames > 1:
                        sources.append(SentFrames(parcel, scan.frames, most, closes=not kept))
                    return kept or bool(sources)

                def channels() -> int:
                    return self._model(checkpoint, opening).segmenter.channels

                with self._uploads.read_in_turn(paths, self._openings, opening, most, channels=channels, keep=keep) as scan:
                    opened = encoded(scan, self._model(checkpoint, opening), opening)
                for source in sources:
                    OpenCine(opened, source, most_bytes=self._store.most_cine_bytes)
                opening.tell()
                put = self._put(opened, owner, scan.name)
            return replace(put, choice=self._parcels.choice(owner))

    def series(self, number: int, checkpoint: str, ticket: Ticket, owner: str) -> Opened:
        """Open another DICOM series of the files that the visit has sent.

        Args:
            number: Of the series, from 1.
            checkpoint: Name of the checkpoint that encodes it.
            ticket: Key for the progress.
            owner: The visit.

        Returns:
            The scan.
        """
        with self._opening(ticket, owner) as opening:
            with self._openings.turn(opening):
                model = self._model(checkpoint, opening)
                opening.tell(stage="reading")
                scan = self._parcels.read(owner, number, self._store.most_scan_bytes, opening.tell, channels=model.segmenter.channels)
                opened = encoded(scan, model, opening)
            if scan.frames > 1:
                source = self._parcels.frames(owner, number, scan.frames, self._store.most_scan_bytes)
                OpenCine(opened, source, most_bytes=self._store.most_cine_bytes)
            opening.tell()
            return replace(self._put(opened, owner, scan.name), choice=self._parcels.choice(owner, number))

    def pair(self, paths: Sent, value: Shown, ticket: Ticket, owner: str) -> Opened:
        """Open a file as the other phase of the visitor's own scan on show: both then are the two frames of a cine.

        Args:
            paths: The file, or several that belong together; None if none was sent.
            value: The viewer's value.
            ticket: Key for the progress.
            owner: The visit.

        Returns:
            The scan on show, which is frame 0 now, under a new token.
        """
        with self._opening(ticket, owner) as opening:
            with self._uploads.read_in_turn(paths, self._openings, opening, self._store.most_scan_bytes) as other:
                held = self._held(value)
                refuse_no_pair(held, other)
                first = OpenScan(held.segmented, held.model, held.truth)
                first.identity = held.identity
                second = encoded(other, held.model, opening)
            cine = OpenCine(first, HeldFrames((held.segmented.scan, other)), most_bytes=self._store.most_cine_bytes, paired=True)
            cine.give_truths({0: held.truth}.get)
            cine.add(1, second)
            opening.tell()
            self._parcels.release(owner)
            return self._put(first, owner, (value or {})["name"])

    def checkpoint(self, name: str, value: Shown, ticket: Ticket, owner: str) -> Opened:
        """Encode the scan on show with another checkpoint.

        Args:
            name: Of the checkpoint.
            value: The viewer's value.
            ticket: Key for the progress.
            owner: The visit.

        Returns:
            The scan under the checkpoint.
        """
        with self._opening(ticket, owner) as opening:
            return self._reopened(self._model(name, opening), value, opening, owner)

    def beside(self, choice: Mapping[str, Any], value: Shown, ticket: Ticket, owner: str) -> Opened | None:
        """Open a second scan beside the one on show.

        Args:
            choice: What it is, see `Besides.open`.
            value: The viewer's value.
            ticket: Key for the progress.
            owner: The visit.

        Returns:
            The second scan, None if nothing was asked for and there is nothing that one would compare with.
        """
        with self._opening(ticket, owner) as opening:
            found = self._besides.open(choice, self._held(value), (value or {})["name"], opening)
            if found is None:
                return None
            second, title = found
            opening.tell()
            token = self._store.put_beside(second, owner, shared=second.example is not None)
            self._end_if_left(owner)
            if second.cine is not None:
                self.cines.watch(second.cine, owner)
            return Opened(second, token, title)

    def other(self, name: str, value: Shown, ticket: Ticket, owner: str) -> Opened:
        """Encode the scan on show with a checkpoint that the visitor typed. It is always loaded again: it may have been retrained.

        Args:
            name: A folder or a Hub id.
            value: The viewer's value.
            ticket: Key for the progress.
            owner: The visit.

        Returns:
            The scan under the checkpoint.
        """
        with self._opening(ticket, owner) as opening:
            return self._reopened(self._model(name, opening, anew=True), value, opening, owner)

    def besides(self) -> dict[str, list[list[str]]]:
        """What can be opened beside a scan: (title, name) of "checkpoints" and of "examples"."""
        return self._besides.choices()

    def progress(self, ticket: Ticket) -> dict[str, Any]:
        """The progress of an opening; see `Openings.progress`."""
        return self._openings.progress(ticket)

    def cancel(self, ticket: Ticket) -> None:
        """Cancel an opening. The scan on show stays."""
        self._openings.cancel(ticket)

    def restored(self, value: Shown, owner: str) -> OpenScan | None:
        """The scan that is still on show after opening another one has failed.

        Args:
            value: The viewer's value.
            owner: The visit.

        Returns:
            The scan, None if the visit is already opening the next one or holds no scan.
        """
        return None if self._openings.busy(owner) else self.held(value)

    def truth(self, paths: Sent, value: Shown) -> str:
        """Use a label file as the ground truth of the scan on show. A wrong file changes nothing.

        Args:
            paths: The file, or several that belong together; None if none was sent.
            value: The viewer's value; of a cine also "frame", the one on show, to which labels of a single frame belong.

        Returns:
            The file's name.

        Raises:
            ScanError: If the file does not fit the scan, or if the scan is a bundled example.
            SessionError: If the scan is no longer held.
        """
        scan = self._held(value)
        with self._uploads.sent(paths) as parcel:
            # All visitors share an example: a file of one of them must not become the ground truth of the others.
            if scan.example is not None:
                raise ScanError("a bundled example has its own ground truth; send labels for a scan of your own")
            read = functools.partial(parcel.read_numbers, most_bytes=self._store.most_scan_bytes)
            given = read(0)
            if scan.cine is not None:
                scan.cine.give_truths(truths_of_frames(given, read, scan.cine, (value or {}).get("frame")))
            else:
                scan.truth = truth_of_scan(given, read, scan)
            return given.name

    def held(self, value: Shown) -> OpenScan | None:
        """The scan on show. None if it is no longer held; the next request of a view reports that."""
        try:
            return self._held(value)
        except SessionError:
            return None

    def end(self, owner: str) -> None:
        """End a visit: its opening is cancelled, and its scan and its files are dropped."""
        self._openings.leave(owner)
        self._store.release(owner)
        self._parcels.release(owner)

    @contextmanager
    def _opening(self, ticket: Ticket, owner: str) -> Iterator[Opening]:
        """An opening, see `Openings.opening`. Raises TooManyError if the visit asks too often."""
        self._limiter.check(owner)
        with self._openings.opening(ticket, owner) as opening:
            yield opening

    def _held(self, value: Shown) -> OpenScan:
        return self._store.get((value or {}).get("token"))

    def _model(self, name: str, opening: Opening, *, anew: bool = False) -> Served:
        return loaded(self.models, name, opening, anew=anew)

    def _case(self, title: str | None, model: Served, opening: Opening) -> OpenScan | None:
        return encoded_case(self._cases, self._openings, title, model, opening)

    def _reopened(self, model: Served, value: Shown, opening: Opening, owner: str) -> Opened:
        scan = self._held(value)
        opened = self._case(scan.example, model, opening)
        if opened is None:
            with self._openings.turn(opening):
                opened = encoded(scan.segmented.scan, model, opening)
            opened.identity = scan.identity
            # A ground truth means the same only if the classes are the same.
            opened.truth = scan.truth if scan.model.classes == model.classes else None
            if scan.cine is not None:
                same_cine(scan.cine, opened, self._store.most_cine_bytes)
        opening.tell()
        choice = self._parcels.choice(owner, (value or {}).get("series"))
        return replace(self._put(opened, owner, (value or {})["name"]), choice=choice)

    def _linked_model(self, name: str | None, opening: Opening) -> tuple[Served, str]:
        """The checkpoint of a link, or the default one and a warning that says why."""
        if name is None:
            return self.models.default, ""
        if not self.models.linkable(name):
            if was_fine_tuned(name):
                return self.models.default, _NOT_KEPT
            return self.models.default, f"This server does not have the checkpoint {name}; showing the default."
        try:
            return self._model(name, opening), ""
        except CheckpointError as error:
            return self.models.default, str(error)

    def _reader(self, title: str | None, model: Served, opening: Opening) -> tuple[Served, bool]:
        """The checkpoint for an example, and whether it takes the place of the given one, which cannot read it."""
        example = self._cases.named(title)
        if example is None or (has_channels_for(example, model) and example.readable_by(model.classes)):
            return model, False
        if example.checkpoint is None or not self.models.linkable(example.checkpoint):
            return model, False
        return self._model(example.checkpoint, opening), True

    def _shared(self, scan: OpenScan, owner: str, *, brought: bool) -> Opened:
        self._parcels.release(owner)
        return self._put(scan, owner, scan.example or "", brought=brought)

    def _end_if_left(self, owner: str) -> None:
        """Nobody would end a visit a second time that has left meanwhile."""
        if self.presence.has_left(owner):
            self.end(owner)
            raise CalledOffError

    def _put(self, scan: OpenScan, owner: str, title: str, *, brought: bool = False) -> Opened:
        """Hold a scan for a visit. The further frames of a cine are encoded from now on."""
        token = self._store.put(scan, owner, shared=scan.example is not None)
        self._end_if_left(owner)
        if scan.cine is not None:
            self.cines.watch(scan.cine, owner)
        return Opened(scan, token, title, brought)
