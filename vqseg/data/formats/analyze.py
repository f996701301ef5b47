"""Pairs of .hdr and .img: Analyze 7.5, SPM's variants of it, and NIfTI's own pairs. The .hdr is read; its .img must lie beside it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError

from vqseg.data.formats.format import Format
from vqseg.data.formats.nifti import is_pair, placed, read_frame, spacing_known
from vqseg.data.formats.places import Unplaced
from vqseg.data.limits import ScanError, chosen_frame_notes
from vqseg.types import Scan

_SIZE = 348


def _recognise(start: bytes) -> bool:
    """Analyze has no magic: 348 in the first four bytes, and a number of dimensions that makes sense in the same byte order."""
    if is_pair(start):
        return True
    orders: list[Literal["little", "big"]] = ["little", "big"]
    # A compressed or longer file with these first bytes is something else.
    fits = [int.from_bytes(start[:4], one) == _SIZE and 1 <= int.from_bytes(start[40:42], one) <= 7 for one in orders]
    return len(start) == _SIZE and start[344:347] != b"n+1" and any(fits)


def _read(path: Path, frame: int | None, most_bytes: int) -> Scan:
    """One frame. Analyze says nothing of left and right: its rows are taken to run from right to left, as nibabel takes them."""
    name = path.name
    with path.open("rb") as file:
        content = file.read(_SIZE)
    image_kind: Any = nib.Nifti1Pair if is_pair(content) else nib.Spm2AnalyzeImage
    try:
        header = image_kind.header_class(content, check=False)
        affine = np.asarray(header.get_best_affine(), np.float64)
        frames = int((*header.get_data_shape(), 1, 1, 1, 1)[3])
        with _beside(path).open("rb") as stream:
            voxels = read_frame(name, stream, header, frame or 0, most_bytes, position=0)
    except ScanError:
        raise
    except (HeaderDataError, KeyError, ValueError) as error:
        raise ScanError(f"{name} has an invalid header: its data type, dimensions or sizes make no sense") from error
    notes = chosen_frame_notes(frame, frames, None)
    if is_pair(content):
        scan = placed(name, voxels, header)
        return replace(scan, frames=frames, notes=notes + scan.notes)
    notes += ("the format does not say which side is left; it was read as is usual for it",)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        affine = np.eye(4)
        notes += ("the size of a voxel is unknown; 1 mm was taken",)
    x, y, z = (float(size) for size in np.linalg.norm(affine[:3, :3], axis=0))
    return Scan(voxels, affine, (x, y, z), name, Unplaced("sizes"), frames, None, notes, spacing_known(header))


def _beside(path: Path) -> Path:
    """The .img of a .hdr, in whatever case its ending is written."""
    fitting = [one for one in path.parent.iterdir() if one.name.lower() == f"{path.stem.lower()}.img"]
    if not fitting:
        raise ScanError(f"{path.name} is the header of a .hdr/.img pair, and its .img is not beside it; send both together or in a zip")
    return next((one for one in fitting if one.stem == path.stem), fitting[0])


ANALYZE = Format(name="Analyze", endings=(".hdr",), recognises=_recognise, read=_read, labels_as=".nii.gz", companions=(".img",))
