"""NumPy's .npy: an array without geometry. Nothing is ever unpickled."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from vqseg.data.formats.axial import axial_scan
from vqseg.data.formats.format import Format
from vqseg.data.limits import ScanError, frame_shape, require_real
from vqseg.types import Array, Scan


def _recognise(start: bytes) -> bool:
    return start.startswith(b"\x93NUMPY")


def _read(path: Path, frame: int, most_bytes: int) -> Scan:
    """Real numbers in 2, 3 or 4 dimensions, the frames last."""
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
        scan = axial_scan(name, np.array(chosen, np.float32).reshape(shape))
    return replace(scan, frames=stored.shape[3] if stored.ndim >= 4 else 1)


def _write_labels(labels: Array, scan: Scan, path: Path) -> None:
    # Through an open file: handed a path, NumPy adds its own ending to a name in capitals.
    with path.open("wb") as file:
        np.save(file, labels, allow_pickle=False)


NUMPY = Format(name="NumPy", endings=(".npy",), recognises=_recognise, read=_read, write_labels=_write_labels)
