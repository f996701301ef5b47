"""An open scan without some codes: which code takes the place of each, the tokens that this forces, and the Dice that is left.

A code is removed from the whole scan: each of its tokens becomes the nearest codeword that stays. Dice is taken over whole volumes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from time import perf_counter

import numpy as np

from app.scan.computing import COMPUTING
from app.scan.frame_request import RequestError
from app.scan.lru import LruOfEach
from app.scan.open_scan import OpenScan
from app.scan.replay import SECONDS
from app.scan.truth import truth_dice
from vqseg.codebook import nearest_outside
from vqseg.codebook import where as tokens_with
from vqseg.inference import label_agreement
from vqseg.types import Array

_MOST_KEPT = 2
"""How many removals are kept of a scan; each holds a volume of labels."""


def forced_tokens_of(scan: OpenScan, codes: Array, target: int | None = None) -> Array:
    """The tokens that are forced where codes give way, in the whole scan.

    Args:
        scan: The scan.
        codes: (n,) integers, each once.
        target: What every token with one of the codes becomes; None for the nearest codeword that is none of the codes.

    Returns:
        (t, 4) int32: slice, row, column and new code of each token, in reading order. Tokens that keep their code are left out.

    Raises:
        RequestError: If no codeword is left.
    """
    indices, places = scan.segmented.indices, np.argwhere(tokens_with(scan.segmented.indices, codes))
    held = indices[tuple(places.T)]
    if target is None:
        present = np.unique(held)
        new = _nearest_left(scan, codes)[np.searchsorted(np.sort(codes), present)][np.searchsorted(present, held)]
    else:
        new = np.full(len(held), target)
    tokens: Array = np.column_stack([places, new]).astype(np.int32)
    return tokens[new != held]


def _nearest_left(scan: OpenScan, codes: Array) -> Array:
    """The replacement of every code, by rising code."""
    try:
        return nearest_outside(scan.segmented.codewords, np.sort(codes))
    except ValueError as error:
        raise RequestError("all codewords are selected; leave at least one outside") from error


@dataclass
class Removal:
    """A scan that is being decoded without some codes.

    Attributes:
        tokens: As `forced_tokens_of` gives them.
        slices: The slices that have such tokens; only these are decoded.
        labels: (X, Y, Z) uint8; the slices not yet decoded have their labels at strength 0.
        done: How many of `slices` are decoded.
        lock: Held while a slice is decoded.
    """

    tokens: Array
    slices: list[int]
    labels: Array
    done: int = 0
    lock: Lock = field(default_factory=Lock, repr=False)


@dataclass(frozen=True)
class Effect:
    """What removing codes does to the labels at strength 0.

    Attributes:
        dice: Mean Dice over the structures of the scan, against the labels with all codes.
        truth_before: Dice of every structure against the ground truth with all codes; None for one that it does not tell of, and None as
            a whole without a ground truth.
        truth_after: Without the codes.
    """

    dice: float
    truth_before: list[float | None] | None
    truth_after: list[float | None] | None


class Removals:
    """Decodes open scans without some codes, slice by slice. The last ones are kept for each scan."""

    def __init__(self) -> None:
        self._kept: LruOfEach[OpenScan, bytes, Removal] = LruOfEach(lambda _: _MOST_KEPT)

    def advance(self, scan: OpenScan, codes: Array, seconds: float = SECONDS) -> Removal:
        """Decode further slices, at least one if any is missing.

        Args:
            scan: The scan. Each slice takes a turn of its own.
            codes: (n,) integers, each once.
            seconds: Return after this time, even if slices are missing.

        Returns:
            The scan without the codes, as far as it is decoded.

        Raises:
            RequestError: If no codeword is left.
        """
        removal, start = self._kept.of(scan).made(np.sort(codes).tobytes(), lambda: _begun(scan, codes)), perf_counter()
        while (at := removal.done) < len(removal.slices):
            with COMPUTING.turn(), removal.lock:
                if removal.done == at:
                    _decode(scan, removal)
            if perf_counter() - start >= seconds:
                break
        return removal


def effect_of(scan: OpenScan, removal: Removal) -> Effect:
    """What a removal changes, once all of its slices are decoded."""
    labels = scan.segmented.labels
    dice = label_agreement(removal.labels, labels)
    if scan.truth is None:
        return Effect(dice, None, None)
    return Effect(dice, truth_dice(scan, labels, scan.truth), truth_dice(scan, removal.labels, scan.truth))


def _begun(scan: OpenScan, codes: Array) -> Removal:
    tokens = forced_tokens_of(scan, codes)
    return Removal(tokens, np.unique(tokens[:, 0]).tolist(), scan.segmented.labels.copy())


def _decode(scan: OpenScan, removal: Removal) -> None:
    index = removal.slices[removal.done]
    forced = {(row, column): code for _, row, column, code in removal.tokens[removal.tokens[:, 0] == index].tolist()}
    result = scan.segmented.perturb(index, 0.0, forced=forced)
    np.moveaxis(removal.labels, scan.segmented.axis, 0)[index] = result.labels
    removal.done += 1
