"""What was opened for a visit, and the view of it that a link asks for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.scan.channels import channel_choices, opening_channel
from app.scan.description import describe
from app.scan.edits import Edit, edits_as_text
from app.scan.frame_request import FrameRequest, RequestError, checked_reach
from app.scan.open_scan import OpenScan
from app.scan.opening_reach import opening_reach
from app.visit.links import OWN_REACH, Link, wrong
from app.visit.parcels import Choice


@dataclass(frozen=True)
class Opened:
    """A scan that was opened for a visit.

    Attributes:
        scan: The scan.
        token: The only key to it.
        title: Its name, as visitors read it.
        brought: Whether it brought its checkpoint, because the one that was chosen cannot read it.
        choice: The DICOM series that came with it, if there are several.
    """

    scan: OpenScan
    token: str
    title: str
    brought: bool = False
    choice: Choice | None = None

    @property
    def value(self) -> dict[str, Any]:
        """The viewer's value."""
        told = describe(self.token, self.scan, self.title, brought=self.brought)
        return {**told, "series": self.choice.chosen if self.choice else None}


@dataclass(frozen=True)
class Linked:
    """A scan that was opened for a link, and the view that the link asks for.

    Attributes:
        opened: The scan.
        link: The other settings of the link: they do not depend on the scan.
        plane: The plane on show.
        index: The slice on show.
        strength: Epsilon.
        edits: Forced tokens of that slice. Empty if one of them does not exist in this scan.
        reach: The reach that the view starts with, None for the checkpoint's own.
        channel: On show; "" where there is nothing to choose.
        warning: What the link asks for and this server does not have. Empty if there is nothing to warn of.
        unread: What was not understood, or this scan does not have, each in words that name the value.
    """

    opened: Opened
    link: Link
    plane: str
    index: int
    strength: float
    edits: tuple[Edit, ...]
    reach: float | None
    channel: str = ""
    warning: str = ""
    unread: tuple[str, ...] = ()


def linked_view(opened: Opened, asked: Link, warning: str) -> Linked:
    """The view of a scan that a link asks for, as far as the scan has it.

    Args:
        opened: The scan.
        asked: The link.
        warning: What this server does not have; empty if it has all.
    """
    scan = opened.scan
    plane = asked.plane or scan.plane
    index = scan.opening_index(plane) if asked.index is None else min(asked.index, scan.views[plane].count - 1)
    strength = scan.opening.strength if asked.strength is None else asked.strength
    edits, reach = _edits_of(scan, asked, plane, index), _reach_of(scan, asked)
    unread = (*asked.unread, *_missing(scan, asked, plane, edits))
    channel = asked.channel if asked.channel in _channels(scan) else opening_channel(scan)
    return Linked(opened, asked, plane, index, strength, edits, reach, channel, warning, unread)


def _edits_of(scan: OpenScan, link: Link, plane: str, index: int) -> tuple[Edit, ...]:
    """The forced tokens of a link. Empty if one of them does not exist in this slice."""
    values = {"plane": plane, "index": index, "strength": link.strength or 0.0, "mode": link.mode, "seed": link.seed, "edits": link.edits}
    try:
        return FrameRequest.checked(values, scan).edits
    except RequestError:
        return ()


def _missing(scan: OpenScan, link: Link, plane: str, edits: tuple[Edit, ...]) -> Iterator[str]:
    """What a link asks for and this scan does not have, in words that name the value."""
    last, farthest = scan.views[plane].count - 1, scan.segmented.codebook_size - 1
    frames = 1 if scan.cine is None else scan.cine.frames
    if link.index is not None and link.index > last:
        yield wrong("slice", link.index, f"this scan has 0 to {last}")
    if link.edits and not edits:
        yield wrong("edits", edits_as_text(link.edits), "one of the tokens or codes does not exist here")
    if isinstance(link.reach, float) and link.reach > farthest:
        yield wrong("reach", f"{link.reach:g}", f"this codebook has 1 to {farthest}")
    if link.frame >= frames:
        yield wrong("frame", link.frame, f"this scan has 0 to {frames - 1}")
    if link.channel and link.channel not in _channels(scan):
        yield wrong("channel", link.channel, f"this scan has {', '.join(_channels(scan)) or 'a single one'}")


def _channels(scan: OpenScan) -> list[str]:
    return [value for _, value in channel_choices(scan)]


def _reach_of(scan: OpenScan, link: Link) -> float | None:
    """The reach of a link, as far as this codebook has it; that of the opening if the link has none."""
    if link.reach is None:
        return opening_reach(scan)
    if link.reach == OWN_REACH:
        return None
    return checked_reach(min(float(link.reach), scan.segmented.codebook_size - 1), scan)
