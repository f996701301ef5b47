"""Every file format that scans and labels come in. To add one: a module beside this one, and its line in FORMATS.

All lists of endings, the messages that say what is accepted, and the way from a file to its reader follow from FORMATS.
"""

from __future__ import annotations

from pathlib import Path

from vqseg.data.formats.analyze import ANALYZE
from vqseg.data.formats.arrays import NUMPY, NUMPY_ARCHIVE
from vqseg.data.formats.bundle import ZIP
from vqseg.data.formats.dicom import DICOM
from vqseg.data.formats.format import FIRST_BYTES, Format
from vqseg.data.formats.itk import META_IMAGE, NRRD
from vqseg.data.formats.nifti import NIFTI
from vqseg.data.formats.pictures import BMP, JPEG, PNG, TIFF, WEBP

__all__ = [
    "FIRST_BYTES",
    "FORMATS",
    "Format",
    "accepted",
    "ending_of",
    "format_names",
    "format_of_content",
    "format_of_name",
    "header_of_companion",
    "label_name",
    "scan_endings",
    "without_ending",
    "writable_endings",
]

FORMATS: tuple[Format, ...] = (NIFTI, DICOM, NRRD, META_IMAGE, ANALYZE, PNG, JPEG, TIFF, BMP, WEBP, NUMPY, NUMPY_ARCHIVE, ZIP)
"""In the order in which a file's first bytes are shown to them; labels of an unknown ending are written as the first."""


def scan_endings() -> tuple[str, ...]:
    """Endings of all files that can be read, lower case with the dot: ".nii.gz", ".nii", ".png", ..."""
    return tuple(ending for one in FORMATS for ending in one.endings)


def writable_endings() -> tuple[str, ...]:
    """Endings that a file of labels may have."""
    return tuple(ending for one in FORMATS if one.write_labels for ending in one.endings)


def accepted() -> str:
    """What can be read, for messages: "NIfTI (.nii.gz, .nii), PNG (.png) ... and NumPy (.npy)"."""
    *others, last = (f"{one.name} ({', '.join(one.endings)})" for one in FORMATS)
    return f"{', '.join(others)} and {last}"


def format_names() -> str:
    """What can be read, in short: "NIfTI, PNG, JPEG, TIFF, BMP or NumPy"."""
    *others, last = (one.name for one in FORMATS)
    return f"{', '.join(others)} or {last}"


def ending_of(name: str) -> str | None:
    """The ending of a scan's file name, in lower case: "Heart.NII.gz" -> ".nii.gz". None if no format has it."""
    fitting = [ending for ending in scan_endings() if name.lower().endswith(ending)]
    return max(fitting, key=len, default=None)


def without_ending(name: str) -> str:
    """A file name without the ending of its format, unchanged if no format has it: "heart.v2.nii.gz" -> "heart.v2"."""
    return name[: len(name) - len(ending_of(name) or "")]


def label_name(name: str) -> str:
    """The name of the file with a scan's labels, as `write_labels` can write it: NIfTI and arrays keep theirs, pictures become PNG."""
    kind, ending = format_of_name(name), ending_of(name)
    return without_ending(name) + (FORMATS[0].endings[0] if kind is None or ending is None else kind.labels_as or ending)


def format_of_content(start: bytes) -> Format | None:
    """The format that recognises the first bytes of a file. None if none does."""
    return next((one for one in FORMATS if one.recognises(start)), None)


def format_of_name(name: str) -> Format | None:
    """The format to which a file name's ending belongs. None if it belongs to none."""
    ending = ending_of(name)
    return next((one for one in FORMATS if ending in one.endings), None)


def header_of_companion(path: Path) -> Path | None:
    """The scan whose voxels a file holds: heart.hdr for heart.img, if both lie in one folder. None if there is none."""
    for one in FORMATS:
        for ending in one.companions:
            if path.name.lower().endswith(ending):
                stem = path.name[: -len(ending)]
                headers = [path.with_name(stem + own) for own in one.endings]
                if header := next((each for each in headers if each.is_file()), None):
                    return header
    return None
