"""Where files lie that visitors may fetch, and where those arrive that they send.

Both are folders below the one that Gradio serves (GRADIO_TEMP_DIR). Of these only the files to fetch are served, see app/page/closed.py.
Every file lies in a folder of its own whose name nobody can guess, until whoever had it made deletes that folder.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import weakref
from pathlib import Path


def out_folder() -> Path:
    """The folder of all files that visitors may fetch."""
    return _served() / "handed-out"


def sent_folder() -> Path:
    """The folder of all files that visitors send, until they were read."""
    return _served() / "sent"


class OwnFolder:
    """A new folder with a name that nobody can guess. `delete` deletes it with its files; so does forgetting it."""

    def __init__(self, parent: Path) -> None:
        """Make it.

        Args:
            parent: `out_folder()` or `sent_folder()`.
        """
        # No more than these two: when a server has ended and its folder is gone, nothing makes it again.
        for folder in (parent.parent, parent):
            folder.mkdir(mode=0o700, exist_ok=True)
        self.path = parent / secrets.token_hex(16)
        self.path.mkdir(mode=0o700)
        self._end = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)

    def delete(self) -> None:
        """Delete the folder and what is in it."""
        self._end()


def _served() -> Path:
    # As gradio.utils.get_upload_folder has it.
    return Path(os.environ.get("GRADIO_TEMP_DIR") or Path(tempfile.gettempdir()) / "gradio").absolute()
