"""The pixels of DICOM images as numbers: one image at a time, judged by its header before it is decoded."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, BinaryIO

import numpy as np

from vqseg.data.formats.dicom.codecs import NATIVE, YCBCR, Decoder, decoder
from vqseg.data.formats.dicom.header import DicomImage, damage, pydicom_quiet
from vqseg.data.limits import ScanError
from vqseg.types import Array

LUMINANCE = np.array([0.299, 0.587, 0.114])
"""ITU-R BT.601."""
_BAND = 1 << 16
"""Pixels that are converted at a time."""
_Reader = Callable[[DicomImage], tuple[Any, Array, bool]]
"""Gives what the header says of the pixels, the pixels as stored, and whether they are YCbCr."""
_JPEG_SIZES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
"""Second bytes of the markers after which a JPEG (0xF7: JPEG-LS) says its size."""
_OFFSETS = ("ExtendedOffsetTable", "ExtendedOffsetTableLengths")
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
    number = 0
    with decoder() as decoding, pydicom_quiet():
        for member, of_member in groupby(images, key=lambda image: image.member):
            together = list(of_member)
            try:
                with member.open() as file:
                    _decode(file, together, decoding, voxels[number : number + len(together)])
                    number += len(together)
            except ScanError as error:
                raise ScanError(f"{name} holds a DICOM image that is {error}") from error
            except damage():
                # Without its cause: pydicom's texts repeat bytes of the header.
                raise ScanError(f"{name} holds a DICOM image that is damaged or cut off") from None
    return voxels.transpose(2, 1, 0)


def _decode(file: BinaryIO, images: Sequence[DicomImage], decoding: Decoder, into: Array) -> None:
    """Write the grey values of several images of one file, which is parsed once, into (images, rows, columns)."""
    read = _native(file, images[0]) if images[0].syntax in NATIVE else _compressed(file, decoding)
    for image, grey in zip(images, into, strict=True):
        header, stored, chroma = read(image)
        if stored.shape[:2] != image.size:
            raise ScanError("damaged: its pixels are of another size than its header says")
        rows = max(1, _BAND // image.size[1])
        for top in range(0, image.size[0], rows):
            grey[top : top + rows] = _grey(image, header, stored[top : top + rows], chroma)


def _grey(image: DicomImage, header: Any, stored: Array, chroma: bool) -> Array:
    """Some rows: luminance for colour, else the numbers with slope and intercept applied. chroma: stored as YCbCr."""
    from pydicom.pixels.processing import apply_color_lut, convert_color_space

    if image.coloured:
        if chroma:
            stored = convert_color_space(stored, "YBR_FULL", "RGB")
        if header.get("PhotometricInterpretation") == "PALETTE COLOR":
            stored = apply_color_lut(stored, header)
        grey: Array = stored[..., :3] @ LUMINANCE
        return grey
    values = stored.astype(np.float64)
    if image.inverted:
        values = _turned(values, header)
    return values * image.slope + image.intercept


def _native(file: BinaryIO, first: DicomImage) -> _Reader:
    """Reads frames that are not compressed; from a file on disk only their own bytes."""
    from pydicom import Dataset
    from pydicom.pixels.utils import pixel_array

    stream = file if first.frames > 1 and first.member.path is not None else io.BytesIO(file.read())

    def read(image: DicomImage) -> tuple[Any, Array, bool]:
        header = Dataset()
        index = image.index if image.frames > 1 else None
        # Raw: pydicom would turn the whole picture from YCbCr to RGB in float64.
        stored = pixel_array(stream, index=index, ds_out=header, transfer_syntax_uid=image.syntax, raw=True)
        return header, stored, str(header.get("PhotometricInterpretation")) in YCBCR

    return read


def _turned(values: Array, header: Any) -> Array:
    """MONOCHROME1 shows its smallest value white: turned over within the range of its bits."""
    bits = int(header.get("BitsStored", 16))
    return -1 - values if header.get("PixelRepresentation") == 1 else 2**bits - 1 - values


def _compressed(file: BinaryIO, decoding: Decoder) -> _Reader:
    """Decodes frames one by one, each as a file of a single picture."""
    import pydicom
    from pydicom.encaps import encapsulate, get_frame

    data = pydicom.dcmread(file, force=True, specific_tags=[*_FRAME_TAGS, *_PALETTE])
    if "PixelData" not in data:
        raise ScanError("without pixels")
    content: list[bytes] = [data.PixelData]

    def read(image: DicomImage) -> tuple[Any, Array, bool]:
        frame = get_frame(content[0], image.index, number_of_frames=image.frames)
        _require_size(frame, image)
        if image.frames == 1:
            # The only picture of its file is not held twice while it is decoded.
            content.clear()
        data.PixelData, data.NumberOfFrames = encapsulate([frame]), 1
        del frame
        data["PixelData"].is_undefined_length = True
        for name in _OFFSETS:
            data.pop(name, None)
        return data, *decoding.decode(data, image.syntax)

    return read


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
