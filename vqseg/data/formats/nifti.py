"""NIfTI files: one frame in, one label volume out on the same grid.

The header is read from the head of the (decompressed) stream and judged before any voxel is: a small file may unpack to terabytes.
Only the fields of geometry go further than this module; descriptions, names and extensions can identify a patient.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, cast

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError

from vqseg.data.formats.format import Format
from vqseg.data.limits import (
    LARGEST_MM,
    SMALLEST_MM,
    ScanError,
    chosen_frame_notes,
    frame_shape,
    refuse_channels,
    require_real,
)
from vqseg.types import Array, Scan

_GZIP_MAGIC = b"\x1f\x8b"
_HEADERS: dict[int, Any] = {348: nib.Nifti1Header, 540: nib.Nifti2Header}
_GEOMETRY: tuple[str, ...] = ("xyzt_units", "qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d")
_GEOMETRY += ("qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z")
_CHUNK = 1 << 17
"""Voxels that are read and converted at a time, so that memory stays near that of the result."""
_LARGEST_OFFSET = 1 << 26
"""Bytes before the voxels: extensions are kilobytes; unpacking gigabytes to reach the first voxel is what a bomb asks for."""
_EXTENDER = 4
_MOST_MOVED = 0.1
"""Parts of a voxel by which two forms may differ."""
_SAME_SIZE = 1e-3
"""Relative difference of two sizes of a voxel that is no contradiction; headers are rounded."""
_CHANNEL_INTENTS = (1004, 1005, 1006, 1007, 2003, 2004)
"""Matrices, displacements, vectors and colours, in NIfTI's numbers."""
_MILLIMETRES = {"meter": 1000.0, "micron": 0.001}
_SECONDS = {"sec": 1.0, "msec": 0.001, "usec": 1e-6}


@dataclass(frozen=True)
class NiftiGrid:
    """The header of a label volume on a scan's grid, and its shape: (X, Y) or (X, Y, Z). Holds geometry only."""

    header: nib.Nifti1Header
    shape: tuple[int, ...]

    @property
    def is_placed(self) -> bool:
        """Whether a sound form says where the voxels lie; without one, programs disagree on which side is left."""
        return bool(_geometry(self.header).form)

    def plain(self) -> dict[str, Any]:
        """All of it but the shape, as JSON holds it."""
        fields = {field: np.asarray(self.header[field]).tolist() for field in (*_GEOMETRY, "pixdim")}
        return {"second": isinstance(self.header, nib.Nifti2Header), "fields": fields}

    @classmethod
    def of_plain(cls, told: dict[str, Any], shape: tuple[int, ...]) -> NiftiGrid:
        """The grid that `plain` was called of. Raises KeyError, TypeError, ValueError or OverflowError for anything else."""
        fresh = _HEADERS[540 if told["second"] else 348]()
        for field in (*_GEOMETRY, "pixdim"):
            fresh[field] = told["fields"][field]
        try:
            return _grid_of(fresh, shape)
        except HeaderDataError as error:
            raise ValueError("no shape of a NIfTI file") from error


def _recognise(start: bytes) -> bool:
    """Whether a file begins with a NIfTI-1 or NIfTI-2 header, of either byte order, or is compressed as one may be."""
    return start.startswith(_GZIP_MAGIC) or (_header_size(start) is not None and not is_pair(start))


def is_pair(start: bytes) -> bool:
    """Whether a file begins as the header of a NIfTI pair does, whose voxels lie in an .img beside it."""
    return _header_size(start) is not None and b"ni" in (start[344:346], start[4:6])


def _read_scan(path: Path, frame: int | None, most_bytes: int) -> Scan:
    """One frame as float32 with its slope and intercept applied."""
    name = path.name
    with path.open("rb") as file:
        zipped = file.read(2) == _GZIP_MAGIC
        file.seek(0)
        try:
            with cast(BinaryIO, gzip.GzipFile(fileobj=file) if zipped else file) as stream:
                header = _read_header(name, stream, zipped)
                channels = _channels(header)
                if channels > 1 and frame is None:
                    raise refuse_channels(name, channels)
                voxels = read_frame(name, stream, header, frame or 0, most_bytes)
                # At the end of a .gz this compares its checksum.
                stream.read(1)
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise ScanError(f"{name} is a broken or cut-off gzip file") from error
    frames, seconds = _moments(header)
    scan = placed(name, voxels, header)
    notes = chosen_frame_notes(frame, frames, seconds) + scan.notes
    return replace(scan, header=_grid(header, voxels.shape), frames=frames, frame_seconds=seconds, notes=notes)


def placed(name: str, voxels: Array, header: nib.Nifti1Header) -> Scan:
    """Voxels with the geometry of a NIfTI header, of a single file or of a pair, and what is wrong with it as notes."""
    geometry = _geometry(header)
    known = any(one != 1 for one in geometry.spacing) if geometry.form else spacing_known(header)
    notes = _contradictions(header, geometry, voxels.shape)
    return Scan(voxels, geometry.affine, geometry.spacing, name, notes=notes, spacing_known=known)


def _write_labels(labels: Array, scan: Scan, path: Path) -> None:
    """On the scan's grid: the input's own header geometry if it was NIfTI, else the scan's affine. A series has its frames last."""
    if isinstance(scan.header, NiftiGrid):
        # Without an affine nibabel leaves both forms and their codes as they were.
        shaped = labels if labels.ndim == 4 else labels.reshape(scan.header.shape)
        image = nib.Nifti1Image(shaped, None, scan.header.header)
        if isinstance(scan.header.header, nib.Nifti2Header):
            image = nib.Nifti2Image(shaped, None, scan.header.header)
    else:
        # A side of NIfTI-1 has 16 bits.
        image_kind: Any = nib.Nifti1Image if max(labels.shape) < 2**15 else nib.Nifti2Image
        image = image_kind(labels, scan.affine)
        image.header.set_xyzt_units("mm", "sec" if labels.ndim == 4 and scan.frame_seconds else None)
        if labels.ndim == 4:
            image.header["pixdim"][4] = scan.frame_seconds or 0.0
    image.to_filename(path)


def _header_size(start: bytes) -> int | None:
    for order in ("little", "big"):
        size = int.from_bytes(start[:4], order)
        if size == 348 and start[344:348] in (b"n+1\0", b"ni1\0"):
            return size
        if size == 540 and start[4:7] in (b"n+2", b"ni2"):
            return size
    return None


def _read_header(name: str, stream: BinaryIO, zipped: bool) -> nib.Nifti1Header:
    start = _read(stream, 348)
    size = _header_size(start)
    if size is None:
        raise ScanError(f"{name} is {'compressed but no NIfTI inside' if zipped else 'no NIfTI file'}; expected .nii or .nii.gz")
    if (start[344:346] if size == 348 else start[4:6]) == b"ni":
        raise ScanError(f"{name} is the header of a .hdr/.img pair; name it .hdr, with the .img beside it")
    start += _read(stream, size - 348)
    if len(start) < size:
        raise ScanError(f"{name} is cut off within its header")
    # check=False: nibabel's own repairs would refuse headers that are read correctly below.
    header: nib.Nifti1Header = _HEADERS[size](start, check=False)
    return header


def read_frame(name: str, stream: BinaryIO, header: Any, frame: int, most_bytes: int, *, position: int | None = None) -> Array:
    """The voxels of one frame from a stream, in pieces, with slope and intercept applied.

    Args:
        name: The file's name, for messages.
        stream: Stands behind the header.
        header: nibabel's, of NIfTI or Analyze.
        frame: From 0.
        most_bytes: Largest frame.
        position: Where the stream stands in its file; None for behind the header.

    Returns:
        (X, Y, Z) float32.

    Raises:
        ScanError: If the header makes no sense, the frame is too large, or the file ends before it.
    """
    try:
        dtype, shape = header.get_data_dtype(), _shape(header)
        slope, intercept = header.get_slope_inter()
    except (HeaderDataError, KeyError) as error:
        raise ScanError(f"{name} has an invalid NIfTI header: its data type, dimensions or slope make no sense") from error
    require_real(name, dtype)
    x, y, z = frame_shape(name, shape, dtype.itemsize, frame, most_bytes)
    offset = float(header["vox_offset"])
    if not 0 <= offset <= _LARGEST_OFFSET:
        raise ScanError(f"{name} has an invalid NIfTI header: its voxels would start at byte {offset:g}")
    # Behind a header stand four bytes that say whether extensions follow, whatever the header says of the voxels' place.
    if position is None:
        extended = _read(stream, _EXTENDER)[:1] not in (b"", b"\0")
        position = header.sizeof_hdr + _EXTENDER
        if extended and offset < position:
            raise ScanError(f"{name} has an invalid NIfTI header: it has extensions, and does not say where its voxels begin behind them")
    first = max(int(offset), position)
    _skip(stream, first + frame * x * y * z * dtype.itemsize - position)
    voxels = np.empty(x * y * z, np.float32)
    for first in range(0, voxels.size, _CHUNK):
        count = min(_CHUNK, voxels.size - first)
        content = _read(stream, count * dtype.itemsize)
        if len(content) < count * dtype.itemsize:
            raise ScanError(f"{name} is cut off: the file ends before the {x} x {y} x {z} voxels of frame {frame} that its header promises")
        stored = np.frombuffer(content, dtype)
        with np.errstate(over="ignore", invalid="ignore"):
            voxels[first : first + count] = stored if slope is None else stored * np.float64(slope) + np.float64(intercept)
    return voxels.reshape((x, y, z), order="F")


def _read(stream: BinaryIO, count: int) -> bytes:
    """`count` bytes, fewer only at the end of the stream: one read of a raw or gzip stream may return less."""
    buffer = io.BytesIO()
    while count > buffer.tell() and (part := stream.read(count - buffer.tell())):
        buffer.write(part)
    return buffer.getvalue()


def _skip(stream: BinaryIO, count: int) -> None:
    while count > 0 and (part := stream.read(min(count, 1 << 20))):
        count -= len(part)


@dataclass(frozen=True)
class _Geometry:
    """affine and spacing in millimetres. form: the field of the code of the form they come from, "" for none. unit: of the file, in mm."""

    affine: Array
    spacing: tuple[float, float, float]
    form: str
    unit: float


def _geometry(header: nib.Nifti1Header) -> _Geometry:
    """From one source: the sform, else the qform, else a diagonal of pixdim. The sizes of a voxel are those of the affine."""
    try:
        unit = _MILLIMETRES.get(header.get_xyzt_units()[0], 1.0)
    except KeyError:
        unit = 1.0
    for code in ("sform_code", "qform_code"):
        affine = _form(header, code, unit)
        if affine is not None:
            return _Geometry(affine, _three(np.linalg.norm(affine[:3, :3], axis=0)), code, unit)
    spacing = _spacing(header) * unit
    return _Geometry(np.diag([*spacing, 1.0]), _three(spacing), "", unit)


def _form(header: nib.Nifti1Header, code: str, unit: float) -> Array | None:
    """The affine of one form in millimetres; None if the header has none, or one that makes no sense."""
    if header[code] <= 0:
        return None
    try:
        matrix = header.get_sform() if code == "sform_code" else header.get_qform()
    except (HeaderDataError, ValueError):
        return None
    affine: Array = np.diag([unit, unit, unit, 1.0]) @ matrix
    with np.errstate(all="ignore"):
        sizes = np.linalg.norm(affine[:3, :3], axis=0)
        sound = np.isfinite(affine).all() and abs(np.linalg.det(affine)) > 1e-9 * sizes.prod()
    return affine if sound and (sizes > 0).all() else None


def _contradictions(header: nib.Nifti1Header, geometry: _Geometry, shape: tuple[int, ...]) -> tuple[str, ...]:
    """What the header says of the geometry in two places, differently."""
    if not geometry.form:
        claimed = header["sform_code"] > 0 or header["qform_code"] > 0
        return ("the header's form makes no sense: the sizes of its voxels were taken, where they lie is unknown",) if claimed else ()
    notes: tuple[str, ...] = ()
    stored = np.abs(header["pixdim"][1:4].astype(np.float64)) * geometry.unit
    # Of an axis of length 1 nobody needs the size.
    long = np.array(shape) > 1
    if not np.allclose(stored[long], np.array(geometry.spacing)[long], rtol=_SAME_SIZE):
        notes += (
            f"the header has two sizes of a voxel, {_sizes(stored)} and {_sizes(geometry.spacing)}; the second, of its affine, was taken",
        )
    other = _form(header, "qform_code", geometry.unit) if geometry.form == "sform_code" else None
    if other is not None and _moved(other, geometry.affine, shape) > _MOST_MOVED * min(geometry.spacing):
        moved = _moved(other, geometry.affine, shape)
        notes += (f"the header's sform and qform place the scan differently, by up to {moved:.1f} mm; the sform was taken",)
    return notes


def _moved(one: Array, other: Array, shape: tuple[int, ...]) -> float:
    """How far two affines place a corner of the volume apart, in millimetres."""
    corners = np.array([(*index, 1.0) for index in np.ndindex(2, 2, 2)]) * [*(np.array(shape) - 1), 1.0]
    return float(np.linalg.norm(corners @ (one - other).T, axis=1).max())


def _sizes(spacing: Sequence[float] | Array) -> str:
    return " x ".join(f"{one:.4g}" for one in spacing) + " mm"


def _shape(header: Any) -> tuple[int, ...]:
    """Of the array; what is stored for each voxel along the fifth axis comes as frames, as it is laid out in the same way."""
    shape = tuple(int(n) for n in header.get_data_shape())
    return shape[:3] + shape[4:] if len(shape) == 5 and shape[3] == 1 else shape


def _channels(header: nib.Nifti1Header) -> int:
    """How many numbers of one moment a voxel has, as the header says it: by the fifth axis, or by its intent."""
    shape = _shape(header)
    many = shape[3] if len(shape) == 4 else 1
    return many if len(header.get_data_shape()) == 5 or int(header["intent_code"]) in _CHANNEL_INTENTS else 1


def _moments(header: nib.Nifti1Header) -> tuple[int, float | None]:
    """How many frames there are, and the seconds from one to the next where the header says them."""
    shape = _shape(header)
    frames = shape[3] if len(shape) > 3 else 1
    try:
        unit = _SECONDS.get(header.get_xyzt_units()[1])
    except KeyError:
        unit = None
    step = float(header["pixdim"][4])
    return frames, step * unit if frames > 1 and unit and np.isfinite(step) and step > 0 else None


def _three(spacing: Array) -> tuple[float, float, float]:
    x, y, z = (float(one) for one in spacing)
    return x, y, z


def _spacing(header: nib.Nifti1Header) -> Array:
    """(3,) voxel size in the file's unit, without sign; one that is zero or that no voxel has counts as 1."""
    spacing: Array = np.abs(header["pixdim"][1:4].astype(np.float64))
    spacing[~_possible(spacing)] = 1.0
    return spacing


def spacing_known(header: Any) -> bool:
    """Whether the header says how large a voxel is. 1 x 1 x 1 is what converters write where they do not know."""
    stored = np.abs(header["pixdim"][1:4].astype(np.float64))
    return bool(_possible(stored).all() and (stored != 1).any())


def _possible(sizes: Array) -> Array:
    """Which of some sizes a voxel may have, in any of the units; NaN is none."""
    possible: Array = (sizes >= SMALLEST_MM / 1000) & (sizes <= LARGEST_MM * 1000)
    return possible


def _grid(header: nib.Nifti1Header, shape: tuple[int, ...]) -> NiftiGrid:
    # A fresh header that takes over geometry alone: whatever else a file carries is dropped by default.
    fresh = type(header)()
    for field in _GEOMETRY:
        fresh[field] = header[field]
    # Also where the sizes contradict the affine: whatever a program makes of the scan's header, it makes of its labels'.
    fresh["pixdim"][:4] = [header["pixdim"][0], *_spacing(header)]
    # The time between two frames, for the labels of a whole series; nibabel resets it for those of a single frame.
    fresh["pixdim"][4] = header["pixdim"][4]
    return _grid_of(fresh, tuple(shape[: min(len(header.get_data_shape()), 3)]))


def _grid_of(fresh: nib.Nifti1Header, shape: tuple[int, ...]) -> NiftiGrid:
    pixdim = fresh["pixdim"].copy()
    fresh.set_data_dtype(np.uint8)
    fresh.set_data_shape(shape)
    fresh["pixdim"] = pixdim
    return NiftiGrid(fresh, shape)


NIFTI = Format(name="NIfTI", endings=(".nii.gz", ".nii"), recognises=_recognise, read=_read_scan, write_labels=_write_labels)
