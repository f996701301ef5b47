"""A picture's pages from its file, by Pillow, with one kind of error for whatever is wrong with it."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from vqseg.data.limits import ScanError, frame_shape

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
    Image.DecompressionBombError,
)


@contextmanager
def opened_pages(path: Path, kind: str, frame: int | None, most_bytes: int) -> Iterator[tuple[tuple[int, int, int], Iterator[Image.Image]]]:
    """Open a picture, for a block that decodes it page by page.

    Args:
        path: The file.
        kind: Pillow's name of its format.
        frame: From 0; a picture has one.
        most_bytes: Largest volume of the pages as float32.

    Yields:
        (rows, columns, pages), and the picture once for each page. The pages of a TIFF are slices; other kinds have one.

    Raises:
        ScanError: If it is damaged or too large, or its pages differ in size.
    """
    name = path.name
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures; ours are measured below.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=(kind,)) as picture:
                pages = getattr(picture, "n_frames", 1) if kind == "TIFF" else 1
                shape = frame_shape(name, (picture.height, picture.width, pages), 4, frame, most_bytes)
                yield shape, _pages(picture, shape, name)
    except ScanError:
        raise
    except UnidentifiedImageError as error:
        raise ScanError(f"{name} is no readable picture, though it begins as a {kind} file does") from error
    except _DAMAGE as error:
        raise ScanError(f"{name} is a damaged or cut-off picture") from error


def _pages(picture: Image.Image, shape: tuple[int, int, int], name: str) -> Iterator[Image.Image]:
    for page in range(shape[2]):
        picture.seek(page)
        if (picture.height, picture.width) != shape[:2]:
            raise ScanError(f"{name} has pages of different sizes; expected slices of one volume")
        yield picture
