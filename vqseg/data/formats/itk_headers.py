"""The headers of NRRD and MetaImage by their grammar, before ITK sees them.

ITK trusts what it reads: it crashes on long words and on dimensions that are none, and never ends on others. A header that is not as the
format has it is refused here. Both may name the file that holds the voxels.
"""

from __future__ import annotations

import re
from pathlib import Path

from vqseg.data.formats.members import is_plain
from vqseg.data.limits import ScanError

HEADER_BYTES = 1 << 16
"""Within which a header ends; real ones have a few hundred."""
_LONGEST_LINE = 1000

_COUNT, _REAL = r"\d{1,10}", r"[-+]?(?:\d{1,40}\.?\d{0,40}|\.\d{1,40})(?:[eE][-+]?\d{1,3})?"
_COUNTS, _REALS = rf"{_COUNT}(?:\s+{_COUNT}){{0,15}}", rf"{_REAL}(?:\s+{_REAL}){{0,24}}"
_META_NUMBERS = {
    "ndims": r"[1-9]",
    "dimsize": _COUNTS,
    "elementnumberofchannels": r"\d{1,3}",
    "headersize": rf"-1|{_COUNT}",
    "compresseddatasize": r"\d{1,19}",
    **dict.fromkeys(
        ("transformmatrix", "rotation", "orientation", "offset", "position", "origin", "centerofrotation", "elementspacing", "elementsize"),
        _REALS,
    ),
}
_VECTOR = rf"(?:none|\(\s*{_REAL}(?:\s*,\s*{_REAL}){{0,8}}\s*\))"
_ANY, _WORDS, _REALS_OR_NAN = ".*", r"[\w -]{1,60}", rf"(?:{_REAL}|-?nan)(?:\s+(?:{_REAL}|-?nan)){{0,15}}"
_NRRD_FIELDS = {
    "dimension": r"[1-9]",
    "type": _WORDS,
    "encoding": _WORDS,
    "endian": _WORDS,
    "sizes": _COUNTS,
    "space": _WORDS,
    "space dimension": r"[1-9]",
    "space directions": rf"{_VECTOR}(?:\s*{_VECTOR}){{0,15}}",
    "space origin": _VECTOR,
    "measurement frame": rf"{_VECTOR}(?:\s*{_VECTOR}){{0,15}}",
    **dict.fromkeys(("line skip", "lineskip", "byte skip", "byteskip"), rf"-1|{_COUNT}"),
    **dict.fromkeys(("block size", "blocksize", "number"), r"\d{1,19}"),
    **dict.fromkeys(("spacings", "thicknesses", "axis mins", "axismins", "axis maxs", "axismaxs"), _REALS_OR_NAN),
    **dict.fromkeys(("min", "max", "old min", "oldmin", "old max", "oldmax"), _REALS_OR_NAN),
    **dict.fromkeys(("content", "labels", "units", "space units", "sample units", "sampleunits", "kinds", "centers", "centerings"), _ANY),
    **dict.fromkeys(("data file", "datafile"), _ANY),
}


def meta_data_file(name: str, head: bytes) -> str | None:
    """The file that a MetaImage names for its voxels.

    Args:
        name: The file's name, for messages.
        head: Its first HEADER_BYTES bytes.

    Returns:
        None if they follow the header.

    Raises:
        ScanError: If the header makes no sense.
    """
    place = head.lower().find(b"elementdatafile")
    line = head[place:].split(b"\n", 1)[0].decode("latin-1").strip() if place >= 0 else ""
    # Exactly as the format has it and before anything that could be taken for it: what is judged here is what SimpleITK will open.
    match = re.fullmatch(r"ElementDataFile\s*=\s*(.+)", line)
    if match is None or (place > 0 and head[place - 1 : place] not in b"\r\n"):
        raise ScanError(f"{name} is no readable MetaImage: its header does not say where the voxels are")
    for line in _lines(name, "MetaImage", head[:place]):
        field, _, value = line.partition("=")
        if re.fullmatch(_META_NUMBERS.get(field.strip().lower(), _ANY), value.strip()) is None:
            raise _senseless(name, "MetaImage")
    return None if match[1] in ("LOCAL", "Local", "local") else match[1]


def nrrd_data_file(name: str, head: bytes) -> str | None:
    """The same for a NRRD."""
    named = []
    for number, line in enumerate(_lines(name, "NRRD", re.split(rb"\r?\n\r?\n", head, maxsplit=1)[0])):
        if number == 0 or not line.strip() or line.startswith("#") or re.match(r"[^:]*:=", line):
            continue
        field, _, value = line.partition(":")
        field, value = field.strip().lower(), value.strip()
        if field not in _NRRD_FIELDS or re.fullmatch(_NRRD_FIELDS[field], value, re.IGNORECASE) is None:
            raise _senseless(name, "NRRD")
        if field in ("data file", "datafile"):
            named.append(value)
    if len(named) > 1:
        raise ScanError(f"{name} is no readable NRRD: it names several files for its voxels")
    return named[0] if named else None


def require_beside(path: Path, named: str) -> None:
    """Raise ScanError unless what a header names is one file that lies beside it."""
    if named.upper().startswith("LIST") or not is_plain(named) or " " in named:
        raise ScanError(f"{path.name} keeps its voxels in several files or in another folder; expected one file beside it")
    if not (path.parent / named).is_file():
        raise ScanError(f"{path.name} keeps its voxels in another file, which is not beside it; send both together or in a zip")


def _lines(name: str, kind: str, header: bytes) -> list[str]:
    lines = [line.decode("latin-1") for line in re.split(rb"\r?\n", header)]
    if any(len(line) > _LONGEST_LINE or re.search(r"[\0-\x08\x0a-\x1f\x7f]", line) for line in lines):
        raise _senseless(name, kind)
    return lines


def _senseless(name: str, kind: str) -> ScanError:
    return ScanError(f"{name} is no readable {kind}: its header is not as the format has it")
