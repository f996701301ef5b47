"""From a label file's numbers to labels: whole numbers that a data set names, or a message with file, value and remedy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from vqseg.data.limits import ScanError
from vqseg.types import UNSURE, Array, Scan

_ROUNDING = 1e-3
"""How far a value may lie from its whole number: a slope in the header multiplies in single precision."""
_MOST_CHANNELS = 64
"""One volume a class: nobody has more."""


class LabelError(ScanError):
    """A file that holds no labels, or others than expected. The message names the file, the value and what to do.

    Attributes:
        name: The file's.
        found: What is wrong with it: "has the label 9".
        rest: What was expected, and the remedy.
    """

    def __init__(self, name: str, found: str, rest: str) -> None:
        """Put the message together."""
        super().__init__(f"{name} {found}; {rest}")
        self.name, self.found, self.rest = name, found, rest


def label_map(given: Scan, names: Sequence[str] = (), *, ignore: int | None = None) -> Scan:
    """A volume of numbers as labels.

    Args:
        given: As its file has it, NaN included; one volume.
        names: Of the classes that are allowed, the background first; empty for any label from 0 to 255. With two names, a mask of
            0 and 255 is one of 0 and 1.
        ignore: A number allowed beside them, of voxels without a label; they become UNSURE.

    Returns:
        The same with voxels (X, Y, Z) uint8, and a note where the numbers were changed.

    Raises:
        LabelError: A value is no label.
    """
    expected = _expected(names, ignore)
    labels = _whole(given, expected)
    found = np.flatnonzero(np.bincount(labels.reshape(-1), minlength=256))
    if len(names) == 2 and ignore != 255 and found.tolist() in ([0, 255], [255]):
        return replace(given, voxels=(labels == 255).astype(np.uint8), notes=(*given.notes, f"255 was read as 1, {names[1]}"))
    unknown = [value for value in found.tolist() if value >= len(names) and value != ignore] if names else []
    if unknown:
        more = f" and {len(unknown) - 1} more that nobody names" if len(unknown) > 1 else ""
        raise LabelError(given.name, f"has the label {unknown[0]}{more}", f"expected {expected}. {_remedy(found, names)}")
    if ignore is not None:
        labels[labels == ignore] = UNSURE
    return replace(given, voxels=labels)


def label_map_of_channels(given: Scan, read: Callable[[int], Scan]) -> Scan:
    """Labels that were stored as one volume a class ("one-hot"), as one volume of numbers.

    Args:
        given: The first of several volumes of a file.
        read: Reads another one by its number, from 0.

    Returns:
        The number of the volume that is 1, for every voxel, as one volume.

    Raises:
        LabelError: The volumes are no such thing.
    """
    count = given.frames
    counted = np.zeros(given.shape, np.uint8)
    numbers = np.zeros(given.shape, np.float32)
    sound, number = count <= _MOST_CHANNELS, 0
    # A cine's labels give themselves away in the first volume or two.
    while sound and number < count:
        volume = read(number).voxels if number else given.voxels
        inside = volume == 1
        sound = bool((inside | (volume == 0)).all()) and not (counted & inside).any()
        counted |= inside
        numbers[inside] = number
        number += 1
    if not (sound and counted.all()):
        rest = (
            "expected one volume of labels. Take out the one that is meant; one a class is read if each voxel is 1 in exactly one of them"
        )
        raise LabelError(given.name, f"holds {count} volumes", rest)
    note = f"{count} volumes, one a class, were read as labels 0 to {count - 1}"
    return replace(given, voxels=numbers, frames=1, notes=(*given.notes, note))


def _expected(names: Sequence[str], ignore: int | None) -> str:
    also = f", or {ignore} for no label" if ignore is not None else ""
    return f"whole numbers from 0 to {len(names) - 1} ({', '.join(names)}){also}" if names else "whole numbers from 0 to 255"


def _whole(given: Scan, expected: str) -> Array:
    """(X, Y, Z) uint8, the numbers rounded. Raises LabelError where that would change what they say."""
    voxels, name = given.voxels, given.name
    with np.errstate(invalid="ignore"):
        whole = np.rint(voxels)
        wrong = ~(np.abs(voxels - whole) <= _ROUNDING)
    if missing := int(np.count_nonzero(~np.isfinite(voxels))):
        raise LabelError(name, f"has {missing} voxels that are NaN or infinite", f"expected {expected}: write 0 for the background")
    if wrong.any():
        value = float(voxels[np.unravel_index(int(wrong.argmax()), wrong.shape)])
        rest = f"expected {expected}. Probabilities have to become classes first, and labels are resampled by nearest neighbour"
        raise LabelError(name, f"is no label file: it holds the value {value:.6g}", rest)
    low, high = float(whole.min()), float(whole.max())
    if low < 0 or high > 255:
        value = low if low < 0 else high
        rest = f"expected {expected}. Give every class a number from 0 on, and the background 0"
        raise LabelError(name, f"is no label file: it holds the value {value:.6g}", rest)
    labels: Array = whole.astype(np.uint8)
    return labels


def _remedy(found: Array, names: Sequence[str]) -> str:
    if found.tolist() in ([0, 255], [255]):
        return "A mask of 0 and 255 names two classes: write the number of its class instead of 255"
    if len(found) <= len(names):
        return "Write the classes' own numbers, or name the others in dataset.json"
    if found.max() == 255:
        return 'Name all of its labels in dataset.json; if 255 stands for voxels without a label, as "ignore": 255'
    return "Name all of its labels in dataset.json"
