"""What the selection of codes asks the server for: how far codewords lie from each other, and the scan without the selected codes."""

from __future__ import annotations

from dataclasses import asdict
from threading import Lock
from weakref import WeakKeyDictionary

import numpy as np

from app.scan.models import Served
from app.scan.open_scan import OpenScan
from app.scan.removal import Removals, effect_of, forced_tokens_of
from app.scan.render import packed
from app.tabs.codebook.answers import code_of, codes_of
from app.visit.answering import Answer, Request
from vqseg.codebook import nearest_others
from vqseg.types import Array

_MOST_NEAREST = 512

# Of every loaded checkpoint: it follows from the codewords alone, and takes a second for a large codebook.
_SPACINGS: WeakKeyDictionary[Served, tuple[Array, Array]] = WeakKeyDictionary()
_SPACINGS_LOCK = Lock()


def spacing(scan: OpenScan, request: Request) -> Answer:
    """The nearest other codeword of every code, in the codebook's own space.

    Args:
        scan: The scan on show.
        request: Unused.

    Returns:
        "nearest": packed (K,) int32. "distances": packed (K,) float32.
    """
    with _SPACINGS_LOCK:
        found = _SPACINGS.get(scan.model)
        if found is None:
            found = _SPACINGS[scan.model] = nearest_others(scan.segmented.codewords)
    return {"nearest": packed(found[0]), "distances": packed(found[1])}


def nearest(scan: OpenScan, request: Request) -> Answer:
    """The codewords nearest to one.

    Args:
        scan: The scan on show.
        request: "code".

    Returns:
        "codes": at most 512 codes, the nearest first.
    """
    return {"codes": scan.segmented.neighbours(code_of(scan, request.get("code")), _MOST_NEAREST).codes.tolist()}


def forced(scan: OpenScan, request: Request) -> Answer:
    """The tokens of the whole scan that are forced where the selected codes give way.

    Args:
        scan: The scan on show.
        request: "codes"; "target", a code, or None for the nearest codeword outside the selection.

    Returns:
        "tokens": packed (t, 4) int32, slice, row, column and new code of each token.
    """
    target = request.get("target")
    return {"tokens": packed(forced_tokens_of(scan, _selected(scan, request), None if target is None else code_of(scan, target)))}


class Ablations:
    """The Dice of scans without the selected codes, measured when it is asked for."""

    def __init__(self) -> None:
        self._removals = Removals()

    def without(self, scan: OpenScan, request: Request) -> Answer:
        """Dice of the whole scan at strength 0 if the nearest codewords outside the selection replace the selected ones.

        Args:
            scan: The scan on show.
            request: "codes".

        Returns:
            "done" and "of", in slices that have such tokens. Once these are equal also "tokens", how many were replaced, and the fields
            of app.scan.removal's Effect.
        """
        removal = self._removals.advance(scan, _selected(scan, request))
        progress = {"done": removal.done, "of": len(removal.slices)}
        if removal.done < len(removal.slices):
            return progress
        return {**progress, "tokens": len(removal.tokens), **asdict(effect_of(scan, removal))}


def _selected(scan: OpenScan, request: Request) -> Array:
    return np.unique(codes_of(scan, request.get("codes"), scan.segmented.codebook_size))
