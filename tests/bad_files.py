"""Files that visitors send by mistake or with intent: those that are refused, with what is said, and odd ones that are scans."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
from PIL import Image

SHAPE = (40, 48, 6)
PLAIN = np.diag([-1.5, -1.5, 8.0, 1.0])


def voxels(shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    """Nested ellipses, int16."""
    axes = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape[:2]), indexing="ij")
    radius = np.hypot(axes[0] - 0.1, 0.8 * axes[1]).reshape(*shape[:2], *(1,) * (len(shape) - 2))
    values = 250 * (radius < 0.75) + 200 * (radius < 0.5) + 350 * (radius < 0.25) + 40 * axes[1].reshape(radius.shape)
    return np.broadcast_to(values, shape).astype(np.int16)


def nifti(path: Path, array: np.ndarray, affine: np.ndarray = PLAIN, **fields: object) -> Path:
    """Saved with single header fields overwritten, as no library would write them."""
    image = nib.Nifti1Image(array, affine)
    image.to_filename(path)
    if fields:
        content = gzip.decompress(path.read_bytes())
        header = nib.Nifti1Header(content[:348], check=False)
        for name, value in fields.items():
            header[name] = value
        path.write_bytes(gzip.compress(header.binaryblock + content[348:]))
    return path


def bomb(path: Path, start: bytes) -> Path:
    """A .gz of a few megabytes that unpacks to `start` and two gigabytes of zeros."""
    zeros = gzip.compress(bytes(1 << 26))
    path.write_bytes(gzip.compress(start) + 32 * zeros)
    return path


def _header(shape: tuple[int, ...], offset: float = 352) -> bytes:
    header = nib.Nifti1Header()
    header.set_data_dtype(np.int16)
    header.set_data_shape(shape)
    header["vox_offset"], header["magic"] = offset, b"n+1"
    return header.binaryblock + bytes(4)


def _bytes(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _colour() -> np.ndarray:
    return np.zeros((8, 8, 2), np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]))


REFUSED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "letter.pdf": (lambda path: _bytes(path, b"%PDF-1.7 no scan"), "letter.pdf is of an unknown type; accepted: NIfTI"),
    "slice.dcm": (
        lambda path: _bytes(path, bytes(128) + b"DICM" + bytes(900)),
        "slice.dcm is DICOM, but damaged or cut off",
    ),
    "noise.nii.gz": (lambda path: _bytes(path, b"\x1f\x8b\x08" + bytes(range(256)) * 8), "noise.nii.gz is a broken or cut-off gzip file"),
    "cut.nii.gz": (lambda path: _cut(nifti(path, voxels())), "cut.nii.gz is a broken or cut-off gzip file"),
    "cut.nii": (lambda path: _cut(nifti(path, voxels())), "cut.nii is cut off: the file ends before the 40 x 48 x 6 voxels"),
    "nothing.nii": (lambda path: _bytes(path, b""), "nothing.nii is an empty file"),
    "zero.nii.gz": (lambda path: nifti(path, voxels(), dim=[3, 40, 0, 6, 1, 1, 1, 1]), "zero.nii.gz is empty: its shape is (40, 0, 6)"),
    "holes.nii.gz": (lambda path: nifti(path, np.full(SHAPE, np.nan, np.float32)), "holes.nii.gz holds no finite voxel"),
    "five.nii.gz": (lambda path: nifti(path, voxels((8, 8, 2, 2, 2))), "five.nii.gz has 5 dimension(s); expected 2, 3 or 4"),
    "waves.nii.gz": (lambda path: nifti(path, voxels().astype(np.complex64)), "waves.nii.gz holds complex voxels"),
    "colour.nii.gz": (lambda path: nifti(path, _colour()), "colour.nii.gz holds colour or record voxels"),
    "zeros.nii.gz": (lambda path: bomb(path, b""), "zeros.nii.gz is compressed but no NIfTI inside"),
    "large.nii.gz": (lambda path: bomb(path, _header((1024, 1024, 1024))), "large.nii.gz is too large: 1024 x 1024 x 1024 voxels"),
    "far.nii.gz": (
        lambda path: bomb(path, _header(SHAPE, 2e9)),
        "far.nii.gz has an invalid NIfTI header: its voxels would start at byte 2e+09",
    ),
    "pixels.png": (lambda path: _bytes(path, b"\x89PNG\r\n\x1a\n" + bytes(64)), "pixels.png is"),
    "objects.npy": (lambda path: _objects(path), "objects.npy is no readable .npy file"),
}
"""By name: how it is made, and what the visitor reads."""

ACCEPTED: dict[str, Callable[[Path], Path]] = {
    "partly.nii.gz": lambda path: nifti(path, _partly()),
    "constant.nii.gz": lambda path: nifti(path, np.full(SHAPE, 7, np.int16)),
    "one-slice.nii.gz": lambda path: nifti(path, voxels((40, 48, 1))),
    "flat.nii.gz": lambda path: nifti(path, voxels((40, 48))),
    "negative.nii.gz": lambda path: nifti(path, voxels(), pixdim=[1, -1.5, 1.5, -8, 0, 0, 0, 0]),
    "zero-spacing.nii.gz": lambda path: nifti(path, voxels(), pixdim=[1, 0, 0, 0, 0, 0, 0, 0], sform_code=0, qform_code=0),
    "oblique.nii.gz": lambda path: nifti(
        path, voxels(), nib.affines.from_matvec(np.array([[-1.2, 0.5, 2.0], [0.6, -1.3, 1.0], [0.2, 0.6, 7.5]]), [9.0, -3.0, 4.0])
    ),
    "flipped.nii.gz": lambda path: nifti(path, voxels(), np.diag([1.5, -1.5, -8.0, 1.0])),
    "turned.nii.gz": lambda path: nifti(path, voxels(), np.array([[0, 0, -8.0, 3], [1.5, 0, 0, 0], [0, -1.5, 0, 7], [0, 0, 0, 1]])),
    "tail.nii.gz": lambda path: bomb(path, _header(SHAPE) + voxels().tobytes(order="F")),
    "deep.png": lambda path: _picture(path, voxels((40, 48)).astype(np.uint16) * 60),
    "clear.png": lambda path: _picture(
        path, np.dstack([voxels((40, 48)).clip(0, 255).astype(np.uint8)] * 3 + [np.full((40, 48), 90, np.uint8)])
    ),
}


def _cut(path: Path) -> Path:
    content = path.read_bytes()
    return _bytes(path, content[: len(content) * 2 // 3])


def _objects(path: Path) -> Path:
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return path


def _partly() -> np.ndarray:
    values = voxels().astype(np.float32)
    values[2:5], values[9], values[11] = np.nan, np.inf, -np.inf
    return values


def _picture(path: Path, array: np.ndarray) -> Path:
    Image.fromarray(array).save(path)
    return path
