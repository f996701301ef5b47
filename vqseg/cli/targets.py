"""Where the labels of a scan are written, and in which format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from vqseg.types import Scan

LabelFormat = Literal["as-read", "nifti", "nrrd", "png", "dicom-seg"]
_ENDINGS: dict[LabelFormat, str] = {"nifti": ".nii.gz", "nrrd": ".nrrd", "png": ".png", "dicom-seg": ".dcm"}


def label_target(output: Path, name: str, kind: LabelFormat, scan: Scan) -> Path:
    """The file for the labels of a scan.

    Args:
        output: Folder.
        name: Of the scan's file.
        kind: Its format; as-read takes what the scan's own format has for labels, and NIfTI where that holds one slice and the scan more.
        scan: The scan, or any frame of a cine.
    """
    from vqseg.data.scan import label_name, through_plane_axis, without_ending

    if kind != "as-read":
        return output / (without_ending(name) + _ENDINGS[kind])
    labels = label_name(name)
    several = scan.shape[through_plane_axis(scan)] * scan.frames > 1
    return output / (without_ending(name) + _ENDINGS["nifti"] if several and labels.endswith(_ENDINGS["png"]) else labels)
