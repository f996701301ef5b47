"""A case's files -> its scan and its labels on one grid. Whoever learns from labels or measures against them reads them here."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from vqseg.data.channels import in_words
from vqseg.data.datasets import DatasetError
from vqseg.data.grids import GridError
from vqseg.data.label_maps import LabelError
from vqseg.data.limits import ScanError
from vqseg.data.scan import read_labels_of, read_scan
from vqseg.types import Array, Case, Scan

ReadT = TypeVar("ReadT")
logger = logging.getLogger(__name__)
_MOST_SAID = 5


class CasesError(DatasetError):
    """Several cases of a data set that cannot be used. The message names the first few and what is wrong with each."""


def read_every(cases: Iterable[Case], read: Callable[[Case], ReadT]) -> list[ReadT]:
    """Read all cases, so that one answer names everything that is wrong.

    Args:
        cases: To read.
        read: Reads one of them.

    Returns:
        What was read, in their order.

    Raises:
        ScanError, DatasetError: One case cannot be read.
        CasesError: Several cannot.
    """
    found: list[ReadT] = []
    wrong: list[ScanError | DatasetError] = []
    tried = 0
    for case in cases:
        tried += 1
        try:
            one = read(case)
        except (ScanError, DatasetError) as error:
            wrong.append(error)
        else:
            # After the first fault nothing is used any more: no memory for it.
            if wrong:
                found.clear()
            else:
                found.append(one)
    if len(wrong) == 1:
        raise wrong[0]
    if wrong:
        said = "".join(f"\n  {error}" for error in wrong[:_MOST_SAID])
        more = f"\n  and {len(wrong) - _MOST_SAID} more" if len(wrong) > _MOST_SAID else ""
        raise CasesError(f"{len(wrong)} of {tried} cases cannot be used:{said}{more}\n`python -m vqseg check` lists them all")
    return found


def read_case_files(case: Case, names: Sequence[str] = (), *, channels: int = 1) -> tuple[Scan, Array | None]:
    """The scan of a case, and its labels if it has a label file.

    Args:
        case: Names the files.
        names: Of the classes in the order of their labels, the background first; empty for any labels from 0 to 255.
        channels: Of the scan: `model.in_channels` of whoever reads it.

    Returns:
        The scan, whose notes are also those of the labels, and the labels (X, Y, Z) uint8 in its array order; None without a label file.
        Voxels that the file leaves without a label (`case.ignore`) are UNSURE.

    Raises:
        ScanError: A file cannot be read.
        DatasetError: The label file holds no labels or others than these, lies on another grid than the scan, or the image holds several
            moments, or other channels.
    """
    scan = read_image(case, channels)
    if case.label is None:
        return scan, None
    try:
        labels = read_labels_of(scan, case.label, names, ignore=case.ignore)
    except (LabelError, GridError) as error:
        raise DatasetError(f"{case.name}: {error}") from error
    return replace(scan, notes=(*scan.notes, *(f"labels: {note}" for note in labels.notes))), labels.voxels


def read_doubt(case: Case, scan: Scan) -> Array:
    """How far those who made the labels of a case disagree, (X, Y, Z) uint8 in the scan's array order.

    Args:
        case: Names the file.
        scan: Its scan.

    Raises:
        ScanError: The file cannot be read.
        DatasetError: It lies on another grid than the scan.
    """
    assert case.doubt is not None
    try:
        return read_labels_of(scan, case.doubt).voxels
    except (LabelError, GridError) as error:
        raise DatasetError(f"{case.name}: {error}") from error


def tell_notes(case: Case, notes: Sequence[str]) -> None:
    """Log what should be known of how a case was read, for work whose only voice is the log."""
    for note in notes:
        logger.warning("%s: %s", case.name, note)


def read_image(case: Case, channels: int = 1) -> Scan:
    """The scan of a case, for those who need no labels.

    Args:
        case: Names the files.
        channels: Of the scan.

    Raises:
        ScanError: A file cannot be read.
        DatasetError: The case has another number of channels, or holds several moments.
    """
    count = len(case.images)
    if count not in (1, channels):
        raise DatasetError(
            f"{case.name} has {count} files, one for each channel; {in_words(channels)} expected. Set model.in_channels to {count}"
        )
    scan = read_scan(case.images if case.further else case.image, channels=channels)
    if scan.frames > 1:
        what = f"{case.name}: {scan.name} holds {scan.frames} volumes; a case is one of them. Take out the one that is meant"
        raise DatasetError(f"{what}, or set model.in_channels to {scan.frames} if they are channels")
    return scan
