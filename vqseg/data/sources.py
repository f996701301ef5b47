"""What a person names on the command line -> the scans that it holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vqseg.data.channels import are_channels, case_and_channel
from vqseg.data.formats import FIRST_BYTES, ending_of, format_of_content, header_of_companion
from vqseg.data.formats.dicom import Series, find_series, is_dicom
from vqseg.data.formats.members import Member, members_of_files, members_of_folder
from vqseg.data.formats.pictures import stores_colours
from vqseg.data.limits import ScanError
from vqseg.data.litter import LITTER
from vqseg.files import digest_of

# Within which a header names the file of its voxels.
_HEAD = 1 << 16


@dataclass(frozen=True)
class ScanSource:
    """What `read_scan` takes: a file, a folder, or the files of one series or of all channels. name: what its labels are called after."""

    files: Path | tuple[Path, ...]
    name: str


def sources_of(inputs: Iterable[Path]) -> list[ScanSource]:
    """The scans of files and folders, in their order.

    A folder that holds DICOM files is one scan, with all that lies below it. Of another folder every file is a scan, and so is every
    folder in it that holds DICOM anywhere. DICOM files that are named one by one are sorted into their series, a scan each.

    Args:
        inputs: Files, zips and folders. A file that does not exist is kept: reading it says so.

    Raises:
        ScanError: If a folder holds too many files.
    """
    found: list[ScanSource] = []
    named: list[Path] = []
    for path in inputs:
        if path.is_dir():
            found += _of_folder(path)
        elif is_dicom(_start(path)):
            named.append(path)
        else:
            found.append(ScanSource(path, path.name))
    return found + _of_dicom_files(named)


def joined_channels(sources: Sequence[ScanSource], count: int) -> list[ScanSource]:
    """The scans of those who read `count` channels: files NAME_0000, NAME_0001 and so on that lie in one folder are one scan.

    Args:
        sources: From `sources_of`.
        count: With 1 nothing is joined: numbered files are scans of their own. Pictures in colour have their channels in one file.

    Returns:
        The scans, each in the place of its first file.
    """
    cases: dict[object, list[ScanSource]] = {}
    for source in sources:
        key: object = source
        if count > 1 and isinstance(source.files, Path) and case_and_channel(source.name)[1] is not None:
            key = source.files.parent, case_and_channel(source.name)[0]
        cases.setdefault(key, []).append(source)
    return [scan for parts in cases.values() for scan in _joined(parts, count)]


def _joined(parts: list[ScanSource], count: int) -> list[ScanSource]:
    parts = sorted(parts, key=lambda one: one.name)
    files = tuple(one.files for one in parts if isinstance(one.files, Path))
    if count == 1 or not are_channels([one.name for one in parts], count) or any(map(stores_colours, files)):
        return parts
    return [ScanSource(files, case_and_channel(parts[0].name)[0] + (ending_of(parts[0].name) or ""))]


def companions_of(path: Path) -> list[Path]:
    """Files beside a scan that may hold its voxels: heart.img for heart.hdr, and all raw files beside a header that may name any."""
    kind = format_of_content(_start(path)) if path.is_file() else None
    # .nrrd and .mha hold their voxels themselves.
    if kind is None or not path.name.lower().endswith(("hdr", ".mhd")):
        return []
    return [one for one in path.parent.iterdir() if one.name.lower().endswith(kind.companions) and one != path]


def source_digest(source: ScanSource) -> str:
    """The SHA-256 of a scan's bytes: of its file and of what lies beside it for it, or of all files of its folder or series.

    Args:
        source: From `sources_of`.

    Returns:
        Hexadecimal digits. They change with a file's content, not with its time.

    Raises:
        OSError: If a file cannot be read.
        ScanError: If a folder holds too many files.
    """
    if isinstance(source.files, tuple):
        return digest_of(*source.files)
    if source.files.is_dir():
        return digest_of(*(member.path for member in members_of_folder(source.files) if member.path))
    return digest_of(source.files, *_voxels_of(source.files))


def _voxels_of(path: Path) -> list[Path]:
    """The files beside a scan's that belong to it: those that its header names, or that have its name; the header of one that is voxels."""
    if (header := header_of_companion(path)) is not None:
        return [header]
    beside = companions_of(path)
    if not beside:
        return []
    with path.open("rb") as file:
        head = file.read(_HEAD)
    return sorted(one for one in beside if one.stem == path.stem or one.name.encode() in head)


def left_out_of(inputs: Iterable[Path]) -> dict[str, str]:
    """What lies in the folders that were named, but belongs to no scan of `sources_of`: its name, and why nobody reads it.

    Args:
        inputs: As for `sources_of`. What computers leave in every folder, and files that belong to a scan beside them, are not named.
    """
    found: dict[str, str] = {}
    for folder in (path for path in inputs if path.is_dir()):
        if any(is_dicom(_start(one)) for one in folder.iterdir() if one.is_file()):
            continue
        taken = {source.files for source in _of_folder(folder)}
        for one in _entries(folder):
            if one.is_symlink() and not one.exists():
                found[one.name] = "a link to a file that does not exist"
            elif one in taken or (one.is_file() and header_of_companion(one) is not None):
                continue
            elif one.is_dir():
                if any(True for _ in one.iterdir()):
                    found[one.name] = "a folder in the folder, without DICOM; name it to segment what is in it"
            elif one.is_file():
                found[one.name] = "a file of an unknown type beside the folders of a study"
    return found


def _entries(folder: Path) -> list[Path]:
    """What a folder holds, without hidden files and those that computers leave everywhere."""
    return sorted(one for one in folder.iterdir() if not one.name.startswith(".") and one.name.lower() not in LITTER)


def _of_folder(folder: Path) -> Iterator[ScanSource]:
    entries = _entries(folder)
    files = [one for one in entries if one.is_file()]
    if any(is_dicom(_start(one)) for one in files):
        yield ScanSource(folder, folder.resolve().name)
        return
    studies = [one for one in entries if one.is_dir() and any(_is_dicom(member) for member in members_of_folder(one))]
    # Beside the folders of a study lie viewers and read-me files; without them every file was meant as a scan.
    scans = [one for one in files if header_of_companion(one) is None and not (studies and format_of_content(_start(one)) is None)]
    yield from (ScanSource(one, one.name) for one in [*scans, *studies])


def _of_dicom_files(paths: Sequence[Path]) -> list[ScanSource]:
    if len(paths) < 2:
        return [ScanSource(path, path.name) for path in paths]
    try:
        series = find_series(members_of_files(paths), "input").series
    except ScanError:
        # Reading each of them says what is wrong with it.
        return [ScanSource(path, path.name) for path in paths]
    return [_of_series(one, len(series)) for one in series]


def _of_series(series: Series, count: int) -> ScanSource:
    files = tuple(dict.fromkeys(image.member.path for image in series.images if image.member.path))
    if len(files) == 1:
        return ScanSource(files[0], files[0].name)
    folder = files[0].resolve().parent.name or "scan"
    return ScanSource(files, folder if count == 1 else f"{folder}_series-{series.number}")


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(FIRST_BYTES)
    except OSError:
        return b""


def _is_dicom(member: Member) -> bool:
    return is_dicom(member.start(FIRST_BYTES))
