"""Pictures and plain arrays: no geometry of their own, so one convention for all of them.

voxels[row, column, slice], 1 mm apart. Rows run from anterior to posterior and columns from the patient's right to the left,
as radiologists look at an axial slice. Nothing is ever unpickled.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from vqseg.data.limits import MAX_BYTES, ScanError, frame_shape, require_real, with_finite_voxels
from vqseg.types import Array, Scan

NPY_MAGIC = b"\x93NUMPY"
PICTURE_MAGICS = (b"\x89PNG", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"BM")
_FORMATS = ("PNG", "JPEG", "TIFF", "BMP")
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


def read_picture(path: Path, frame: int, most_bytes: int = MAX_BYTES) -> Scan:
    """A PNG, JPEG, TIFF or BMP of 8 or 16 bits; the pages of a TIFF become slices. Colour becomes luminance (ITU-R BT.601)."""
    name = path.name
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures; ours are measured below.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=_FORMATS) as picture:
                pages = getattr(picture, "n_frames", 1) if picture.format == "TIFF" else 1
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
        raise ScanError(f"{name} is no readable picture; accepted: PNG, JPEG, TIFF and BMP") from error
    except _DAMAGE as error:
        raise ScanError(f"{name} is a damaged or cut-off picture") from error
    return _scan(name, voxels)


def read_array(path: Path, frame: int, most_bytes: int = MAX_BYTES) -> Scan:
    """A .npy of 2, 3 or 4 dimensions (frames last) of real numbers."""
    name = path.name
    try:
        # Mapped, so that shape and type are known before anything is read; an array of objects cannot be mapped.
        stored = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ScanError(f"{name} is no readable .npy file: damaged, cut off, or an array of Python objects") from error
    require_real(name, stored.dtype)
    shape = frame_shape(name, stored.shape, stored.dtype.itemsize, frame, most_bytes)
    chosen = stored.reshape(stored.shape[:4])[..., frame] if stored.ndim >= 4 else stored
    with np.errstate(over="ignore", invalid="ignore"):
        return _scan(name, np.array(chosen, np.float32).reshape(shape))


def write_png(labels: Array, path: Path) -> None:
    """labels (X, Y, 1) uint8 as a grey PNG of the label values themselves. Raises ScanError for several slices."""
    if labels.shape[2] != 1:
        raise ScanError(f"{path.name}: a PNG holds one slice, the scan has {labels.shape[2]}; write .nii.gz or .npy")
    Image.fromarray(labels[:, :, 0]).save(path, format="PNG")


def _scan(name: str, voxels: Array) -> Scan:
    affine = np.array([[0, -1, 0, 0], [-1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], dtype=np.float64)
    return Scan(with_finite_voxels(name, voxels), affine, (1.0, 1.0, 1.0), name)


def _luminance(picture: Image.Image) -> Array:
    if picture.mode in _GREY_MODES or picture.mode.startswith("I;16"):
        return np.asarray(picture).astype(np.float32)
    if picture.mode in ("1", "LA", "La"):
        return np.asarray(picture.convert("L")).astype(np.float32)
    return (np.asarray(picture.convert("RGB")) @ np.array([0.299, 0.587, 0.114])).astype(np.float32)
