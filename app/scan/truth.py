"""Ground truth labels for a scan: they are checked before they are used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vqseg.data.grids import on_grid_of
from vqseg.data.label_maps import LabelError, label_map, label_map_of_channels
from vqseg.data.scan import ScanError, through_plane_axis
from vqseg.inference import dice_by_class
from vqseg.types import UNSURE, Array, Scan

if TYPE_CHECKING:
    from app.scan.cine import OpenCine
    from app.scan.open_scan import OpenScan


def truth_labels(truth: Scan, scan: Scan, classes: tuple[str, ...]) -> Array:
    """Check a label file against the scan that it belongs to.

    Args:
        truth: The label file's numbers, as `read_numbers` reads them.
        scan: The scan.
        classes: Names of the model's classes, the background first.

    Returns:
        (X, Y, Z) uint8 labels in the scan's array order; UNSURE where the file has 255, which many tools write for "no label". Of two
        classes 255 is the structure.

    Raises:
        ScanError: If the grids differ, or if a voxel has no label of the model.
    """
    try:
        return on_grid_of(scan, label_map(truth, classes, ignore=UNSURE if len(classes) > 2 else None)).voxels
    except LabelError as error:
        raise ScanError(f"{truth.name} does not fit this model; {error.rest} It {error.found}.") from error


@dataclass(frozen=True)
class Truth:
    """A ground truth by the names of its classes.

    Attributes:
        labels: (X, Y, Z) uint8 in the checkpoint's numbers, UNSURE where nothing is known.
        judged: The checkpoint's labels that it tells of.
    """

    labels: Array
    judged: tuple[int, ...]


def named_truth(truth: Scan, scan: Scan, own: tuple[str, ...], classes: tuple[str, ...]) -> Truth:
    """A ground truth that may know fewer classes than the checkpoint, and may leave slices out.

    A reader who outlines one structure says nothing of the others. Then a slice without an outline may be one that was left out, so
    nothing is known of it. A truth of all classes is complete, and its empty slices are empty.

    Args:
        truth: The label file as it was read.
        scan: The scan that it belongs to.
        own: Names of its classes, the background first.
        classes: Names of the checkpoint's classes, which include these.

    Returns:
        The truth in the checkpoint's numbers.

    Raises:
        ScanError: As `truth_labels`.
    """
    labels = truth_labels(truth, scan, own)
    numbers = np.full(256, UNSURE, np.uint8)
    numbers[: len(own)] = [classes.index(name) for name in own]
    mapped = numbers[labels]
    if set(own) != set(classes):
        axis = through_plane_axis(scan)
        drawn = ((labels > 0) & (labels != UNSURE)).any(tuple(other for other in range(3) if other != axis), keepdims=True)
        mapped = np.where(drawn, mapped, np.uint8(UNSURE))
    return Truth(mapped, tuple(sorted(int(number) for number in numbers[1 : len(own)])))


def truth_dice(scan: OpenScan, labels: Array, truth: Array) -> list[float | None]:
    """Dice of every structure against the scan's ground truth, where it is known.

    Args:
        scan: The scan.
        labels: Integers of any shape.
        truth: The same part of the scan's ground truth.

    Returns:
        One score per structure, None for one that neither side has or that the ground truth does not tell of.
    """
    known = truth != UNSURE
    scores = dice_by_class(labels[known], truth[known], len(scan.segmented.classes))
    return [score if label in scan.judged else None for label, score in enumerate(scores, 1)]


def shown_truth(truth: Array) -> Array:
    """The ground truth as it is drawn: what is not known is background."""
    return np.where(truth == UNSURE, np.uint8(0), truth)


def truth_of_scan(given: Scan, read: Callable[[int], Scan], scan: OpenScan) -> Array:
    """The labels of a scan that is no cine.

    Args:
        given: The first volume of the label file.
        read: Reads another one of it by its number.
        scan: The scan.

    Returns:
        (X, Y, Z) uint8 labels.

    Raises:
        ScanError: If there are several volumes and they are not one a class, or as `truth_labels`.
    """
    whole = label_map_of_channels(given, read) if given.frames > 1 else given
    return truth_labels(whole, scan.segmented.scan, scan.model.classes)


def _is_one_a_class(given: Scan, read: Callable[[int], Scan]) -> bool:
    try:
        label_map_of_channels(given, read)
    except LabelError:
        return False
    return True


def truths_of_frames(given: Scan, read: Callable[[int], Scan], cine: OpenCine, shown: object) -> Callable[[int], Array | None]:
    """Read the labels of a cine: a series as long as the cine, or those of one frame beside what there is for the others.

    Args:
        given: The first frame of the label file.
        read: Reads a further frame of it by its number.
        cine: The cine.
        shown: Number of the frame on show, to which labels of a single frame belong; anything else stands for the first.

    Returns:
        The labels (X, Y, Z) uint8 of a frame by its number, None where there are none.

    Raises:
        ScanError: If the number of frames differs, or as `truth_labels`.
    """
    scan, classes, former = cine.first.segmented.scan, cine.first.model.classes, cine.truths
    if given.frames not in (1, cine.frames):
        raise ScanError(
            f"{given.name} has {given.frames} frames and the cine {cine.frames}; send labels of all frames, or of the one on show"
        )
    if given.frames == cine.frames:
        if _is_one_a_class(given, read):
            raise ScanError(f"{given.name} holds one volume a class, not one a frame; send labels as one number a voxel")
        every = {index: truth_labels(read(index) if index else given, scan, classes) for index in range(cine.frames)}
        return every.get
    place = shown if isinstance(shown, int) and 0 <= shown < cine.frames else 0
    labels = truth_labels(given, scan, classes)
    return lambda index: labels if index == place else former(index)
