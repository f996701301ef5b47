"""The single volumes of `predict`, one after the other. The next one is read meanwhile; what an earlier run has done is left as it is."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vqseg.cli.ahead import fetched_ahead
from vqseg.cli.outcome import Outcome
from vqseg.cli.progress import bar
from vqseg.cli.record import Entry, Record
from vqseg.cli.results import Results

if TYPE_CHECKING:
    from vqseg.cli.known import KnownScans
    from vqseg.data.sources import ScanSource
    from vqseg.types import Array, Scan

logger = logging.getLogger(__name__)

_AHEAD_BYTES = 1 << 28
"""Largest volume that is read while another one is worked on: two of the largest would need twice the memory."""
_UNREAD = "unread"


@dataclass(frozen=True)
class Work:
    """A scan to segment, under a name that no other scan of the run has."""

    source: ScanSource
    name: str


def named_works(sources: Sequence[ScanSource]) -> list[Work]:
    """Give each of the scans of a run a name of its own: "a.nii.gz", and "a.nii.gz (2)" for the second of this name."""
    count: Counter[str] = Counter()
    works = []
    for source in sources:
        count[source.name] += 1
        works.append(Work(source, source.name if count[source.name] == 1 else f"{source.name} ({count[source.name]})"))
    return works


@dataclass
class _Found:
    """What was found before a scan's turn: the digest of its bytes; done, if there is nothing to do; the scan, if it was read already."""

    digest: str
    done: Entry | None = None
    scan: Scan | None = None

    def taken(self, source: ScanSource, channels: int) -> Scan:
        """The scan with as many channels, which is not kept here. Raises ScanError if it cannot be read."""
        from vqseg.data.scan import read_scan

        scan, self.scan = self.scan, None
        return read_scan(source.files, channels=channels) if scan is None else scan


@dataclass
class ScanRun:
    """Segments scans and notes what became of each.

    results: where labels go. outcome: is told what was done. known: labels a scan, and judges it. record: of the folder, None for none.
    resume: whether to leave as it is what the record knows as done. slices, seconds: of the scans that this run has segmented.
    """

    results: Results
    outcome: Outcome
    known: KnownScans
    record: Record | None = None
    resume: bool = False
    scans: int = 0
    slices: int = 0
    seconds: float = 0.0

    def run(self, works: Sequence[Work]) -> int:
        """Segment them.

        Args:
            works: In their order.

        Returns:
            The exit status: 1 if a scan was skipped.
        """
        start = time.perf_counter()
        for work, future in fetched_ahead(bar(works, "segmenting"), self._look_up):
            found = future.result()
            del future
            with self.outcome.guarded(work.name):
                self._segment(work, found, start)
            if self.record is not None and work.name in self.outcome.skipped:
                why = self.outcome.skipped[work.name]
                self.record.add(Entry(name=work.name, key=self.record.key, input=found.digest, at=time.time(), error=why))
            self.seconds += time.perf_counter() - start
            start = time.perf_counter()
        status = self.outcome.tell(len(works), "scan", self.results.outputs.folder)
        if self.scans:
            pace = f"{self.scans / self.seconds:.3g} scans and {self.slices / self.seconds:.3g} slices a second"
            print(f"{self.scans} scans, {self.slices} slices in {self.seconds:.1f} s: {pace}")
        return status

    def _look_up(self, work: Work) -> _Found:
        """What can be known before a scan's turn. Whatever is wrong with it is said in its turn."""
        from vqseg.data.scan import read_scan
        from vqseg.data.sources import source_digest

        found = _Found(_UNREAD)
        try:
            if self.record is not None:
                found.digest = source_digest(work.source)
            if self.record is not None and self.resume:
                found.done = self.record.done(work.name, found.digest)
            if found.done is None:
                found.scan = read_scan(work.source.files, channels=self.known.channels, most_bytes=_AHEAD_BYTES)
        except Exception:
            # In its turn the scan is read again, and what that raises is noted.
            logger.debug("%s could not be read ahead", work.name, exc_info=True)
        return found

    def _segment(self, work: Work, found: _Found, start: float) -> None:
        from vqseg.data.scan import through_plane_axis

        outputs = self.results.outputs
        if found.done is not None:
            # So that no other scan takes the name.
            outputs.claim(outputs.folder / found.done.labels)
            self.outcome.was_done(work.name, found.done.labels, found.done.notes)
            return
        scan = found.taken(work.source, self.known.channels)
        target = self.results.target_of(work.source, scan)
        self._give_up_damaged(target)
        # Before the work, and before the wait for it.
        outputs.claim(target)
        labels = self.results.segment(scan)
        notes = (*scan.notes, *_of_frames(scan))
        # The grid is all that is needed from here on.
        scan = replace(scan, voxels=np.broadcast_to(np.float32(0), scan.shape))

        def note(digest: str) -> None:
            if self.record is not None:
                seconds = round(time.perf_counter() - start, 3)
                self.record.add(self._entry(work.name, found.digest, target.name, digest, scan, labels, notes, seconds))

        self.results.write(labels, scan, target, note)
        self.outcome.segmented[work.name] = target.name
        self.outcome.note(work.name, notes)
        self.scans += 1
        self.slices += scan.shape[through_plane_axis(scan)]

    def _entry(
        self, name: str, read: str, target: str, digest: str, scan: Scan, labels: Array, notes: tuple[str, ...], seconds: float
    ) -> Entry:
        from vqseg.cli.known import in_words

        verdict = self.known.last
        return Entry(
            name=name,
            key="" if self.record is None else self.record.key,
            input=read,
            at=time.time(),
            labels=target,
            sha256=digest,
            shape=scan.shape,
            spacing_mm=tuple(float(f"{one:.6g}") for one in scan.spacing) if scan.spacing_known else None,
            millilitres=_millilitres(labels, scan, self.results.classes),
            seconds=seconds,
            notes=notes,
            familiarity=verdict.verdict,
            drift=None if verdict.excess is None else round(float(verdict.excess), 3),
            doubt=in_words(verdict) if verdict.verdict in ("doubtful", "foreign") else "",
        )

    def _give_up_damaged(self, target: Path) -> None:
        """Let a file be replaced that this command wrote and that cannot be read any more, as a disk that was full may leave it.

        One that can be read may have been corrected by hand.
        """
        from vqseg.data.label_maps import LabelError
        from vqseg.data.scan import ScanError, read_numbers
        from vqseg.files import digest_of

        if not self.resume or self.record is None or target.name not in self.record.written:
            return
        if not target.is_file() or target.suffix == ".dcm":
            return
        try:
            read_numbers(target, 0)
        except LabelError:
            return
        except ScanError:
            self.results.outputs.know(target, digest_of(target))


def _millilitres(labels: Array, scan: Scan, classes: Sequence[str]) -> dict[str, float | None]:
    """The volume of each structure; None where the spacing is unknown."""
    from vqseg.cardiac import voxel_ml

    # Plane by plane: counting makes 64-bit copies.
    counts = np.sum([np.bincount(plane.ravel(), minlength=len(classes)) for plane in labels], axis=0)
    one = voxel_ml(scan)
    return {name: None if one is None else float(f"{one * int(counts[label]):.6g}") for label, name in enumerate(classes) if label}


def _of_frames(scan: Scan) -> Iterator[str]:
    """What was not segmented of a scan with several volumes, unless its reader has said so."""
    if scan.frames > 1 and not any("frame 1 of" in note for note in scan.notes):
        yield f"frame 1 of {scan.frames} was segmented; --cine segments all of them"
