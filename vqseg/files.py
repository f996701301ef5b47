"""Files written so that no reader, and no run that is cut off, sees half of one."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(file: Path, text: str) -> None:
    """Write a text file under its final name in one rename."""
    # Several processes may write the same at once.
    part = file.with_name(f".{os.getpid()}-{file.name}")
    part.write_text(text, encoding="utf-8")
    part.replace(file)
