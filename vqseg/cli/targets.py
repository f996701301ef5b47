"""Where the labels of a scan are written, and in which format."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

LabelFormat = Literal["as-read", "nifti", "nrrd", "png", "dicom-seg"]
_ENDINGS: dict[LabelFormat, str] = {"nifti": ".nii.gz", "nrrd": ".nrrd", "png": ".png", "dicom-seg": ".dcm"}


def label_target(output: Path, name: str, kind: LabelFormat) -> Path:
    """The file for the labels of a scan.

    Args:
        output: Folder.
        name: Of the scan.
        kind: Its format; as-read takes what the scan's own format has for labels.
    """
    from vqseg.data.scan import label_name, without_ending

    return output / (label_name(name) if kind == "as-read" else without_ending(name) + _ENDINGS[kind])
