"""NRRD and MetaImage, read and written by SimpleITK. A header may name the file that holds the voxels: only one beside it is opened."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from vqseg.data.formats.format import Format
from vqseg.data.formats.itk_headers import HEADER_BYTES, meta_data_file, nrrd_data_file, require_beside
from vqseg.data.limits import MAX_BYTES, ScanError, chosen_frame_notes, frame_shape, refuse_channels, require_geometry
from vqseg.types import Array, Scan

_PIECE = 1 << 22
_TO_LPS = np.diag([-1.0, -1.0, 1.0])


def _require_whole(path: Path, head: bytes, named: str | None, expected: int) -> None:
    """Raise ScanError if the compressed voxels of a MetaImage are damaged: SimpleITK would hand out whatever it got so far."""
    if re.search(rb"^CompressedData\s*=\s*(t|1|y)", head, re.IGNORECASE | re.MULTILINE) is None:
        return
    # 47: a zlib or a gzip stream, by its own first bytes.
    unpacker, count = zlib.decompressobj(47), 0
    with (path if named is None else path.parent / named).open("rb") as file:
        if named is None:
            file.seek(head.index(b"\n", head.index(b"ElementDataFile")) + 1)
        try:
            while not unpacker.eof and count <= expected and (part := unpacker.unconsumed_tail or file.read(_PIECE)):
                count += len(unpacker.decompress(part, _PIECE))
        except zlib.error:
            count = -1
    if not unpacker.eof or count != expected:
        raise ScanError(f"{path.name} is a damaged or cut-off MetaImage")


def _itk(name: str, endings: tuple[str, ...], io: str, recognise: Callable[[bytes], bool], find: Callable[[str, bytes], str | None],
         companions: tuple[str, ...]) -> Format:  # fmt: skip
    def read(path: Path, frame: int | None, most_bytes: int) -> Scan:
        with path.open("rb") as file:
            head = file.read(HEADER_BYTES)
        voxels_in = find(path.name, head)
        if voxels_in is not None:
            require_beside(path, voxels_in)

        def check(expected: int) -> None:
            if io == "MetaImageIO":
                _require_whole(path, head, voxels_in, expected)

        return _read(path, frame, most_bytes, io, name, check)

    return Format(
        name=name, endings=endings, recognises=recognise, read=read, write_labels=_write_labels, labels_as=endings[0], companions=companions
    )


def _simpleitk() -> Any:
    """Imported when it is needed: it takes a quarter of a second. Its warnings repeat paths and headers."""
    import SimpleITK

    sitk: Any = SimpleITK
    sitk.ProcessObject.GlobalWarningDisplayOff()
    return sitk


def _read(path: Path, frame: int | None, most_bytes: int, io: str, kind: str, check: Callable[[int], None]) -> Scan:
    """One frame along the fourth axis, or one channel where a voxel has several."""
    sitk = _simpleitk()

    name = path.name
    reader = sitk.ImageFileReader()
    reader.SetImageIO(io)
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        size, channels = tuple(reader.GetSize()), int(reader.GetNumberOfComponents())
        itemsize = _bytes_a_number(name, sitk.GetPixelIDValueAsString(reader.GetPixelID()))
        shape = _shape(name, size, channels, frame)
        x, y, z = frame_shape(name, shape, itemsize, frame, most_bytes)
        frames = shape[3] if len(shape) > 3 else 1
        if x * y * z * frames * itemsize > MAX_BYTES:
            raise ScanError(f"{name} is too large: its {frames} frames have more than {MAX_BYTES >> 30} GiB together")
        check(x * y * z * frames * itemsize)
        affine = _affine(reader)
        # Before the voxels: ITK looks for ever for the inverse of some matrices.
        require_geometry(name, affine)
        image = reader.Execute()
        stored = sitk.GetArrayViewFromImage(image)
    except RuntimeError:
        # Without its cause: ITK's own text has the whole path.
        raise ScanError(f"{name} is no readable {kind}: damaged, cut off, or of a type that is not read") from None
    chosen = stored[..., frame or 0] if channels > 1 else stored[frame or 0] if len(size) == 4 else stored
    with np.errstate(over="ignore", invalid="ignore"):
        voxels = np.array(chosen, np.float32).transpose().reshape((x, y, z), order="F")
    # The voxels as they were stored are needed no more.
    del chosen, stored, image
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    scan = Scan(voxels, affine, (float(spacing[0]), float(spacing[1]), float(spacing[2])), name)
    # 1 x 1 x 1 is what these formats have by default.
    known = len(size) > 2 and bool((spacing != 1).any())
    return replace(scan, frames=frames, spacing_known=known, notes=chosen_frame_notes(frame, frames, None) if channels == 1 else ())


def _shape(name: str, size: tuple[int, ...], channels: int, frame: int | None) -> tuple[int, ...]:
    """(X, Y, Z, frames): moments along the fourth axis, or the numbers of a voxel, of which one has to be chosen."""
    if channels == 1:
        return size
    if len(size) > 3:
        raise ScanError(f"{name} has {len(size)} dimensions and {channels} channels a voxel; expected one of both")
    if frame is None:
        raise refuse_channels(name, channels)
    return (*(*size, 1, 1)[:3], channels)


def _bytes_a_number(name: str, pixel: str) -> int:
    """From SimpleITK's "vector of 8-bit unsigned integer"."""
    if "complex" in pixel:
        raise ScanError(f"{name} holds complex voxels; expected one real number a voxel")
    match = re.search(r"(\d+)-bit", pixel)
    return max(1, int(match[1]) // 8) if match else 8


def _affine(image: Any) -> Array:
    """RAS+ of the first three axes; an axis that is missing is 1 mm across the others."""
    n = image.GetDimension()
    with np.errstate(all="ignore"):
        matrix = np.array(image.GetDirection()).reshape(n, n) * np.array(image.GetSpacing())
    affine = np.eye(4)
    if n == 2:
        affine[:2, :2], affine[:2, 3] = matrix, image.GetOrigin()
    else:
        affine[:3, :3], affine[:3, 3] = matrix[:3, :3], image.GetOrigin()[:3]
    with np.errstate(all="ignore"):
        affine[:3] = _TO_LPS @ affine[:3]
    return affine


def _write_labels(labels: Array, scan: Scan, path: Path) -> None:
    sitk = _simpleitk()

    image = sitk.GetImageFromArray(labels.transpose(), isVector=False)
    axes = np.eye(labels.ndim)
    axes[:3, :3] = _TO_LPS @ scan.affine[:3, :3]
    lengths = np.linalg.norm(axes, axis=0)
    image.SetSpacing(lengths.tolist())
    image.SetDirection((axes / lengths).flatten().tolist())
    image.SetOrigin([*(_TO_LPS @ scan.affine[:3, 3]), *[0.0] * (labels.ndim - 3)])
    sitk.WriteImage(image, str(path), useCompression=True)


NRRD = _itk(
    "NRRD", (".nrrd", ".nhdr"), "NrrdImageIO", lambda start: start.startswith(b"NRRD000"), nrrd_data_file, (".raw", ".raw.gz", ".gz")
)
META_IMAGE = _itk(
    "MetaImage",
    (".mha", ".mhd"),
    "MetaImageIO",
    lambda start: re.match(rb"(ObjectType|Comment|NDims)\s*=", start) is not None,
    meta_data_file,
    (".raw", ".zraw"),
)
