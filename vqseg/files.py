"""Files written in one rename, so that no reader ever sees half of one, even if the run is cut off."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import zipfile
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

_LONGEST_HEADER = 1 << 16
_BLOCK = 1 << 20
_NOTES = "notes"
# A type, the description of records (which are told by their kind), a truth, or lengths.
_VALUE = r"""['"][<>=|]?[?a-zA-Z]\d{0,6}['"]|\[[^{}]{0,2000}\]|True|False|\((?:\s*\d{1,18}L?\s*,){0,32}(?:\s*\d{1,18}L?)?\s*\)"""
_FIELD = re.compile(rf"""['"](\w{{1,20}})['"]\s*:\s*({_VALUE})""")
_DICT = re.compile(rf"\{{\s*(?:{_FIELD.pattern}\s*(?:,\s*|(?=\}}))){{3}}\}}")


def write_whole(file: Path, text: str) -> None:
    """Write a text file in one rename.

    Args:
        file: Its final name, in a folder that exists.
        text: Written as UTF-8.
    """
    # Several processes may write the same at once.
    part = file.with_name(f".{os.getpid()}-{file.name}")
    part.write_text(text, encoding="utf-8")
    settle(part)
    part.replace(file)


def digest_of(*files: Path) -> str:
    """The SHA-256 of files' bytes, one after the other, as hexadecimal digits. Raises OSError if one cannot be read."""
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()


@dataclass(frozen=True)
class NpyHeader:
    """Where the values of an .npy begin, and how they lie. Records have a type of their kind, not their own."""

    offset: int
    dtype: np.dtype
    shape: tuple[int, ...]
    columns_first: bool


def npy_header(file: IO[bytes]) -> NpyHeader | None:
    """The header of an .npy by its grammar.

    NumPy hands the header's text to Python's own parser, which has no bounds: it raises what it likes, and takes what it likes.

    Args:
        file: Stands at its beginning.

    Returns:
        None for a header that is not as arrays of numbers have it.
    """
    head = file.read(_LONGEST_HEADER)
    start = 10 if head[6:7] == b"\1" else 12
    end = start + int.from_bytes(head[8:start], "little")
    if not head.startswith((b"\x93NUMPY\1", b"\x93NUMPY\2", b"\x93NUMPY\3")) or end > len(head):
        return None
    text = head[start:end].decode("latin-1").strip()
    fields = dict(_FIELD.findall(text))
    if _DICT.fullmatch(text) is None or fields.keys() != {"descr", "fortran_order", "shape"}:
        return None
    described = fields["descr"].strip("'\"")
    try:
        dtype = np.dtype([("", "u1")]) if described.startswith("[") else np.dtype(described)
    except (TypeError, ValueError):
        return None
    shape = tuple(int(one) for one in re.findall(r"\d+", fields["shape"]))
    return None if dtype.kind == "O" else NpyHeader(end, dtype, shape, fields["fortran_order"] == "True")


def npz_arrays(path: Path, wanted: Collection[str], most_bytes: int) -> dict[str, np.ndarray]:
    """Some arrays of a .npz file, whose sizes are judged by their headers before memory is taken for any. Nothing is unpickled.

    Args:
        path: The file.
        wanted: Names of arrays; what is not there is left out.
        most_bytes: Of all of them together.

    Raises:
        ValueError: They are larger, or a header does not fit what follows it.
        OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error: The file is broken.
    """
    total = 0
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            name = member.filename.removesuffix(".npy")
            if name not in wanted:
                continue
            with archive.open(member) as content:
                header = npy_header(content)
            if header is None or header.dtype.kind == "V":
                raise ValueError(f"{name} is no array of numbers or of text")
            size = math.prod(header.shape) * header.dtype.itemsize
            total += max(size, member.file_size)
            if size > member.file_size or total > most_bytes:
                raise ValueError(f"{name} is {header.dtype} {header.shape}, which does not fit the file")
    with np.load(path, allow_pickle=False) as content:
        return {name: content[name] for name in wanted if name in content}


BROKEN_NPZ = (OSError, EOFError, ValueError, KeyError, TypeError, RecursionError, zipfile.BadZipFile, zlib.error)
"""What comes of reading a .npz file that is not what it should be."""


def write_noted_npz(path: Path, notes: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays with notes in one rename, as `noted_npz` reads them.

    Args:
        path: The file, in a folder that exists.
        notes: Written as JSON.
        arrays: By name.
    """
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        values: dict[str, Any] = {_NOTES: np.array(json.dumps(dict(notes))), **arrays}
        np.savez_compressed(file, **values)
    part.replace(path)


def noted_npz(path: Path, wanted: Collection[str], most_bytes: int) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Notes and arrays of a file of `write_noted_npz`.

    Args:
        path: The file.
        wanted: As for `npz_arrays`.
        most_bytes: As for `npz_arrays`; the notes count, too.

    Raises:
        BROKEN_NPZ: The file is broken.
    """
    arrays = npz_arrays(path, [_NOTES, *wanted], most_bytes)
    notes = json.loads(str(arrays.pop(_NOTES)))
    if not isinstance(notes, dict):
        raise ValueError("its notes are no JSON object")
    return notes, arrays


def settle(path: Path) -> None:
    """Wait until a file, or a folder's list of files, is on the disk: a rename may come there before what it renames."""
    if os.name == "nt" and path.is_dir():
        # Windows cannot open a folder, and does not need it.
        return
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
