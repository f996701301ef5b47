"""Files that somebody hands over at once, for a program that keeps them in a folder of its own for a while: the app."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vqseg.data.formats import FIRST_BYTES, ending_of
from vqseg.data.formats.dicom import Series
from vqseg.data.formats.dicom import is_dicom as begins_as_dicom
from vqseg.data.formats.members import ZIP_MAGIC, is_plain
from vqseg.data.label_files import is_dicom
from vqseg.data.limits import ScanError
from vqseg.types import Scan

UPLOAD = "your upload"
"""What files are called whose names may tell of a person, in messages too."""


def names_of_own(paths: Sequence[Path]) -> list[str | None]:
    """Names under which the files can lie in one folder, None for a file that nobody needs.

    DICOM files and zips get names of ours, as their own may tell of a person, and what lies beside DICOM files is left. Other files
    keep their names, as a header names the file of its voxels; no name leads out of the folder.

    Args:
        paths: The files, at least one.

    Raises:
        ScanError: If two files that are no DICOM have the same name.
    """
    starts = [_start(path) for path in paths]
    if len(paths) == 1:
        unnamed = begins_as_dicom(starts[0]) or starts[0].startswith(ZIP_MAGIC)
        return [f"{UPLOAD}{ending_of(paths[0].name) or ''}" if unnamed else _plain(paths[0])]
    dicom = [begins_as_dicom(start) for start in starts]
    if any(dicom):
        return [f"{number:06d}" if wanted else None for number, wanted in enumerate(dicom, 1)]
    names = [_plain(path) for path in paths]
    double = next((name for number, name in enumerate(names) if name.lower() in {one.lower() for one in names[:number]}), None)
    if double is not None:
        raise ScanError(f"two of the files are called {double}; send the files of one scan")
    return list(names)


def shown_name(scan: Scan, paths: Sequence[Path]) -> str:
    """What a scan is called: by its file, and a DICOM series by the number of its images alone.

    Args:
        scan: The scan.
        paths: The files as they were handed over.
    """
    if is_dicom(scan):
        count = scan.shape[2] * scan.frames
        return "DICOM image" if count == 1 else f"DICOM series, {count} images"
    named = [path for path in paths if ending_of(path.name)]
    return _plain(named[0]) if len(named) == 1 else scan.name


def largest_series(series: Sequence[Series]) -> int:
    """The number of the series with the most images, of the first one if there are several: what `read_scan` reads of its own accord."""
    return max(series, key=lambda one: len(one.images)).number


def _plain(path: Path) -> str:
    return path.name if is_plain(path.name) else f"scan{ending_of(path.name) or ''}"


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(FIRST_BYTES)
