"""Pictures: PNG, JPEG, TIFF and BMP, read by Pillow."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from vqseg.data.formats.axial import axial_scan
from vqseg.data.formats.format import Format
from vqseg.data.limits import ScanError, frame_shape
from vqseg.types import Array, Scan

_GREY_MODES = ("L", "I", "F")
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


def _picture(
    name: str, endings: tuple[str, ...], magics: tuple[bytes, ...], write: Callable[[Array, Scan, Path], None] | None = None
) -> Format:
    """A format that Pillow knows by the same name; labels of such a scan become PNG, which loses nothing."""

    def recognise(start: bytes) -> bool:
        return start.startswith(magics)

    def read(path: Path, frame: int, most_bytes: int) -> Scan:
        return _read(path, frame, most_bytes, name)

    return Format(name=name, endings=endings, recognises=recognise, read=read, write_labels=write, labels_as=".png")


def _read(path: Path, frame: int, most_bytes: int, kind: str) -> Scan:
    """A picture of 8 or 16 bits; the pages of a TIFF become slices. Colour becomes luminance (ITU-R BT.601)."""
    name = path.name
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures; ours are measured below.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=(kind,)) as picture:
                pages = getattr(picture, "n_frames", 1) if kind == "TIFF" else 1
                shape = frame_shape(name, (picture.height, picture.width, pages), 4, frame, most_bytes)
                voxels = np.empty(shape, np.float32)
                for page in range(pages):
                    picture.seek(page)
                    if (picture.height, picture.width) != shape[:2]:
                        raise ScanError(f"{name} has pages of different sizes; expected slices of one volume")
                    voxels[:, :, page] = _luminance(picture)
    except ScanError:
        raise
    except UnidentifiedImageError as error:
        raise ScanError(f"{name} is no readable picture, though it begins as a {kind} file does") from error
    except _DAMAGE as error:
        raise ScanError(f"{name} is a damaged or cut-off picture") from error
    return axial_scan(name, voxels)


def _luminance(picture: Image.Image) -> Array:
    if picture.mode in _GREY_MODES or picture.mode.startswith("I;16"):
        return np.asarray(picture).astype(np.float32)
    if picture.mode in ("1", "LA", "La"):
        return np.asarray(picture.convert("L")).astype(np.float32)
    luminance: Array = np.asarray(picture.convert("RGB")) @ np.array([0.299, 0.587, 0.114])
    return luminance.astype(np.float32)


def _write_png(labels: Array, scan: Scan, path: Path) -> None:
    """A grey PNG of the label values themselves. Raises ScanError for several slices or frames."""
    if labels[0, 0].size != 1:
        raise ScanError(f"{path.name}: a PNG holds one slice, the scan has {labels[0, 0].size}; write .nii.gz or .npy")
    Image.fromarray(labels.reshape(labels.shape[:2])).save(path, format="PNG")


PNG = _picture("PNG", (".png",), (b"\x89PNG",), _write_png)
JPEG = _picture("JPEG", (".jpg", ".jpeg"), (b"\xff\xd8\xff",))
TIFF = _picture("TIFF", (".tif", ".tiff"), (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"))
BMP = _picture("BMP", (".bmp",), (b"BM",))
