"""Files written in one rename, so that no reader ever sees half of one, even if the run is cut off."""

from __future__ import annotations

import os
from pathlib import Path


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
