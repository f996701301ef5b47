"""What passes between the two processes: a request and what is told of a scan as JSON, its voxels as plain bytes. Nothing is unpickled.

The answer of a process that has read a hostile file is worth no more than that file, so every value of it is checked.
"""

from __future__ import annotations

import json
from dataclasses import replace
from math import isfinite, prod
from typing import Any, BinaryIO, get_args

import numpy as np

from vqseg.data.formats.dicom import DicomSource, ReferencedImage
from vqseg.data.formats.nifti import NiftiGrid
from vqseg.data.formats.places import PlaceKind, Unplaced
from vqseg.data.limits import MOST_CHANNELS, ScanError, frame_shape
from vqseg.types import Array, Scan

_LONGEST = 1 << 26
"""Bytes of JSON. A DICOM series of a hundred thousand images has a quarter of it."""
_LONGEST_TEXT = 4096
_CHECKED = 1 << 20
"""Voxels that are looked at a time."""


class WireError(ValueError):
    """What came is no answer."""


def send(stream: BinaryIO, told: dict[str, Any]) -> None:
    """Write one message."""
    content = json.dumps(told).encode()
    stream.write(len(content).to_bytes(8, "little") + content)
    stream.flush()


def receive(stream: BinaryIO) -> dict[str, Any]:
    """Read one message. Raises WireError if none comes, or it is none."""
    length = int.from_bytes(_whole(stream, 8), "little")
    if length > _LONGEST:
        raise WireError("too long")
    try:
        told = json.loads(_whole(stream, length))
    except (ValueError, RecursionError) as error:
        raise WireError("no JSON") from error
    if not isinstance(told, dict):
        raise WireError("no object")
    return told


def send_scan(stream: BinaryIO, scan: Scan) -> None:
    """Write a scan. It is read in the memory order in which its reader has made it."""
    order = "F" if scan.voxels.flags.f_contiguous and not scan.voxels.flags.c_contiguous else "C"
    send(stream, {"scan": {**_told(scan), "order": order}})
    stream.write(_as_bytes(np.asarray(scan.voxels, np.float32, order="F" if order == "F" else "C"), order))
    stream.flush()


def receive_scan(stream: BinaryIO, told: Any, name: str, most_bytes: int, *, finite: bool = True) -> Scan:
    """A scan out of its message and of the voxels that follow it.

    Args:
        stream: Stands behind the message.
        told: What the message says of the scan.
        name: What is read, for the message of an error.
        most_bytes: Largest volume.
        finite: Whether every voxel has to be a finite number.

    Raises:
        WireError: If this is no scan.
        ScanError: If it is larger than was allowed.
    """
    try:
        shape, order = tuple(_count(n) for n in told["shape"]), told["order"]
        channels = shape[3:]
        if len(shape) not in (3, 4) or any(not 2 <= count <= MOST_CHANNELS for count in channels) or order not in ("C", "F"):
            raise WireError("no volume")
        # Before any memory is taken for it.
        scan = replace(_scan(told), name=_text(told["name"]))
        voxels = np.empty((*frame_shape(name, shape[:3], 4 * prod(channels), 0, most_bytes), *channels), np.float32, order=order)
    except ScanError:
        raise
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise WireError("no scan") from error
    into = _as_bytes(voxels, order)
    if _fill(stream, into) < len(into):
        raise WireError("cut off")
    flat = voxels.reshape(-1, order="A")
    if finite and not all(np.isfinite(flat[first : first + _CHECKED]).all() for first in range(0, flat.size, _CHECKED)):
        raise WireError("not finite")
    return replace(scan, voxels=voxels)


def _told(scan: Scan) -> dict[str, Any]:
    return {
        "shape": scan.voxels.shape,
        "affine": np.asarray(scan.affine, np.float64).tolist(),
        "spacing": [float(one) for one in scan.spacing],
        "name": scan.name,
        "frames": scan.frames,
        "frame_seconds": scan.frame_seconds,
        "notes": list(scan.notes),
        "spacing_known": bool(scan.spacing_known),
        "header": _header(scan.header),
    }


def _scan(told: dict[str, Any]) -> Scan:
    """A scan without its voxels."""
    affine = np.array([[_number(one) for one in row] for row in told["affine"]])
    spacing = [_number(one) for one in told["spacing"]]
    if affine.shape != (4, 4) or len(spacing) != 3 or min(spacing) <= 0:
        raise WireError("no geometry")
    seconds = told["frame_seconds"]
    return Scan(
        np.empty(0, np.float32),
        affine,
        (spacing[0], spacing[1], spacing[2]),
        "",
        _header_of(told["header"]),
        max(1, _count(told["frames"])),
        None if seconds is None else _number(seconds),
        tuple(_text(one) for one in told["notes"]),
        told["spacing_known"] is True,
    )


_PLACES: dict[str, PlaceKind] = {kind: kind for kind in get_args(PlaceKind)}


def _header(header: object) -> dict[str, Any] | None:
    if isinstance(header, NiftiGrid):
        return {"nifti": header.plain(), "shape": header.shape}
    if isinstance(header, Unplaced):
        return {"unplaced": header.kind}
    if isinstance(header, DicomSource):
        images = [[one.sop_class, one.sop, one.series, one.frame] for one in header.images]
        return {"dicom": [header.study, header.reference, header.modality], "images": images}
    return None


def _header_of(told: Any) -> NiftiGrid | DicomSource | Unplaced | None:
    if told is None:
        return None
    if "unplaced" in told:
        return Unplaced(_PLACES[_text(told["unplaced"])])
    if "nifti" in told:
        return NiftiGrid.of_plain(told["nifti"], tuple(_count(n) for n in told["shape"]))
    study, reference, modality = (_text(one) for one in told["dicom"])
    images = [ReferencedImage(_text(a), _text(b), _text(c), None if frame is None else _count(frame)) for a, b, c, frame in told["images"]]
    return DicomSource(study, reference, modality, tuple(images))


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise WireError("no text")
    return value


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise WireError("no count")
    return value


def _number(value: Any) -> float:
    if not isinstance(value, (int, float)) or not isfinite(value):
        raise WireError("no number")
    return float(value)


def _as_bytes(voxels: Array, order: str) -> memoryview:
    return (voxels.T if order == "F" else voxels).reshape(-1).data.cast("B")


def _whole(stream: BinaryIO, count: int) -> bytes:
    content = bytearray(count)
    if _fill(stream, memoryview(content)) < count:
        raise WireError("cut off")
    return bytes(content)


def _fill(stream: BinaryIO, into: memoryview) -> int:
    """Read as many bytes as fit. Returns how many came."""
    filled = 0
    while filled < len(into) and (count := stream.readinto(into[filled:])):  # type: ignore[attr-defined]
        filled += count
    return filled
