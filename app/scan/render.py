"""Arrays to pictures, pure numpy and exact: no resampling, no lossy format, integer arithmetic.

The views in the browser (app/web/pictures.js) blend by the same arithmetic, so both give the same bytes.
"""

from __future__ import annotations

import base64
import zlib

import numpy as np

from vqseg.types import Array

# Okabe & Ito's colours, told apart with any colour vision, in an order that keeps neighbours apart in lightness as well.
_COLOURS = ("#56b4e9", "#f0e442", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#0072b2")
PALETTE = len(_COLOURS)


def label_colours(count: int) -> Array:
    """(count, 3) uint8, one colour a class; the first, the background, is black. Repeats after seven structures."""
    colours = [(0, 0, 0)] + [tuple(bytes.fromhex(_COLOURS[i % len(_COLOURS)][1:])) for i in range(count - 1)]
    return np.array(colours[:count], dtype=np.uint8)


def css_colour(colour: Array) -> str:
    """(3,) uint8 as #rrggbb."""
    return "#" + bytes(colour.tolist()).hex()


def greyscale(values: Array, low: float = 0.0, high: float = 1.0) -> Array:
    """uint8 picture: low and less becomes 0, high and more 255. Raises ValueError for an empty window."""
    if not low < high:
        raise ValueError(f"the window must have its lower bound first, got {low} to {high}")
    return np.rint(np.clip((values - low) / (high - low), 0, 1) * 255).astype(np.uint8)


def absolute_difference(one: Array, other: Array) -> Array:
    """|one - other| of two uint8 pictures."""
    return np.abs(one.astype(np.int16) - other).astype(np.uint8)


def label_picture(labels: Array, colours: Array) -> Array:
    """(A, B, 3) uint8: every label in its class colour."""
    return colours[labels]


def outline(labels: Array) -> Array:
    """(A, B) bool: labelled pixels with another label above, below, left or right; beyond the edge there is background."""
    around = np.pad(labels, 1)
    centre = around[1:-1, 1:-1]
    differs = (around[:-2, 1:-1] != centre) | (around[2:, 1:-1] != centre) | (around[1:-1, :-2] != centre) | (around[1:-1, 2:] != centre)
    return differs & (centre != 0)


def overlay(
    grey: Array, labels: Array, colours: Array, *, opacity: float, outline_only: bool = False, visible: Array | None = None
) -> Array:
    """Class colours over a grey picture (A, B) uint8, as (A, B, 3) uint8.

    opacity: 0 to 1, in steps of 1/256. visible: (C,) bool, the classes that are drawn; the background never is.
    """
    drawn = labels != 0 if visible is None else visible[labels] & (labels != 0)
    if outline_only:
        drawn = drawn & outline(labels)
    weight = round(opacity * 256)
    base = np.repeat(grey[..., None], 3, axis=-1)
    blended = (base.astype(np.int32) * (256 - weight) + colours[labels].astype(np.int32) * weight + 128) >> 8
    return np.where(drawn[..., None], np.minimum(blended, 255), base).astype(np.uint8)


def packed(picture: Array) -> str:
    """The array's bytes in row order, deflated, as base64: the lossless form in which the browser's canvases get them."""
    return base64.b64encode(zlib.compress(np.ascontiguousarray(picture).tobytes(), level=1)).decode("ascii")


def base64_answer(content: bytes) -> dict[str, str]:
    """{"bytes": base64}, the form in which the browser gets a file that it saves."""
    return {"bytes": base64.b64encode(content).decode("ascii")}
