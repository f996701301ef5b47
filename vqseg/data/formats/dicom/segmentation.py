"""Labels as a DICOM segmentation object (highdicom) that refers to the images they were made from.

Study, series, images and frame of reference are named by their unique numbers, so a viewer finds the picture below the labels. Name,
number and dates of the patient and of the study stay empty: they were never read.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from vqseg.data.formats.dicom import DicomSource
from vqseg.data.formats.dicom.header import pydicom_quiet
from vqseg.data.limits import ScanError
from vqseg.types import Array, Scan

_EMPTY = ["PatientName", "PatientID", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate", "StudyTime"]
_EMPTY += [
    "ReferringPhysicianName",
]
_CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"


def write_segmentation(labels: Array, scan: Scan, source: DicomSource, path: Path, classes: Sequence[str] = ()) -> None:
    """Write one binary segment for each class but the background.

    Args:
        labels: (columns, rows, slices) uint8.
        scan: The scan that they belong to.
        source: Its header.
        path: The file to be written.
        classes: Names of the classes, the background first; numbers where there are none.

    Raises:
        ScanError: If the series says neither where its images lie nor which they are.
    """
    if not source.is_complete:
        raise ScanError(f"{path.name}: {scan.name} lacks what a DICOM segmentation refers to (positions or unique numbers); write .nii.gz")
    import highdicom as hd
    from pydicom.sr.codedict import codes

    # Not imported: the package is above this room. It is loaded by the time anything in it runs.
    version = str(sys.modules["vqseg"].__version__)
    with pydicom_quiet():
        stand_ins = [_stand_in(scan, source, number) for number in range(len(source.images))]
        count = max(int(labels.max()), len(classes) - 1, 1)
        names = [classes[k] if k < len(classes) else f"class {k}" for k in range(1, count + 1)]
        algorithm = hd.AlgorithmIdentificationSequence("VQ-Seg", codes.DCM.ArtificialIntelligence, version)
        segments = [
            hd.seg.SegmentDescription(
                number, name[:64], codes.SCT.AnatomicalStructure, codes.SCT.AnatomicalStructure, "AUTOMATIC", algorithm
            )
            for number, name in enumerate(names, 1)
        ]
        segmentation = hd.seg.Segmentation(
            source_images=stand_ins,
            pixel_array=np.ascontiguousarray(labels.transpose(2, 1, 0)),
            segmentation_type="BINARY",
            segment_descriptions=segments,
            series_instance_uid=hd.UID(),
            series_number=1000,
            sop_instance_uid=hd.UID(),
            instance_number=1,
            manufacturer="VQ-Seg",
            manufacturer_model_name="VQ-Seg",
            software_versions=version,
            device_serial_number="0",
            content_label="SEGMENTATION",
            omit_empty_frames=bool(labels.any()),
        )
        _refer_to_frames(segmentation, source)
        segmentation.save_as(path, enforce_file_format=True)


def _stand_in(scan: Scan, source: DicomSource, number: int) -> Any:
    """The image of one slice, as far as a segmentation looks at it: nothing of a person, and no pixels."""
    from pydicom import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    # Back to DICOM's left and posterior.
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ scan.affine
    image, axes = source.images[number], affine[:3, :2] / np.linalg.norm(affine[:3, :2], axis=0)
    data = Dataset()
    for name in _EMPTY:
        setattr(data, name, "")
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    # A frame of a multi-frame file stands in as an image of its own, under a number that is put right afterwards.
    data.SOPClassUID = _CT_IMAGE if image.frame else image.sop_class
    data.SOPInstanceUID = _own_number(image.sop, number) if image.frame else image.sop
    data.StudyInstanceUID, data.SeriesInstanceUID, data.FrameOfReferenceUID = source.study, image.series, source.reference
    data.Modality, data.PositionReferenceIndicator = source.modality, ""
    data.Columns, data.Rows, _ = scan.shape
    data.PixelSpacing = [f"{scan.spacing[1]:.10g}", f"{scan.spacing[0]:.10g}"]
    data.SliceThickness = data.SpacingBetweenSlices = f"{scan.spacing[2]:.10g}"
    data.ImageOrientationPatient = [f"{value:.10g}" for value in axes.T.flatten()]
    data.ImagePositionPatient = [f"{value:.10g}" for value in (affine @ [0, 0, number, 1])[:3]]
    data.SamplesPerPixel, data.PhotometricInterpretation, data.InstanceNumber = 1, "MONOCHROME2", number + 1
    return data


def _own_number(sop: str, number: int) -> str:
    return f"2.25.{int.from_bytes(sha256(f'{sop} {number}'.encode()).digest()[:12], 'big')}"


def _refer_to_frames(segmentation: Any, source: DicomSource) -> None:
    """Name the multi-frame file and the frame wherever a frame's stand-in is named; a file that is named twice is named once."""
    real = {_own_number(one.sop, number): one for number, one in enumerate(source.images) if one.frame}
    if not real:
        return
    for data in _items(segmentation):
        if (image := real.get(str(data.get("ReferencedSOPInstanceUID")))) is None:
            continue
        data.ReferencedSOPClassUID, data.ReferencedSOPInstanceUID = image.sop_class, image.sop
        data.ReferencedFrameNumber = image.frame
    for series in segmentation.get("ReferencedSeriesSequence", []):
        once = {str(one.ReferencedSOPInstanceUID): one for one in series.ReferencedInstanceSequence}
        for one in once.values():
            if "ReferencedFrameNumber" in one:
                del one.ReferencedFrameNumber
        series.ReferencedInstanceSequence = list(once.values())


def _items(data: Any) -> Any:
    """All items of all sequences of a data set, at any depth."""
    for element in data:
        if element.VR == "SQ":
            for item in element.value:
                yield item
                yield from _items(item)
