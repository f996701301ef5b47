"""From what a person names (a file, a folder, a zip, several files) to one volume as its file has it. The first bytes decide what it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from vqseg.data.formats import FIRST_BYTES, accepted, format_of_content, header_of_companion
from vqseg.data.formats.bundle import read_members
from vqseg.data.formats.format import Wanted
from vqseg.data.formats.members import Member, members_of_files, members_of_folder, members_of_zip, zipfile_starts
from vqseg.data.limits import ScanError, foreseen, require_geometry
from vqseg.types import Scan

Source = str | Path | Sequence[str | Path]
"""A file, a folder, a zip, or several files that belong together."""


def read_volume(path: Source, frame: int | None, series: int | None, most_bytes: int, wanted: Wanted) -> Scan:
    """One volume as its file has it.

    Args:
        path: The files.
        frame: From 0; None if nobody chose one.
        series: Number of the DICOM series, from 1; None for the one with the most images.
        most_bytes: Largest volume.
        wanted: What the files are read for.

    Raises:
        ScanError: It cannot be read.
    """
    files, name = named_files(path)
    try:
        with foreseen(name):
            if series is None and len(files) == 1 and not files[0].is_dir():
                scan = _read_file(files[0], frame, most_bytes, wanted)
            else:
                with opened_members(files) as members:
                    scan = read_members(members, name, frame, most_bytes, series, wanted=wanted)
            require_geometry(name, scan.affine, scan.spacing)
            return scan
    except OSError as error:
        raise cannot_read(name, error) from error


def _read_file(path: Path, frame: int | None, most_bytes: int, wanted: Wanted) -> Scan:
    with path.open("rb") as file:
        start = file.read(FIRST_BYTES)
    if not start:
        raise ScanError(f"{path.name} is an empty file")
    kind = format_of_content(start)
    if kind is None:
        header = header_of_companion(path)
        if header is None:
            raise ScanError(f"{path.name} is of an unknown type; accepted: {accepted()}")
        return _read_file(header, frame, most_bytes, wanted)
    return kind.reader(wanted)(path, frame, most_bytes)


def named_files(path: Source) -> tuple[list[Path], str]:
    """The files or the folder that were named, and what their scan is called. Raises ScanError if there is none."""
    files = [Path(path)] if isinstance(path, (str, Path)) else [Path(one) for one in path]
    if not files:
        raise ScanError(f"no file was named; accepted: {accepted()}")
    # "." has no name of its own.
    return files, min((one.name or one.resolve().name for one in files), default="scan")


@contextmanager
def opened_members(files: Sequence[Path]) -> Iterator[Sequence[Member]]:
    """What the named files are, or what the folder or the zip holds, for as long as the block lasts. Raises ScanError, or OSError."""
    if len(files) > 1:
        yield members_of_files(files)
    elif files[0].is_dir():
        yield members_of_folder(files[0])
    elif zipfile_starts(files[0]):
        with members_of_zip(files[0]) as members:
            yield members
    else:
        yield members_of_files(files)


def cannot_read(name: str, error: OSError) -> ScanError:
    """What a person reads where the system refuses a file."""
    # The error's own text has the whole path.
    return ScanError(f"cannot read {name}: {error.strerror or type(error).__name__}")
