"""Files that belong together: those of a folder, of a zip, or those that were named or dropped at once.

An archive is judged by its directory. Its members are read in memory, one at a time, and never written under the names that it gives.
"""

from __future__ import annotations

import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from vqseg.data.limits import MAX_BYTES, ScanError

MAX_MEMBERS = 50_000
"""Files of one folder or archive that are looked at."""
MAX_UNPACKED = 4 * MAX_BYTES
"""Bytes that all members of an archive may promise together."""
ZIP_MAGIC = b"PK\x03\x04"
DAMAGED_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OverflowError)
"""What zipfile raises for a damaged member, or one that it cannot unpack."""
_PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_COPIED = 1 << 20


@dataclass(frozen=True)
class Member:
    """One file of several. name: without its folder; size: in bytes, as promised; open: a seekable binary stream; path: if on disk."""

    name: str
    size: int
    open: Callable[[], BinaryIO]
    path: Path | None = None

    def start(self, count: int) -> bytes:
        """The first bytes."""
        with self.open() as file:
            return file.read(count)


def members_of_files(paths: Sequence[Path]) -> list[Member]:
    """The named files, in their order. Raises OSError as files do."""
    return [Member(path.name, path.stat().st_size, _opener(path), path) for path in paths]


def members_of_folder(folder: Path) -> list[Member]:
    """Every file below a folder that is not hidden, in the order of their names. Raises ScanError for too many."""
    found: list[Path] = []
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(parent) / name for name in sorted(files) if not name.startswith(".")]
        if len(found) > MAX_MEMBERS:
            raise ScanError(f"{folder.name} holds more than {MAX_MEMBERS} files; choose the folder of one scan")
    return members_of_files([path for path in found if path.is_file()])


@contextmanager
def members_of_zip(path: Path) -> Iterator[list[Member]]:
    """The files of an archive, for as long as the block lasts.

    Folders, hidden files and what macOS adds are left out. An archive within the archive is one more file, and is not opened.

    Args:
        path: Of the archive.

    Yields:
        Its files, in the order of their paths.

    Raises:
        ScanError: If it is damaged or encrypted, or holds too many or too large files.
    """
    try:
        archive = zipfile.ZipFile(path)
    except DAMAGED_ZIP as error:
        raise ScanError(f"{path.name} is a damaged or cut-off zip") from error
    with archive:
        infos = sorted((one for one in archive.infolist() if _is_content(one)), key=lambda one: one.filename)
        if len(infos) > MAX_MEMBERS:
            raise ScanError(f"{path.name} holds more than {MAX_MEMBERS} files")
        if any(one.flag_bits & 1 for one in infos):
            raise ScanError(f"{path.name} is encrypted; send a zip without a password")
        if any(one.compress_type not in _PLAIN for one in infos):
            raise ScanError(f"{path.name} is compressed in an unusual way; expected a plain zip (deflate)")
        if sum(one.file_size for one in infos) > MAX_UNPACKED or any(one.file_size > MAX_BYTES for one in infos):
            raise ScanError(f"{path.name} is too large unpacked; at most {MAX_UNPACKED >> 30} GiB, {MAX_BYTES >> 30} GiB a file")
        try:
            yield [Member(PurePosixPath(one.filename).name, one.file_size, _zip_opener(archive, one)) for one in infos]
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            # What a damaged member raises while the block reads it.
            raise ScanError(f"{path.name} is a damaged or cut-off zip") from error


def zipfile_starts(path: Path) -> bool:
    """Whether a file begins as a zip does. Raises OSError as files do."""
    with path.open("rb") as file:
        return file.read(len(ZIP_MAGIC)) == ZIP_MAGIC


@contextmanager
def unpacked(members: Sequence[Member], name: str) -> Iterator[Path]:
    """A private folder with copies of the members, which is removed at the end of the block.

    Args:
        members: At most a few; files of one scan.
        name: For messages.

    Yields:
        The folder. A copy has its member's name if that is a plain one.

    Raises:
        ScanError: If a member has no plain name, or two have the same.
    """
    if len({one.name for one in members}) < len(members) or not all(is_plain(one.name) for one in members):
        raise ScanError(f"{name} holds files whose names cannot be used")
    with tempfile.TemporaryDirectory(prefix="vqseg-") as folder:
        for member in members:
            with member.open() as source, (Path(folder) / member.name).open("xb") as target:
                # No more than promised, whatever the stream would give.
                left = member.size
                while left > 0 and (part := source.read(min(left, _COPIED))):
                    left -= target.write(part)
        yield Path(folder)


def is_plain(name: str) -> bool:
    """Whether a file name stays in its folder on every system: no separators, drives, dots alone or control characters."""
    return bool(name) and name == Path(name).name and not set(name) & set('/\\:*?"<>|%') and name not in (".", "..") and name.isprintable()


def _is_content(info: zipfile.ZipInfo) -> bool:
    parts = PurePosixPath(info.filename).parts
    return not info.is_dir() and bool(parts) and "__MACOSX" not in parts and not parts[-1].startswith(".")


def _opener(path: Path) -> Callable[[], BinaryIO]:
    return lambda: path.open("rb")


def _zip_opener(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], BinaryIO]:
    return lambda: cast(BinaryIO, archive.open(info))
