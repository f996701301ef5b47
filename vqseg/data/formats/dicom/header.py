"""The headers of DICOM files, without their pixels: what is needed to put images in order, and nothing about a person.

pydicom reads only the elements of `_TAGS`. Names, numbers, dates and descriptions of a patient or a study never leave the file.
"""

from __future__ import annotations

import logging
import re
import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, BinaryIO

import numpy as np

from vqseg.data.formats.members import DAMAGED_ZIP, Member
from vqseg.data.limits import MAX_BYTES, ScanError

DEFLATED = "1.2.840.10008.1.2.1.99"
"""Transfer syntax whose header itself is compressed, without a bound on what it unpacks to."""
MAX_FRAMES = 100_000
_MODALITIES = ("CT", "MR", "US", "PT", "NM", "XA", "RF", "CR", "DX", "MG", "OT", "SC")
_NO_IMAGES = ("SEG", "RTDOSE", "RTSTRUCT", "RTPLAN", "SR", "PR", "KO", "REG", "DOC")
_TAGS = re.split(
    r"\s+",
    """SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID FrameOfReferenceUID Modality ImageType SeriesNumber InstanceNumber
EchoNumbers AcquisitionNumber TriggerTime TemporalPositionIdentifier TemporalResolution FrameTime CineRate NominalInterval
CardiacNumberOfImages Rows Columns SamplesPerPixel PhotometricInterpretation BitsAllocated BitsStored PixelRepresentation PixelSpacing
ImagerPixelSpacing SliceThickness SpacingBetweenSlices ImagePositionPatient ImageOrientationPatient RescaleSlope RescaleIntercept
NumberOfFrames SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence""",
)
_DIRECTORY = "1.2.840.10008.1.3.10"


@cache
def damage() -> tuple[type[Exception], ...]:
    """What pydicom and its decoders raise on damaged files, as met in practice; a larger net would hide our own faults."""
    from pydicom.errors import BytesLengthException

    foreign = (OSError, struct.error, AttributeError, TypeError, LookupError, ArithmeticError, AssertionError, MemoryError, SyntaxError)
    return (*DAMAGED_ZIP, *foreign, BytesLengthException)


@dataclass(frozen=True, kw_only=True)
class DicomImage:
    """One picture: a file, or one frame of a multi-frame file.

    position, orientation and spacings are DICOM's own: millimetres, LPS; pixel_spacing is (between rows, between columns).
    """

    member: Member
    syntax: str
    index: int = 0
    frames: int = 1
    sop_class: str = ""
    sop: str = ""
    study: str = ""
    series: str = ""
    reference: str = ""
    modality: str = "OT"
    kind: tuple[str, ...] = ()
    echo: int | None = None
    size: tuple[int, int]
    bits: int = 16
    inverted: bool = False
    coloured: bool = False
    pixel_spacing: tuple[float, float] | None = None
    between: float | None = None
    position: tuple[float, float, float] | None = None
    orientation: tuple[float, ...] | None = None
    slope: float = 1.0
    intercept: float = 0.0
    series_number: int = 0
    number: int = 0
    temporal: float | None = None
    trigger: float | None = None
    acquisition: float | None = None
    seconds: float | None = None


def is_dicom(start: bytes) -> bool:
    """Whether a file's first bytes are DICOM's: with the preamble, or without it and beginning with group 2 or 8."""
    if start[128:132] == b"DICM":
        return True
    little, big = start[:2] in (b"\x02\0", b"\x08\0"), start[:2] == b"\0\x08"
    if len(start) < 132 or not (little or big):
        return False
    element = int.from_bytes(start[2:4], "little" if little else "big")
    explicit = re.fullmatch(rb"UL|UI|CS|DA|TM|SH|LO|OB|DT", start[4:6]) is not None
    return element <= 0x20 and (explicit or (little and 0 < int.from_bytes(start[4:8], "little") <= 256))


@contextmanager
def pydicom_quiet() -> Iterator[None]:
    """Keep pydicom from warning and logging: its texts repeat what the header says, names included."""
    import pydicom.config

    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def read_images(member: Member) -> list[DicomImage]:
    """The images of one DICOM file, in its own order; none for a file that holds no pictures.

    Args:
        member: A file that `is_dicom`.

    Raises:
        ScanError: If the file is damaged. The message has no name in it: the caller knows what a person calls the source.
    """
    try:
        with pydicom_quiet(), member.open() as file:
            return _images(member, file)
    except ScanError:
        raise
    except damage():
        # Without its cause: pydicom's texts repeat bytes of the header.
        raise ScanError("damaged or cut off") from None


def _images(member: Member, file: BinaryIO) -> list[DicomImage]:
    import pydicom

    if member.size > MAX_BYTES:
        raise ScanError("too large")
    # Before anything is parsed: pydicom would inflate the whole file at once.
    if _syntax(file) == DEFLATED:
        raise ScanError("deflated (transfer syntax 1.2.840.10008.1.2.1.99), which is not read")
    file.seek(0)
    data = pydicom.dcmread(file, force=True, stop_before_pixels=True, specific_tags=list(_TAGS))
    modality = _text(data, "Modality")
    if modality in _NO_IMAGES or not (data.get("Rows") and data.get("Columns")):
        _require_no_image(data)
        return []
    # A file without meta information says nothing of its syntax; pydicom has found out how its header is written.
    implicit, little = data.original_encoding[:2]
    guessed = "1.2.840.10008.1.2" if implicit else "1.2.840.10008.1.2.1" if little else "1.2.840.10008.1.2.2"
    base = DicomImage(
        member=member,
        syntax=str(data.file_meta.get("TransferSyntaxUID", guessed)),
        sop_class=_text(data, "SOPClassUID"),
        sop=_text(data, "SOPInstanceUID"),
        study=_text(data, "StudyInstanceUID"),
        series=_text(data, "SeriesInstanceUID"),
        reference=_text(data, "FrameOfReferenceUID"),
        modality=modality if modality in _MODALITIES else "OT",
        kind=tuple(str(one) for one in _several(data.get("ImageType")))[:3],
        echo=_whole(data, "EchoNumbers"),
        size=(int(data.Rows), int(data.Columns)),
        bits=_whole(data, "BitsAllocated") or 16,
        inverted=_text(data, "PhotometricInterpretation") == "MONOCHROME1",
        coloured=(_whole(data, "SamplesPerPixel") or 1) > 1 or _text(data, "PhotometricInterpretation") == "PALETTE COLOR",
        series_number=_whole(data, "SeriesNumber") or 0,
        number=_whole(data, "InstanceNumber") or 0,
        acquisition=_number(data, "AcquisitionNumber"),
        temporal=_number(data, "TemporalPositionIdentifier"),
        trigger=_number(data, "TriggerTime"),
        seconds=_frame_seconds(data),
        **_plane(data),
    )
    frames = _whole(data, "NumberOfFrames") or 1
    if not 1 <= frames <= MAX_FRAMES:
        raise ScanError("of too many frames")
    if frames == 1 and "PerFrameFunctionalGroupsSequence" not in data:
        return [base]
    base = replace(base, frames=frames)
    shared = _first(data, "SharedFunctionalGroupsSequence")
    each: Sequence[Any] = data.get("PerFrameFunctionalGroupsSequence") or [None] * frames
    if len(each) != frames:
        raise ScanError("damaged: its frames are not all described")
    return [_of_frame(base, index, [one for one in (groups, shared) if one is not None]) for index, groups in enumerate(each)]


def _require_no_image(data: Any) -> None:
    """Raise ScanError if a file without a picture's size should have one: then it ends too early."""
    from pydicom.uid import UID

    sop_class = _text(data, "SOPClassUID")
    if data.file_meta.get("MediaStorageSOPClassUID") != _DIRECTORY and (not sop_class or "Image Storage" in UID(sop_class).name):
        raise ScanError("damaged or cut off")


def _syntax(file: BinaryIO) -> str:
    """The transfer syntax that the meta information names; empty without one."""
    from pydicom.filereader import read_dataset, read_preamble

    read_preamble(file, force=True)
    meta = read_dataset(file, False, True, stop_when=lambda tag, vr, length: tag.group != 2)
    return _text(meta, "TransferSyntaxUID")


def _of_frame(base: DicomImage, index: int, groups: Sequence[Any]) -> DicomImage:
    """A frame of an enhanced image: its own functional groups come before the shared ones."""
    changes: dict[str, Any] = {"index": index, "number": index + 1}
    for name in ("PixelMeasuresSequence", "PlaneOrientationSequence", "PlanePositionSequence", "PixelValueTransformationSequence"):
        if (item := _in_groups(groups, name)) is not None:
            changes |= _plane(item)
    if (content := _in_groups(groups, "FrameContentSequence")) is not None:
        changes |= {"temporal": _number(content, "TemporalPositionIndex"), "acquisition": _number(content, "FrameAcquisitionNumber")}
    if (heart := _in_groups(groups, "CardiacSynchronizationSequence")) is not None:
        changes["trigger"] = _number(heart, "NominalCardiacTriggerDelayTime")
    for name in ("MRImageFrameTypeSequence", "CTImageFrameTypeSequence"):
        if (kind := _in_groups(groups, name)) is not None:
            changes["kind"] = tuple(str(one) for one in _several(kind.get("FrameType")))[:3]
    return replace(base, **changes)


def _plane(data: Any) -> dict[str, Any]:
    """Where a picture lies and what its numbers mean; only what the data set says."""
    found: dict[str, Any] = {}
    spacing = _numbers(data, "PixelSpacing", 2) or _numbers(data, "ImagerPixelSpacing", 2)
    if spacing and min(spacing) > 0:
        found["pixel_spacing"] = spacing
    if between := _number(data, "SpacingBetweenSlices") or _number(data, "SliceThickness"):
        found["between"] = abs(between)
    if position := _numbers(data, "ImagePositionPatient", 3):
        found["position"] = position
    if (orientation := _numbers(data, "ImageOrientationPatient", 6)) and _is_frame(orientation):
        found["orientation"] = orientation
    if slope := _number(data, "RescaleSlope"):
        found |= {"slope": slope, "intercept": _number(data, "RescaleIntercept") or 0.0}
    return found


def _is_frame(orientation: tuple[float, ...]) -> bool:
    """Whether rows and columns are unit vectors at right angles."""
    axes = np.array(orientation).reshape(2, 3)
    return bool(np.allclose(axes @ axes.T, np.eye(2), atol=1e-2))


def _frame_seconds(data: Any) -> float | None:
    """Seconds between two moments, as far as the header says them outright."""
    for name in ("FrameTime", "TemporalResolution"):
        if (milliseconds := _number(data, name)) and milliseconds > 0:
            return milliseconds / 1000
    if (rate := _number(data, "CineRate")) and rate > 0:
        return 1 / rate
    interval, images = _number(data, "NominalInterval"), _number(data, "CardiacNumberOfImages")
    return interval / images / 1000 if interval and images and interval > 0 and images > 1 else None


def _in_groups(groups: Sequence[Any], name: str) -> Any:
    return next((item for one in groups if (item := _first(one, name)) is not None), None)


def _first(data: Any, name: str) -> Any:
    items = data.get(name)
    return items[0] if items else None


def _several(value: Any) -> list[Any]:
    return [] if value is None else [value] if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__") else list(value)


def _text(data: Any, name: str) -> str:
    value = data.get(name)
    return value.strip() if isinstance(value, str) else ""


def _numbers(data: Any, name: str, count: int) -> tuple[Any, ...] | None:
    """`count` finite numbers; None for anything else."""
    values = _several(data.get(name))
    try:
        numbers = tuple(float(one) for one in values)
    except (TypeError, ValueError):
        return None
    return numbers if len(numbers) == count and np.isfinite(numbers).all() else None


def _number(data: Any, name: str) -> float | None:
    values = _several(data.get(name))
    if not values:
        return None
    try:
        number = float(values[0])
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None


def _whole(data: Any, name: str) -> int | None:
    number = _number(data, name)
    return None if number is None else int(number)
