"""Pictures: PNG, JPEG, TIFF, BMP and WebP, read by Pillow."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from vqseg.data.formats.axial import axial_scan
from vqseg.data.formats.dicom import DicomSource
from vqseg.data.formats.format import Format
from vqseg.data.formats.picture_file import DAMAGE, bands, opened_pages
from vqseg.data.formats.picture_labels import read_picture_labels
from vqseg.data.formats.places import Unplaced
from vqseg.data.limits import ScanError
from vqseg.data.planes import through_plane_axis
from vqseg.types import Array, Scan

_GREY_MODES, _GREY_KINDS = ("L", "I", "F"), ("1", "LA", "La")
"""Pillow's modes of grey pictures: those whose numbers are taken as they are, and those that are converted."""
_LUMINANCE = np.array([0.299, 0.587, 0.114])
"""ITU-R BT.601."""


def _picture(name: str, endings: tuple[str, ...], magic: str, write: Callable[[Array, Scan, Path], None] | None = None) -> Format:
    """A format that Pillow knows by the same name; labels of such a scan become PNG, which loses nothing."""

    def recognise(start: bytes) -> bool:
        return re.match(magic.encode("latin-1"), start, re.DOTALL) is not None

    def read(path: Path, frame: int | None, most_bytes: int) -> Scan:
        return _read(path, frame, most_bytes, name)

    def read_colours(path: Path, frame: int | None, most_bytes: int) -> Scan:
        return _read_colours(path, frame, most_bytes, name)

    def read_as_labels(path: Path, frame: int | None, most_bytes: int) -> Scan:
        return read_picture_labels(path, frame, most_bytes, name)

    return Format(
        name=name,
        endings=endings,
        recognises=recognise,
        read=read,
        read_labels=read_as_labels,
        read_colours=read_colours,
        write_labels=write,
        labels_as=".png",
    )


def _read(path: Path, frame: int | None, most_bytes: int, kind: str) -> Scan:
    """A picture of 8 or 16 bits; the pages of a TIFF become slices. Colour becomes luminance (ITU-R BT.601), which is said."""
    coloured = transparent = False
    with opened_pages(path, kind, frame, most_bytes) as pages:
        voxels = np.empty(pages.shape, np.float32)
        for page, picture in enumerate(pages.each):
            coloured |= _luminance(picture, voxels[:, :, page])
            transparent |= _is_transparent(picture)
    notes = pages.notes + (("colour was read as grey",) if coloured else ())
    return replace(
        axial_scan(path.name, voxels), header=Unplaced("picture"), notes=notes + (("transparency was left out",) if transparent else ())
    )


def _read_colours(path: Path, frame: int | None, most_bytes: int, kind: str) -> Scan:
    """A picture of three channels, (rows, columns, pages, 3) from 0 to 255. One that is stored in grey keeps its single channel."""
    transparent = False
    with opened_pages(path, kind, frame, most_bytes) as pages:
        voxels = np.empty((*pages.shape, 3), np.float32)
        for page, picture in enumerate(pages.each):
            if _is_grey(picture):
                break
            for rows, band in bands(picture):
                voxels[rows, :, page] = np.asarray(band.convert("RGB"))
            transparent |= _is_transparent(picture)
        else:
            notes = pages.notes + (("transparency was left out",) if transparent else ())
            return replace(axial_scan(path.name, voxels), header=Unplaced("picture"), notes=notes)
    return _read(path, frame, most_bytes, kind)


def stores_colours(path: Path) -> bool:
    """Whether a file is a picture in colour, by its header. What cannot be opened is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as picture:
                return not _is_grey(picture)
    except (*DAMAGE, Image.DecompressionBombError):
        return False


def _is_grey(picture: Image.Image) -> bool:
    return picture.mode in (*_GREY_MODES, *_GREY_KINDS) or picture.mode.startswith("I;16")


def _luminance(picture: Image.Image, grey: Array) -> bool:
    """Write grey values into an array of the picture's size. True if it had colours: many grey ones are stored as three equal channels."""
    coloured = False
    for rows, band in bands(picture):
        if band.mode in _GREY_MODES or band.mode.startswith("I;16"):
            grey[rows] = np.asarray(band)
        elif band.mode in _GREY_KINDS:
            grey[rows] = np.asarray(band.convert("L"))
        else:
            channels = np.asarray(band.convert("RGB"))
            grey[rows] = channels @ _LUMINANCE
            coloured = coloured or bool((channels != channels[..., :1]).any())
    return coloured


def _is_transparent(picture: Image.Image) -> bool:
    """Whether a pixel lets through what would lie behind the picture."""
    if picture.mode not in ("RGBA", "RGBa", "LA", "La", "PA"):
        return "transparency" in picture.info
    return any(band.getchannel("A" if "A" in band.getbands() else "a").getextrema()[0] != 255 for _, band in bands(picture))


def _write_png(labels: Array, scan: Scan, path: Path) -> None:
    """A grey PNG of the label values themselves. Raises ScanError for several slices or frames."""
    axis = through_plane_axis(scan)
    slices = labels.size // (labels.shape[(axis + 1) % 3] * labels.shape[(axis + 2) % 3])
    if slices != 1:
        raise ScanError(f"{path.name}: a PNG holds one slice, the scan has {slices}; write .nii.gz or .npy")
    picture = labels.reshape([length for other, length in enumerate(labels.shape[:3]) if other != axis])
    # A picture has rows first; a DICOM slice, as every volume, columns.
    picture = picture.T if isinstance(scan.header, DicomSource) else picture
    Image.fromarray(np.ascontiguousarray(picture)).save(path, format="PNG")


PNG = _picture("PNG", (".png",), "\x89PNG", _write_png)
JPEG = _picture("JPEG", (".jpg", ".jpeg"), "\xff\xd8\xff")
TIFF = _picture("TIFF", (".tif", ".tiff"), "II[*+]\0|MM\0[*+]")
BMP = _picture("BMP", (".bmp",), "BM")
WEBP = _picture("WebP", (".webp",), "RIFF....WEBP")
