"""Pictures: PNG, JPEG, TIFF, BMP and WebP, read by Pillow."""

from __future__ import annotations

import io
import re
import struct
import warnings
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from vqseg.data.formats.axial import axial_scan
from vqseg.data.formats.dicom import DicomSource
from vqseg.data.formats.format import Format
from vqseg.data.limits import ScanError, frame_shape
from vqseg.types import Array, Scan

_GREY_MODES = ("L", "I", "F")
_LUMINANCE = np.array([0.299, 0.587, 0.114])
"""ITU-R BT.601."""
_STORED = {"WebP": 6}
"""Bytes a pixel that a limit counts, where decoding takes more than twelve besides the result."""
_BAND = 1 << 16
"""Pixels that are converted at a time: a product of a whole picture in float64 takes ten times what the result does."""
# What Pillow's decoders raise on damaged files, as met in practice; a larger net would hide our own faults.
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    zlib.error,
    KeyError,
    IndexError,
    TypeError,
)


def _picture(name: str, endings: tuple[str, ...], magic: str, write: Callable[[Array, Scan, Path], None] | None = None) -> Format:
    """A format that Pillow knows by the same name; labels of such a scan become PNG, which loses nothing."""

    def recognise(start: bytes) -> bool:
        return re.match(magic.encode("latin-1"), start, re.DOTALL) is not None

    def read(path: Path, frame: int | None, most_bytes: int) -> Scan:
        return _read(path, frame, most_bytes, name)

    return Format(name=name, endings=endings, recognises=recognise, read=read, write_labels=write, labels_as=".png")


def _read(path: Path, frame: int | None, most_bytes: int, kind: str) -> Scan:
    """A picture of 8 or 16 bits; the pages of a TIFF become slices. Colour becomes luminance (ITU-R BT.601), which is said."""
    name, coloured = path.name, False
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures, which are measured below, and of what it reads nevertheless.
            warnings.simplefilter("ignore")
            with _Whole(path) as file, Image.open(file, formats=(kind,)) as picture:
                pages = getattr(picture, "n_frames", 1) if kind == "TIFF" else 1
                shape = frame_shape(name, (picture.height, picture.width, pages), _STORED.get(kind, 4), frame, most_bytes)
                voxels = np.empty(shape, np.float32)
                for page in range(pages):
                    picture.seek(page)
                    if (picture.height, picture.width) != shape[:2]:
                        raise ScanError(f"{name} has pages of different sizes; expected slices of one volume")
                    coloured |= _luminance(_loaded(picture), voxels[:, :, page])
    except ScanError:
        raise
    except UnidentifiedImageError as error:
        raise ScanError(f"{name} is no readable picture, though it begins as a {kind} file does") from error
    except Image.DecompressionBombError as error:
        raise ScanError(f"{name} is too large: it has more pixels than one picture may have here") from error
    except _DAMAGE as error:
        raise ScanError(f"{name} is a damaged or cut-off picture") from error
    return replace(axial_scan(name, voxels), notes=("colour was read as grey",) if coloured else ())


class _Whole(io.BufferedReader):
    """A file of which nobody reads more than there is: Python makes room for as much as is asked for, which a picture's chunks say."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self._size = path.stat().st_size

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(0, self._size - self.tell())
        return super().read(left if size is None or size < 0 else min(size, left))


def _loaded(picture: Image.Image) -> Image.Image:
    """The decoded picture without its decoder, where that keeps copies of its own until it is dropped."""
    picture.load()
    if picture.format == "WEBP":
        plain = picture._new(picture.im)
        picture._decoder = picture.fp = None  # type: ignore[attr-defined]
        return plain
    return picture


def _luminance(picture: Image.Image, grey: Array) -> bool:
    """Write grey values into an array of the picture's size. True if it had colours: many grey ones are stored as three equal channels."""
    coloured = False
    rows = max(1, _BAND // picture.width)
    for top in range(0, picture.height, rows):
        band = picture.crop((0, top, picture.width, min(top + rows, picture.height)))
        into = grey[top : top + rows]
        if band.mode in _GREY_MODES or band.mode.startswith("I;16"):
            into[:] = np.asarray(band)
        elif band.mode in ("1", "LA", "La"):
            into[:] = np.asarray(band.convert("L"))
        else:
            channels = np.asarray(band.convert("RGB"))
            into[:] = channels @ _LUMINANCE
            coloured = coloured or bool((channels != channels[..., :1]).any())
    return coloured


def _write_png(labels: Array, scan: Scan, path: Path) -> None:
    """A grey PNG of the label values themselves. Raises ScanError for several slices or frames."""
    if labels[0, 0].size != 1:
        raise ScanError(f"{path.name}: a PNG holds one slice, the scan has {labels[0, 0].size}; write .nii.gz or .npy")
    picture = labels.reshape(labels.shape[:2])
    # A picture has rows first; a DICOM slice, as every volume, columns.
    picture = picture.T if isinstance(scan.header, DicomSource) else picture
    Image.fromarray(np.ascontiguousarray(picture)).save(path, format="PNG")


PNG = _picture("PNG", (".png",), "\x89PNG", _write_png)
JPEG = _picture("JPEG", (".jpg", ".jpeg"), "\xff\xd8\xff")
TIFF = _picture("TIFF", (".tif", ".tiff"), "II[*+]\0|MM\0[*+]")
BMP = _picture("BMP", (".bmp",), "BM")
WEBP = _picture("WebP", (".webp",), "RIFF....WEBP")
