"""What the labels of a scan can be saved as, for those who choose: the formats that fit this scan."""

from __future__ import annotations

from dataclasses import dataclass

from vqseg.data.formats import label_name
from vqseg.data.formats.dicom import DicomSource
from vqseg.types import Scan


@dataclass(frozen=True)
class LabelFormat:
    """One of them. name: as people call it; ending: of the file, by which `write_labels` knows what to write."""

    name: str
    ending: str


NIFTI = LabelFormat("NIfTI", ".nii.gz")
NRRD = LabelFormat("NRRD", ".nrrd")
PNG = LabelFormat("PNG", ".png")
DICOM_SEG = LabelFormat("DICOM SEG", ".dcm")
LABEL_FORMATS = (NIFTI, NRRD, PNG, DICOM_SEG)


def label_formats(scan: Scan) -> tuple[LabelFormat, ...]:
    """The formats that fit a scan, first the one that it came in or that is usual for it.

    NIfTI and NRRD fit all scans, PNG a picture or a single DICOM image, DICOM SEG a series that names its images and where they lie.
    """
    own = next((one for one in LABEL_FORMATS if label_name(scan.name).endswith(one.ending)), NIFTI)
    fitting = [NIFTI, NRRD]
    if scan.shape[2] == 1 and (own is PNG or is_dicom(scan)):
        fitting.append(PNG)
    if isinstance(scan.header, DicomSource) and scan.header.is_complete:
        fitting.append(DICOM_SEG)
    return tuple(sorted(fitting, key=lambda one: one is not own))


def is_dicom(scan: Scan) -> bool:
    """Whether it was read from DICOM files."""
    return isinstance(scan.header, DicomSource)
