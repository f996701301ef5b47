"""What a scan may be, checked before its voxels are read, and the error that says what came instead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import prod

import numpy as np

from vqseg.extras import how_to_get
from vqseg.types import Array, Scan

MAX_BYTES = 2 * 1024**3
"""Largest volume that is read, in bytes as stored or as float32, whichever is more: 512 x 512 x 1500 slices of CT fit."""

SMALLEST_MM, LARGEST_MM = 1e-6, 1e5
"""Sizes of a voxel, from a nanometre to what no scanner has."""
_FARTHEST_MM = 1e9
_FLATTEST = 1e-6
"""Of the volume between three unit vectors."""

MOST_CHANNELS = 8
"""A fourth axis of at most this length may hold channels (modalities, echoes); a cine has more frames."""


class ScanError(ValueError):
    """A file that cannot be read or written as a scan. The message names the file, never its folder and nothing from its header."""


class UnforeseenError(ScanError):
    """A file that its reader has failed at without saying so. For a person it is damaged; for the fuzzer it is a fault of the reader.

    Its cause is what was raised.
    """


@contextmanager
def foreseen(name: str) -> Iterator[None]:
    """Turn whatever a reader raises on a file into an error of ours: a file is never a reason for anything else.

    Args:
        name: The file's name, for the message.

    Raises:
        ScanError: As the block; also if there is not enough memory.
        UnforeseenError: For anything that is neither a ScanError nor an OSError.
    """
    try:
        yield
    except (ScanError, OSError):
        raise
    except MemoryError as error:
        raise ScanError(f"{name} takes more memory to read than there is") from error
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and (answer := how_to_get(error)):
            raise ScanError(f"{name} cannot be read here: {answer}") from error
        raise UnforeseenError(f"{name} could not be read: it is damaged in a way that its reader does not expect") from error


def require_geometry(name: str, affine: Array, spacing: Sequence[float] = ()) -> None:
    """Check that voxels have sizes that something can have, so that nobody divides by them in vain.

    Args:
        name: The file's name, for the message.
        affine: (4, 4).
        spacing: Millimetres along each axis, where they are known besides.

    Raises:
        ScanError: They have not.
    """
    # NaN is not below it, either.
    if not (np.abs(affine) < _FARTHEST_MM).all():
        raise ScanError(f"{name} has no place: its origin or its axes are not finite, or farther than {_FARTHEST_MM:g} mm")
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    for sizes in (lengths, spacing):
        if not all(SMALLEST_MM <= size <= LARGEST_MM for size in sizes):
            told = " x ".join(f"{size:.3g}" for size in sizes)
            raise ScanError(f"{name} has voxels of {told} mm; expected {SMALLEST_MM:g} to {LARGEST_MM:g} mm")
    if abs(np.linalg.det(affine[:3, :3] / lengths)) < _FLATTEST:
        raise ScanError(f"{name} has axes that do not span a volume")


def frame_shape(name: str, shape: tuple[int, ...], itemsize: int, frame: int | None, most_bytes: int = MAX_BYTES) -> tuple[int, int, int]:
    """The shape of one frame of an array whose frames lie along the fourth axis.

    Args:
        name: The file's name, for the message.
        shape: Of the array: 2, 3 or 4 axes. Further axes of length 1 are dropped.
        itemsize: Bytes per voxel as stored.
        frame: From 0; None for the first.
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
    frames, frame = shape[3] if len(shape) == 4 else 1, frame or 0
    if not 0 <= frame < frames:
        raise ScanError(f"{name} has no frame {frame}; accepted: " + (f"0 to {frames - 1}" if frames > 1 else "0 only"))
    x, y, z = (*shape, 1)[:3]
    if prod((x, y, z)) * max(itemsize, 4) > most_bytes:
        most = min(most_bytes, MAX_BYTES) // max(itemsize, 4)
        raise ScanError(f"{name} is too large: {x} x {y} x {z} voxels; at most {most / 1e6:.0f} million are read here")
    return x, y, z


def chosen_frame_notes(frame: int | None, frames: int, seconds: float | None) -> tuple[str, ...]:
    """What to say of a fourth axis that may hold channels, where nobody chose one.

    Args:
        frame: The one that was asked for; None for none.
        frames: How long the axis is.
        seconds: Between two frames; None if unknown. Exactly one is what tools write that do not know it.

    Returns:
        A note for a short axis without a time, else nothing.
    """
    if frame is not None or not 1 < frames <= MOST_CHANNELS or seconds not in (None, 1.0):
        return ()
    return (f"frame 1 of {frames} was read; if the fourth axis holds channels rather than moments, choose one",)


def refuse_channels(name: str, channels: int) -> ScanError:
    """The error for a voxel of several numbers, of which nobody chose one.

    Args:
        name: The file's name.
        channels: How many there are.
    """
    return ScanError(f"{name} holds {channels} channels a voxel; choose one of them as its frame, 0 to {channels - 1}")


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


def with_finite_voxels(scan: Scan) -> Scan:
    """Set NaN and infinite voxels to the smallest finite one, and say so.

    Args:
        scan: As its file has it; the voxels are changed in place.

    Returns:
        The scan, with a note where a voxel held no number.

    Raises:
        ScanError: No voxel is finite.
    """
    finite = np.isfinite(scan.voxels)
    missing = finite.size - int(np.count_nonzero(finite))
    if missing == finite.size:
        raise ScanError(f"{scan.name} holds no finite voxel")
    if not missing:
        return scan
    # where and not an index: that would copy a large scan.
    np.copyto(scan.voxels, np.min(scan.voxels, where=finite, initial=np.inf), where=~finite)
    what = "1 voxel holds" if missing == 1 else f"{missing} voxels hold"
    return replace(scan, notes=(*scan.notes, f"{what} no finite number; the smallest value of the others was taken"))
