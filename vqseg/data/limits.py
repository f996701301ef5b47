"""What a scan may be, checked before its voxels are read, and the error that says what came instead."""

from __future__ import annotations

from math import prod

import numpy as np

from vqseg.types import Array

MAX_BYTES = 2 * 1024**3
"""Largest volume that is read, in bytes as stored or as float32, whichever is more: 512 x 512 x 1500 slices of CT fit."""


class ScanError(ValueError):
    """A file that cannot be read or written as a scan. The message names the file, never its folder and nothing from its header."""


def frame_shape(name: str, shape: tuple[int, ...], itemsize: int, frame: int, most_bytes: int = MAX_BYTES) -> tuple[int, int, int]:
    """The shape of one frame of an array whose frames lie along the fourth axis.

    Args:
        name: The file's name, for the message.
        shape: Of the array: 2, 3 or 4 axes. Further axes of length 1 are dropped.
        itemsize: Bytes per voxel as stored.
        frame: From 0.
        most_bytes: Largest frame, in bytes as stored or as float32, whichever is more.

    Returns:
        (X, Y, Z).

    Raises:
        ScanError: The array has other dimensions or an empty axis, the frame does not exist, or it is too large.
    """
    while len(shape) > 4 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) not in (2, 3, 4):
        raise ScanError(f"{name} has {len(shape)} dimension(s); expected 2, 3 or 4 (frames last)")
    if min(shape) < 1:
        raise ScanError(f"{name} is empty: its shape is {shape}")
    frames = shape[3] if len(shape) == 4 else 1
    if not 0 <= frame < frames:
        raise ScanError(f"{name} has no frame {frame}; accepted: " + (f"0 to {frames - 1}" if frames > 1 else "0 only"))
    x, y, z = (*shape, 1)[:3]
    if prod((x, y, z)) * max(itemsize, 4) > most_bytes:
        most = min(most_bytes, MAX_BYTES) // max(itemsize, 4)
        raise ScanError(f"{name} is too large: {x} x {y} x {z} voxels; at most {most / 1e6:.0f} million are read here")
    return x, y, z


def require_real(name: str, dtype: np.dtype) -> None:
    """Check that a voxel is one real number: no complex numbers, no colour records, no objects.

    Args:
        name: The file's name, for the message.
        dtype: Of the stored voxels.

    Raises:
        ScanError: It is not.
    """
    if dtype.kind not in "biuf":
        kind = "complex" if dtype.kind == "c" else "colour or record" if dtype.kind == "V" else str(dtype)
        raise ScanError(f"{name} holds {kind} voxels; expected one real number a voxel")


def with_finite_voxels(name: str, voxels: Array) -> Array:
    """Set NaN and infinite voxels to the smallest finite one.

    Args:
        name: The file's name, for the message.
        voxels: float32 of any shape; changed in place.

    Returns:
        The same array.

    Raises:
        ScanError: No voxel is finite.
    """
    finite = np.isfinite(voxels)
    if not finite.any():
        raise ScanError(f"{name} holds no finite voxel")
    if not finite.all():
        # where and not an index: that would copy a large scan.
        np.copyto(voxels, np.min(voxels, where=finite, initial=np.inf), where=~finite)
    return voxels
