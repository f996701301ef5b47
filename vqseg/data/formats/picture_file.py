"""A picture's pages from its file, by Pillow, with one kind of error for whatever is wrong with it."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from vqseg.data.limits import ScanError, frame_shape

# What Pillow's decoders raise on damaged files, as met in practice; a larger net would hide our own faults.
DAMAGE = (
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
_BAND = 1 << 16
"""Pixels that are converted at a time."""
_ORIENTATION = 0x0112
"""The number of this element in EXIF."""
_STORED = {"WEBP": 6}
"""Bytes a pixel that a limit counts, where decoding takes more than twelve besides the result."""


@dataclass(frozen=True)
class Pages:
    """shape: (rows, columns, pages). each: the picture once for each page. notes: what of the file is not in them."""

    shape: tuple[int, int, int]
    each: Iterator[Image.Image]
    notes: tuple[str, ...] = ()


@contextmanager
def opened_pages(path: Path, kind: str, frame: int | None, most_bytes: int) -> Iterator[Pages]:
    """Open a picture, for a block that decodes it page by page.

    Args:
        path: The file.
        kind: Pillow's name of its format.
        frame: From 0; a picture has one.
        most_bytes: Largest volume of the pages as float32.

    Yields:
        The pages. Those of a TIFF are slices; other kinds have one.

    Raises:
        ScanError: If it is damaged or too large, or its pages differ in size.
    """
    name = path.name
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures, which are measured below, and of what it reads nevertheless.
            warnings.simplefilter("ignore")
            with _Whole(path) as file, Image.open(file, formats=(kind,)) as picture:
                pages = getattr(picture, "n_frames", 1) if kind == "TIFF" else 1
                shape = frame_shape(name, (picture.height, picture.width, pages), _STORED.get(kind.upper(), 4), frame, most_bytes)
                yield Pages(shape, _pages(picture, shape, name), _left_out(picture, pages))
    except ScanError:
        raise
    except UnidentifiedImageError as error:
        raise ScanError(f"{name} is no readable picture, though it begins as a {kind} file does") from error
    except Image.DecompressionBombError as error:
        raise ScanError(f"{name} is too large: it has more pixels than one picture may have here") from error
    except DAMAGE as error:
        raise ScanError(f"{name} is a damaged or cut-off picture") from error


def _left_out(picture: Image.Image, pages: int) -> tuple[str, ...]:
    """What a picture holds beside the pixels of its pages, as its headers say."""
    notes: tuple[str, ...] = ()
    frames = getattr(picture, "n_frames", 1)
    if frames > pages:
        notes += (f"picture 1 of {frames} in the file was read",)
    if picture.mode in ("RGB", "RGBA") and any("16" in str(tile[3]) for tile in getattr(picture, "tile", ())):
        notes += ("colours of 16 bits were read with 8",)
    # A PNG would have to be decoded for it.
    if picture.format != "PNG" and picture.getexif().get(_ORIENTATION, 1) not in (0, 1):
        notes += ("the file asks to be shown turned or mirrored; its rows and columns were read as they are stored",)
    return notes


def _pages(picture: Image.Image, shape: tuple[int, int, int], name: str) -> Iterator[Image.Image]:
    for page in range(shape[2]):
        picture.seek(page)
        if (picture.height, picture.width) != shape[:2]:
            raise ScanError(f"{name} has pages of different sizes; expected slices of one volume")
        yield _loaded(picture)


def _loaded(picture: Image.Image) -> Image.Image:
    """The decoded picture without its decoder, where that keeps copies of its own until it is dropped."""
    picture.load()
    if picture.format == "WEBP":
        plain = picture._new(picture.im)
        picture._decoder = picture.fp = None  # type: ignore[attr-defined]
        return plain
    return picture


def bands(picture: Image.Image) -> Iterator[tuple[slice, Image.Image]]:
    """The picture in pieces of some rows, for conversions that take several times what the picture does. Yields the rows, and the piece."""
    count = max(1, _BAND // picture.width)
    for top in range(0, picture.height, count):
        rows = slice(top, min(top + count, picture.height))
        yield rows, picture.crop((0, rows.start, picture.width, rows.stop))


class _Whole(io.BufferedReader):
    """A file of which nobody reads more than there is: Python makes room for as much as is asked for, which a picture's chunks say."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self._size = path.stat().st_size

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(0, self._size - self.tell())
        return super().read(left if size is None or size < 0 else min(size, left))
