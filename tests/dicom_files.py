"""Small DICOM series made with pydicom: a person's name in every file, and geometry that no library would take for granted."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from pathlib import Path

import numpy as np
from pydicom import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

NAME = "DOE^JANE"
MR, ENHANCED_MR, SECONDARY = "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.4.1", "1.2.840.10008.5.1.4.1.1.7.2"
ROWS, COLUMNS = 6, 5
OBLIQUE = (0.8, 0.6, 0.0, -0.36, 0.48, 0.8)
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
SPACING = (1.5, 1.25)
"""Between rows, between columns."""


# Random identifiers would hold a birthday's digits by chance.
_IMAGES = count(1)


def pixels(count: int, seed: int = 0, shape: tuple[int, int] = (ROWS, COLUMNS)) -> np.ndarray:
    """(count, rows, columns) int16 in 12 bits."""
    return np.random.default_rng(seed).integers(-900, 1900, (count, *shape)).astype(np.int16)


def normal(orientation: Sequence[float]) -> np.ndarray:
    return np.cross(orientation[:3], orientation[3:])


def image(values: np.ndarray, *, sop_class: str = MR, **fields: object) -> Dataset:
    """A data set with pixels and a patient; any element by its keyword."""
    data = Dataset()
    data.PatientName, data.PatientID, data.PatientBirthDate, data.SeriesDescription = NAME, "JANE-1970", "19700101", f"heart of {NAME}"
    data.SOPClassUID, data.SOPInstanceUID, data.Modality, data.ImageType = (
        sop_class,
        f"1.2.3.6.{next(_IMAGES)}",
        "MR",
        ["ORIGINAL", "PRIMARY", "M"],
    )
    data.StudyInstanceUID, data.SeriesInstanceUID, data.FrameOfReferenceUID = "1.2.3", "1.2.3.4", "1.2.3.5"
    data.SeriesNumber, data.InstanceNumber = 1, 1
    data.Rows, data.Columns = values.shape[-2:] if values.shape[-1] != 3 else values.shape[-3:-1]
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = values.dtype.itemsize * 8
    data.HighBit, data.PixelRepresentation = data.BitsStored - 1, int(values.dtype.kind == "i")
    data.PixelData = values.tobytes()
    for name, value in fields.items():
        setattr(data, name, value)
    return data


def save(data: Dataset, path: Path, syntax: str = ExplicitVRLittleEndian, *, preamble: bool = True) -> Path:
    """Written as a whole file, or as old software does: without preamble and meta information."""
    big = syntax == ExplicitVRBigEndian
    if preamble:
        data.file_meta = FileMetaDataset()
        data.file_meta.TransferSyntaxUID = syntax
        data.file_meta.MediaStorageSOPClassUID, data.file_meta.MediaStorageSOPInstanceUID = data.SOPClassUID, data.SOPInstanceUID
    data.save_as(path, enforce_file_format=preamble, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=not big)
    return path


def stack(
    values: np.ndarray, *, orientation: Sequence[float] = OBLIQUE, gap: float = 8.0, origin: Sequence[float] = (-12.5, 33.25, 7.0),
    places: Sequence[float] | None = None, **fields: object,
) -> list[Dataset]:  # fmt: skip
    """A slice for each of the values, `gap` mm apart along the normal, or at `places`."""
    places = places if places is not None else [gap * k for k in range(len(values))]
    return [
        image(
            one,
            ImagePositionPatient=[f"{v:.6g}" for v in np.array(origin) + place * normal(orientation)],
            ImageOrientationPatient=list(orientation),
            PixelSpacing=list(SPACING),
            SliceThickness=5.0,
            InstanceNumber=number,
            RescaleSlope=2,
            RescaleIntercept=-10,
            **fields,
        )
        for number, (one, place) in enumerate(zip(values, places, strict=True), 1)
    ]


def cine(values: np.ndarray, step: float = 40.0, **fields: object) -> list[Dataset]:
    """values (moments, slices, rows, columns): every slice at all its moments, as scanners number them."""
    made = []
    for moment, each in enumerate(values):
        for place, data in enumerate(stack(each, **fields)):
            data.TriggerTime = moment * step
            data.InstanceNumber = place * len(values) + moment + 1
            made.append(data)
    return made


def folder(path: Path, series: Sequence[Dataset], names: str = "IM{:04d}", seed: int = 3, **how: object) -> Path:
    """Written in a shuffled order of names, without endings."""
    path.mkdir(parents=True, exist_ok=True)
    for number, at in enumerate(np.random.default_rng(seed).permutation(len(series))):
        save(series[at], path / names.format(number), **how)
    return path


def enhanced(values: np.ndarray, orientation: Sequence[float] = OBLIQUE, gap: float = 8.0, step: float = 40.0) -> Dataset:
    """values (moments, slices, rows, columns) in one multi-frame file; slices change fastest, backwards along the normal."""
    data = image(values.reshape(-1, *values.shape[2:]), sop_class=ENHANCED_MR, NumberOfFrames=values.shape[0] * values.shape[1])
    shared, frames = Dataset(), []
    shared.PixelMeasuresSequence = [_item(PixelSpacing=list(SPACING), SliceThickness=5.0)]
    shared.PlaneOrientationSequence = [_item(ImageOrientationPatient=list(orientation))]
    for moment in range(values.shape[0]):
        for place in range(values.shape[1]):
            frame = Dataset()
            frame.FrameContentSequence = [_item(TemporalPositionIndex=moment + 1)]
            position = -gap * place * normal(orientation)
            frame.PlanePositionSequence = [_item(ImagePositionPatient=[f"{v:.6g}" for v in position])]
            frame.PixelValueTransformationSequence = [_item(RescaleSlope=3, RescaleIntercept=moment, RescaleType="US")]
            frame.CardiacSynchronizationSequence = [_item(NominalCardiacTriggerDelayTime=moment * step)]
            frames.append(frame)
    data.SharedFunctionalGroupsSequence, data.PerFrameFunctionalGroupsSequence = [shared], frames
    return data


def _item(**fields: object) -> Dataset:
    item = Dataset()
    for name, value in fields.items():
        setattr(item, name, value)
    return item
