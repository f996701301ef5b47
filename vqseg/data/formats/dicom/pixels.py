"""The pixels of DICOM images as numbers: one image at a time, judged by its header before it is decoded."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np

from vqseg.data.formats.dicom.codecs import NATIVE, Decoder, decoder
from vqseg.data.formats.dicom.header import DicomImage, damage, pydicom_quiet
from vqseg.data.limits import ScanError
from vqseg.types import Array

LUMINANCE = np.array([0.299, 0.587, 0.114])
"""ITU-R BT.601."""
_JPEG_SIZES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
"""Second bytes of the markers after which a JPEG (0xF7: JPEG-LS) says its size."""
_FRAME_TAGS = [
    *("PixelData", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "Rows", "Columns"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "ExtendedOffsetTable", "ExtendedOffsetTableLengths"),
]
_PALETTE = tuple(f"{c}PaletteColorLookupTable{what}" for c in ("Red", "Green", "Blue") for what in ("Descriptor", "Data"))
_PALETTE += tuple(f"Segmented{c}PaletteColorLookupTableData" for c in ("Red", "Green", "Blue"))


def decode(images: Sequence[DicomImage], name: str) -> Array:
    """The images as one volume, with slope and intercept applied, colour as luminance and MONOCHROME1 turned over.

    Args:
        images: Of one size, in the order of the slices.
        name: For messages.

    Returns:
        (columns, rows, slices) float32.

    Raises:
        ScanError: If one of them is damaged or compressed in a way that cannot be read.
    """
    rows, columns = images[0].size
    voxels = np.empty((len(images), rows, columns), np.float32)
    with decoder() as decoding:
        for number, image in enumerate(images):
            try:
                with pydicom_quiet(), image.member.open() as file:
                    voxels[number] = _picture(image, file, decoding)
            except ScanError as error:
                raise ScanError(f"{name} holds a DICOM image that is {error}") from error
            except damage():
                # Without its cause: pydicom's texts repeat bytes of the header.
                raise ScanError(f"{name} holds a DICOM image that is damaged or cut off") from None
    return voxels.transpose(2, 1, 0)


def _picture(image: DicomImage, file: BinaryIO, decoding: Decoder) -> Array:
    from pydicom import Dataset
    from pydicom.pixels.processing import apply_color_lut
    from pydicom.pixels.utils import pixel_array

    header = Dataset()
    if image.syntax in NATIVE:
        # From the open file only the bytes of this frame are read.
        stream = file if file.seekable() and not hasattr(file, "compress_type") and image.frames > 1 else io.BytesIO(file.read())
        stored = pixel_array(stream, index=image.index, ds_out=header, transfer_syntax_uid=image.syntax)
    else:
        header, stored = _decompressed(image, file, decoding)
    if stored.shape[:2] != image.size:
        raise ScanError("damaged: its pixels are of another size than its header says")
    if image.coloured:
        if header.get("PhotometricInterpretation") == "PALETTE COLOR":
            stored = apply_color_lut(stored, header)
        # A palette has 16 bits a colour; only the proportions of grey values matter.
        grey: Array = stored[..., :3] @ LUMINANCE
        return grey
    values = stored.astype(np.float64)
    if image.inverted:
        values = _turned(values, header)
    return values * image.slope + image.intercept


def _turned(values: Array, header: Any) -> Array:
    """MONOCHROME1 shows its smallest value white: turned over within the range of its bits."""
    bits = int(header.get("BitsStored", 16))
    return -1 - values if header.get("PixelRepresentation") == 1 else 2**bits - 1 - values


def _decompressed(image: DicomImage, file: BinaryIO, decoding: Decoder) -> tuple[Any, Array]:
    import pydicom
    from pydicom.encaps import get_frame

    data = pydicom.dcmread(file, force=True, specific_tags=[*_FRAME_TAGS, *_PALETTE])
    if "PixelData" not in data:
        raise ScanError("without pixels")
    _require_size(get_frame(data.PixelData, image.index, number_of_frames=image.frames), image)
    return data, decoding.decode(data, image.syntax, image.index)


def _require_size(frame: bytes, image: DicomImage) -> None:
    """A compressed picture names its own size, and its decoder would make room for it: it has to be the header's."""
    size = jpeg2000_size(frame) if b"\xff\x4f\xff\x51" in frame[:256] else jpeg_size(frame) if frame[:2] == b"\xff\xd8" else None
    if size is not None and size != image.size:
        raise ScanError("damaged: its pixels are of another size than its header says")


def jpeg_size(frame: bytes) -> tuple[int, int] | None:
    """(rows, columns) of a JPEG or JPEG-LS picture; None if it does not say."""
    place = 2
    while place + 9 <= len(frame) and frame[place] == 0xFF:
        marker = frame[place + 1]
        if marker in _JPEG_SIZES:
            return int.from_bytes(frame[place + 5 : place + 7], "big"), int.from_bytes(frame[place + 7 : place + 9], "big")
        place += 1 if marker == 0xFF else 2 + int.from_bytes(frame[place + 2 : place + 4], "big")
    return None


def jpeg2000_size(frame: bytes) -> tuple[int, int] | None:
    """(rows, columns) of a JPEG 2000 codestream, also within a JP2 file; None if it does not say."""
    place = frame.find(b"\xff\x4f\xff\x51")
    if place < 0 or len(frame) < place + 24:
        return None
    right, bottom, left, top = (int.from_bytes(frame[place + 8 + 4 * k : place + 12 + 4 * k], "big") for k in range(4))
    return bottom - top, right - left
