"""The verdict on a scan: known, doubtful or foreign to a checkpoint, and why, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from vqseg.codebook.familiarity.card import unlike_the_card
from vqseg.codebook.familiarity.measures import (
    PicturedScan,
    ReadScan,
    SliceMeasures,
    measure,
    slice_measures_without_pictures,
    slice_psnr,
)
from vqseg.codebook.familiarity.reference import MEASURES, Found, Reference
from vqseg.config import ReadsConfig
from vqseg.types import Array, Scan

Word = Literal["known", "doubtful", "foreign", "unknown"]

# Slices whose reconstruction tells whether a scan needs a second look, and the part of the PSNR's limit from which it does.
_PICTURED, _SURELY = 3, 0.5

NO_REFERENCE = "the checkpoint has no reference of its training scans; make it by: python -m vqseg familiarity"


@dataclass(frozen=True)
class Figure:
    """One measure in words: its name, what it is for the scan, and what it was for training scans."""

    name: str
    found: str
    training: str


@dataclass(frozen=True)
class Familiarity:
    """Whether a checkpoint knows such a scan.

    verdict: known; doubtful, beyond what training scans show; foreign, far beyond or in several ways; unknown, without a reference and
    with nothing on the card that speaks against it. reasons: why, each a sentence without its full stop. slices: (S,) how far each slice
    lies, 1 being the limit, or (0,) if unknown. places: which slices lie far, as a sentence. figures: the measures. excess: how far the
    scan lies by its worst measure, doubtful beyond 1; None if unknown.
    """

    verdict: Word
    reasons: tuple[str, ...] = ()
    slices: Array = field(default_factory=lambda: np.zeros(0, np.float32))
    places: str = ""
    figures: tuple[Figure, ...] = ()
    excess: float | None = None


def judge(read: ReadScan, reads: ReadsConfig, reference: Reference | None) -> Familiarity:
    """Say whether a checkpoint knows such a scan.

    Args:
        read: The scan as the checkpoint has read it.
        reads: What scans the checkpoint is for; what it does not say is not checked.
        reference: What its training scans were like; None if that is not known.

    Returns:
        The verdict. The card alone makes a scan doubtful: headers are wrong at times.
    """
    return judge_measured(read.scan, read.axis, None if reference is None else measure(read), reads, reference)


def judge_measured(scan: Scan, axis: int, slices: SliceMeasures | None, reads: ReadsConfig, reference: Reference | None) -> Familiarity:
    """The verdict of `judge` for a scan whose slices were measured.

    Args:
        scan: The scan.
        axis: Across its slices.
        slices: Their measures, in their order; None if there is no reference.
        reads: As for `judge`.
        reference: As for `judge`.
    """
    card = unlike_the_card(scan, axis, reads)
    if card:
        card.insert(0, f"this checkpoint reads {reads.scans}")
    if reference is None or slices is None:
        return Familiarity("doubtful", tuple(card)) if card else Familiarity("unknown", (NO_REFERENCE,))
    found = reference.compare(slices)
    far = reference.compare_slices(slices)
    verdict = word({one.name: one.steps for one in found}, against=bool(card))
    figures = tuple(Figure(MEASURES[one.name].title, one.value_in_words(), one.training_in_words()) for one in found)
    excess = max((one.excess for one in found), default=None)
    return Familiarity(verdict, (*card, *_reasons(found)), far, _places(far, verdict), figures, excess)


def surely_known(read: PicturedScan, reads: ReadsConfig, reference: Reference) -> Familiarity | None:
    """What `judge` says of a scan that it would hardly call anything but known, from the pictures of a few slices.

    Args:
        read: The scan, whose slices are decoded when they are asked for.
        reads: What scans the checkpoint is for.
        reference: What its training scans were like.

    Returns:
        "known" if no measure is doubtful, and the PSNR of three slices, evenly spread, is not even half as far from training scans. None
        for a scan that needs a second look.
    """
    if unlike_the_card(read.scan, read.axis, reads):
        return None
    count = len(read.distances)
    picks = np.unique(np.linspace(0, count - 1, min(count, _PICTURED)).round().astype(int)).tolist()
    psnr = slice_psnr(read.pictures(picks), read.images(picks)).mean()
    found = reference.compare(slice_measures_without_pictures(read.distances, read.pooled, float(psnr)))
    if any(one.excess > (_SURELY if one.name == "psnr" else 1) for one in found):
        return None
    return Familiarity("known", excess=max(one.excess for one in found))


def word(steps: Mapping[str, float], *, against: bool) -> Literal["known", "doubtful", "foreign"]:
    """The verdict in one word. Two witnesses, the card being one, are worth as much as one measure far beyond its limit.

    Args:
        steps: Of every measure, as in `Found`.
        against: Whether the card speaks against the scan.
    """
    witnesses = against + sum(value > MEASURES[name].doubtful for name, value in steps.items())
    if witnesses > 1 or any(value > MEASURES[name].foreign for name, value in steps.items()):
        return "foreign"
    return "doubtful" if witnesses else "known"


def _reasons(found: list[Found]) -> list[str]:
    """Why, the strongest reason first."""
    return [one.reason() for one in sorted(found, key=lambda one: -one.excess) if one.doubtful]


def _places(far: Array, verdict: Word) -> str:
    """Which slices lie far: "Slices 0 to 2 and 7 lie far from training scans." """
    if verdict == "known" or len(far) < 2:
        return ""
    beyond = np.flatnonzero(far > 1)
    if len(beyond) == len(far):
        return "All slices lie far from training scans."
    if not len(beyond):
        return "No single slice lies far from training scans."
    runs = np.split(beyond, np.flatnonzero(np.diff(beyond) > 1) + 1)
    parts = [f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs]
    several = len(beyond) > 1
    listed = ", ".join(parts[:-1]) + " and " + parts[-1] if len(parts) > 1 else parts[0]
    return f"Slice{'s' if several else ''} {listed} {'lie' if several else 'lies'} far from training scans."
