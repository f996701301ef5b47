"""Pictures as labels: the number of a pixel counts, not the colour or the grey that it is drawn in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from vqseg.data.formats.axial import axial_scan
from vqseg.data.formats.picture_file import bands, opened_pages
from vqseg.data.formats.places import Unplaced
from vqseg.data.limits import ScanError
from vqseg.types import Array, Scan

_LOSSY_TIFF = ("jpeg", "tiff_jpeg", "webp")
# A WebP says in its first chunk how it was compressed; an extended one somewhat further on.
_WEBP_HEAD = 1 << 16


def read_picture_labels(path: Path, frame: int | None, most_bytes: int, kind: str) -> Scan:
    """A picture of labels: the indices of a palette, grey values, or 0 and 1 of a picture of single bits.

    Args:
        path: The file.
        frame: From 0; a picture has one.
        most_bytes: Largest volume of the pages as float32.
        kind: Pillow's name of its format.

    Raises:
        ScanError: If it is damaged or too large, was compressed with losses, or has colours of which nobody says what they mean.
    """
    if kind == "JPEG" or (kind == "WebP" and _is_lossy_webp(path)):
        raise _lossy(path.name, kind)
    with opened_pages(path, kind, frame, most_bytes) as pages:
        voxels = np.empty(pages.shape, np.float32)
        for page, picture in enumerate(pages.each):
            if picture.info.get("compression") in _LOSSY_TIFF:
                raise _lossy(path.name, "JPEG inside a TIFF")
            for rows, band in bands(picture):
                numbers = _numbers(band)
                if numbers is None:
                    raise _coloured(picture, path.name)
                voxels[rows, :, page] = numbers
    return replace(axial_scan(path.name, voxels), header=Unplaced("picture"), notes=pages.notes)


def _numbers(picture: Image.Image) -> Array | None:
    """The number of every pixel; None if they are colours."""
    values = np.asarray(picture)
    if values.ndim == 2:
        return values
    if picture.mode in ("LA", "La", "PA"):
        return values[..., 0]
    colours = np.asarray(picture.convert("RGB"))
    grey: Array = colours[..., 0]
    return grey if (colours == colours[..., :1]).all() else None


def _coloured(picture: Image.Image, name: str) -> ScanError:
    """The refusal says how many colours there are, and the first few."""
    found = np.empty(0, np.uint32)
    for _, band in bands(picture):
        packed = np.asarray(band.convert("RGB")).astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
        found = np.union1d(found, packed)
    some = ", ".join(f"({value >> 16}, {value >> 8 & 255}, {value & 255})" for value in found[:4].tolist())
    shown = f"{len(found)} colours, {some}" + (" ..." if len(found) > 4 else "")
    return ScanError(
        f"{name} is coloured, and nothing says which colour is which label: {shown}. "
        "Save it with one number a pixel, as an indexed or grey PNG with the values 0, 1, 2 ..."
    )


def _is_lossy_webp(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(_WEBP_HEAD)
    return head[12:16] == b"VP8 " or (head[12:16] == b"VP8X" and b"VP8L" not in head[16:])


def _lossy(name: str, kind: str) -> ScanError:
    return ScanError(f"{name} is a {kind}: compression has changed its values, so it cannot hold labels; save them as PNG, NIfTI or .npy")
