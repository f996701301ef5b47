"""Arrays to pictures. The arithmetic is exact: integers, no resampling, no lossy format.

The browser (app/web/pictures.js) blends with the same arithmetic, so both give the same bytes.
"""

from __future__ import annotations

import base64
import zlib

import numpy as np

from vqseg.types import Array

# The palette of Okabe & Ito can be told apart with any colour vision. This order makes neighbours differ in lightness as well.
_COLOURS = ("#56b4e9", "#f0e442", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#0072b2")
PALETTE = len(_COLOURS)


def label_colours(count: int) -> Array:
    """(count, 3) uint8: one colour per class. The first class is the background, in black. Colours repeat after seven structures."""
    colours = [(0, 0, 0)] + [tuple(bytes.fromhex(_COLOURS[i % len(_COLOURS)][1:])) for i in range(count - 1)]
    return np.array(colours[:count], dtype=np.uint8)


def css_colour(colour: Array) -> str:
    """A colour (3,) uint8 as #rrggbb."""
    return "#" + bytes(colour.tolist()).hex()


def greyscale(values: Array, low: float = 0.0, high: float = 1.0) -> Array:
    """A grey picture of values, with a linear window.

    Args:
        values: Of any shape.
        low: This value, and any below, becomes 0.
        high: This value, and any above, becomes 255.

    Returns:
        uint8, of the same shape.

    Raises:
        ValueError: Unless low < high.
    """
    if not low < high:
        raise ValueError(f"the window must have its lower bound first, got {low} to {high}")
    return np.rint(np.clip((values - low) / (high - low), 0, 1) * 255).astype(np.uint8)


def absolute_difference(one: Array, other: Array) -> Array:
    """The absolute difference of two pictures.

    Args:
        one: (A, B) or (A, B, 3) uint8.
        other: The same.

    Returns:
        The same.
    """
    return np.abs(one.astype(np.int16) - other).astype(np.uint8)


def mean_of_colours(picture: Array) -> Array:
    """The mean of the colours of every pixel, (A, B) uint8, rounded down; a grey picture as it is."""
    return picture if picture.ndim == 2 else (picture.sum(-1, dtype=np.int32) // 3).astype(np.uint8)


def label_picture(labels: Array, colours: Array) -> Array:
    """Every label in the colour of its class.

    Args:
        labels: (A, B) int.
        colours: (C, 3) uint8.

    Returns:
        (A, B, 3) uint8.
    """
    return colours[labels]


def outline(labels: Array) -> Array:
    """(A, B) bool: labelled pixels with a different label above, below, left or right. Outside the picture is background."""
    around = np.pad(labels, 1)
    centre = around[1:-1, 1:-1]
    differs = (around[:-2, 1:-1] != centre) | (around[2:, 1:-1] != centre) | (around[1:-1, :-2] != centre) | (around[1:-1, 2:] != centre)
    return differs & (centre != 0)


def overlay(
    picture: Array, labels: Array, colours: Array, *, opacity: float, outline_only: bool = False, visible: Array | None = None
) -> Array:
    """Class colours over a picture.

    Args:
        picture: (A, B) uint8, or (A, B, 3) where it has colours.
        labels: (A, B) int.
        colours: (C, 3) uint8.
        opacity: From 0 to 1; it is rounded to steps of 1/256.
        outline_only: Whether only the outlines of the structures are drawn.
        visible: (C,) bool, the classes that are drawn; all of them if None. The background is never drawn.

    Returns:
        (A, B, 3) uint8.
    """
    drawn = labels != 0 if visible is None else visible[labels] & (labels != 0)
    if outline_only:
        drawn = drawn & outline(labels)
    weight = round(opacity * 256)
    base = np.repeat(picture[..., None], 3, axis=-1) if picture.ndim == 2 else picture
    blended = (base.astype(np.int32) * (256 - weight) + colours[labels].astype(np.int32) * weight + 128) >> 8
    return np.where(drawn[..., None], np.minimum(blended, 255), base).astype(np.uint8)


def packed(picture: Array) -> str:
    """The array's bytes in row order, deflated, as base64. web/packed.js unpacks them."""
    return base64.b64encode(zlib.compress(np.ascontiguousarray(picture).tobytes(), level=1)).decode("ascii")


def unpacked(text: object, shape: tuple[int, int]) -> Array:
    """A picture that a browser has packed: the way back from `packed`.

    Args:
        text: What the request has.
        shape: (A, B), which it must have. No more than that is inflated, however much the text holds.

    Returns:
        (A, B) uint8.

    Raises:
        ValueError: If it is no such picture.
    """
    size, stream = shape[0] * shape[1], zlib.decompressobj()
    try:
        content = stream.decompress(base64.b64decode(str(text), validate=True), size + 1)
    except (ValueError, zlib.error) as error:
        raise ValueError("a packed picture must be deflated bytes as base64") from error
    if len(content) != size:
        raise ValueError(f"a packed picture of {shape[0]} × {shape[1]} pixels must have {size} bytes")
    return np.frombuffer(content, np.uint8).reshape(shape)


def base64_answer(content: bytes) -> dict[str, str]:
    """{"bytes": base64}: the answer with a file that the browser saves."""
    return {"bytes": base64.b64encode(content).decode("ascii")}
