"""NumPy's .npy and .npz: arrays without geometry. Nothing is ever unpickled."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from math import prod
from pathlib import Path

import numpy as np

from vqseg.data.formats.axial import axial_scan
from vqseg.data.formats.format import Format
from vqseg.data.formats.members import ZIP_MAGIC, members_of_zip, unpacked
from vqseg.data.formats.places import Unplaced
from vqseg.data.limits import ScanError, chosen_frame_notes, frame_shape, require_real
from vqseg.files import npy_header
from vqseg.types import Array, Scan

_USUAL = ("image", "data", "arr_0")
_USUAL_LABELS = ("labels", "label", "mask", "arr_0")
"""Names of the array that is meant, where an archive holds several."""


def _recognise(start: bytes) -> bool:
    return start.startswith(b"\x93NUMPY")


def _read(path: Path, frame: int | None, most_bytes: int, name: str | None = None) -> Scan:
    """Real numbers in 2, 3 or 4 dimensions, the frames last."""
    name = name or path.name
    with path.open("rb") as file:
        header = npy_header(file)
    if header is None:
        raise ScanError(f"{name} is no readable .npy file: damaged, cut off, or an array of Python objects")
    pictures = len(header.shape) == 4 and header.shape[1] == 1 and min(header.shape[2:]) > 1
    read_as = (*header.shape[2:], header.shape[0]) if pictures else header.shape
    shape = frame_shape(name, read_as, header.dtype.itemsize, frame, most_bytes)
    if header.offset + prod(header.shape) * header.dtype.itemsize > path.stat().st_size:
        raise ScanError(f"{name} is no readable .npy file: it ends before the voxels that its header promises")
    require_real(name, header.dtype)
    # Mapped, so that of a cine only one frame is read.
    stored = np.memmap(path, header.dtype, "r", header.offset, header.shape, "F" if header.columns_first else "C")
    if pictures:
        return _picture_series(name, stored)
    chosen = stored.reshape(stored.shape[:4])[..., frame or 0] if stored.ndim >= 4 else stored
    with np.errstate(over="ignore", invalid="ignore"):
        scan = axial_scan(name, np.array(chosen, np.float32).reshape(shape))
    frames = stored.shape[3] if stored.ndim >= 4 else 1
    return replace(scan, frames=frames, notes=chosen_frame_notes(frame, frames, None))


def _picture_series(name: str, stored: Array) -> Scan:
    """Pictures as the slices of one volume, voxels[row, column, number]."""
    volume = stored[:, 0].transpose(1, 2, 0)
    with np.errstate(over="ignore", invalid="ignore"):
        scan = axial_scan(name, np.array(volume, np.float32))
    note = f"an array of {stored.shape[0]} pictures with one channel was read as slices"
    return replace(scan, header=Unplaced("pictures"), notes=(note,) if stored.shape[0] > 1 else ())


def _as_came(labels: Array, scan: Scan) -> Array:
    """Labels in the shape of the array that they belong to."""
    return labels.transpose(2, 0, 1)[:, None] if scan.header == Unplaced("pictures") and labels.ndim == 3 else labels


def _recognise_archive(start: bytes) -> bool:
    """A zip whose first file is an array, as NumPy writes it."""
    length = int.from_bytes(start[26:28], "little")
    return start.startswith(ZIP_MAGIC) and start[30 : 30 + length].endswith(b".npy")


def _read_archive(path: Path, frame: int | None, most_bytes: int, names: tuple[str, ...] = _USUAL) -> Scan:
    """The only array of an archive, or the one under a name that says that it is the image, or the labels."""
    name = path.name
    with members_of_zip(path) as members:
        arrays = {member.name.removesuffix(".npy"): member for member in members if member.name.endswith(".npy")}
        usual = [one for one in names if one in arrays]
        if len(arrays) != 1 and len(usual) != 1:
            raise ScanError(
                f"{name} holds {len(arrays)} arrays; expected one, or one that is called {', '.join(names[:-1])} or {names[-1]}"
            )
        member = next(iter(arrays.values())) if len(arrays) == 1 else arrays[usual[0]]
        # Under a name of ours, to be mapped as any array is.
        with unpacked([replace(member, name="array.npy")], name) as folder:
            scan = _read(folder / "array.npy", frame, most_bytes, name)
    if len(arrays) > 1:
        return replace(scan, notes=(*scan.notes, f"of {len(arrays)} arrays in the file the one called {usual[0]} was read"))
    return scan


def _write_archive(labels: Array, scan: Scan, path: Path) -> None:
    with path.open("wb") as file:
        np.savez_compressed(file, labels=_as_came(labels, scan))


def _write_labels(labels: Array, scan: Scan, path: Path) -> None:
    # Through an open file: handed a path, NumPy adds its own ending to a name in capitals.
    with path.open("wb") as file:
        np.save(file, _as_came(labels, scan), allow_pickle=False)


NUMPY = Format(name="NumPy", endings=(".npy",), recognises=_recognise, read=_read, write_labels=_write_labels)
NUMPY_ARCHIVE = Format(
    name="NumPy archive",
    endings=(".npz",),
    recognises=_recognise_archive,
    read=_read_archive,
    read_labels=partial(_read_archive, names=_USUAL_LABELS),
    write_labels=_write_archive,
)
