"""Files written in one rename, so that no reader ever sees half of one, even if the run is cut off."""

from __future__ import annotations

import math
import os
import zipfile
from collections.abc import Collection
from pathlib import Path

import numpy as np


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
                version = np.lib.format.read_magic(content)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, _, dtype = read(content)
            size = math.prod(shape) * dtype.itemsize
            total += max(size, member.file_size)
            if dtype.hasobject or size > member.file_size or total > most_bytes:
                raise ValueError(f"{name} is {dtype} {shape}, which does not fit the file")
    with np.load(path, allow_pickle=False) as content:
        return {name: content[name] for name in wanted if name in content}


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
