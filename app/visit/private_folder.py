"""The private folder of a server: everything that it writes for its visitors lies in there, and goes when the server ends.

A server that was killed cannot delete anything. So the next one of the same user deletes what is left: folders that carry the mark below,
belong to this user, are closed to others, and whose lock nobody holds any more. Nothing else is touched.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl

PREFIX = "vqseg-server-"
"""What the names of such folders begin with."""
SERVED, HELD = "served", "held"
"""Within it: files that come and go by Gradio, and those that only the server itself reads."""
LOCK, MARK = "lock", b"private folder of a VQ-Seg server\n"
# Until it is locked it has another name: no server that starts meanwhile takes it for a dead one's.
_UNREADY = "vqseg-starting-"


@contextmanager
def private_folder(root: Path | None = None) -> Iterator[Path]:
    """Delete what dead servers have left, and make a folder for this one until the block ends.

    Python's temporary files, those of child processes and Gradio's lie in it from now on. So this comes before Gradio is imported, and the
    process ends after it: what is still at work then finds no place for a file.

    Args:
        root: Where it is made; GRADIO_TEMP_DIR by default, else where temporary files lie.

    Yields:
        The folder, which nobody else may read. It has the folders `SERVED` and `HELD`.
    """
    root = root or Path(os.environ.get("GRADIO_TEMP_DIR") or tempfile.gettempdir()).absolute()
    root.mkdir(parents=True, exist_ok=True)
    wipe(root)
    place, lock = _made(root)
    former = {name: os.environ.get(name) for name in ("GRADIO_TEMP_DIR", "TMPDIR")}, tempfile.tempdir
    try:
        for name in (SERVED, HELD):
            (place / name).mkdir(mode=0o700)
        os.environ["GRADIO_TEMP_DIR"], os.environ["TMPDIR"] = str(place / SERVED), str(place / HELD)
        tempfile.tempdir = str(place / HELD)
        yield place
    except Exception:
        # The server did not start, so nothing is at work, and whoever called may go on.
        _restore(*former)
        raise
    finally:
        # The lock is held to the end: another server would delete the same files.
        shutil.rmtree(place, ignore_errors=True)
        os.close(lock)


def _restore(variables: dict[str, str | None], folder: str | None) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    tempfile.tempdir = folder


def wipe(root: Path) -> list[Path]:
    """Delete the folders of dead servers.

    Args:
        root: Where they are looked for.

    Returns:
        The folders that were deleted.
    """
    # Without locks nobody can tell a dead server from a living one.
    if sys.platform == "win32":
        return []
    return [place for place in sorted(root.glob(PREFIX + "*")) if _deleted(place)]


def _made(root: Path) -> tuple[Path, int]:
    unready = Path(tempfile.mkdtemp(prefix=_UNREADY, dir=root))
    lock = os.open(unready / LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(lock, MARK)
    if sys.platform == "win32":
        return unready, lock
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    place = unready.with_name(PREFIX + unready.name.removeprefix(_UNREADY))
    unready.rename(place)
    return place, lock


def _deleted(place: Path) -> bool:
    """Delete a folder if it is a dead server's. Returns whether it was."""
    try:
        about = place.lstat()
        if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid() or about.st_mode & 0o077:
            return False
        # Never through a link that somebody has put there.
        lock = os.open(place / LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        with suppress(OSError):
            # Its owner holds the lock for as long as it lives, whatever ends it.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.read(lock, len(MARK) + 1) == MARK:
                shutil.rmtree(place, ignore_errors=True)
                return True
        return False
    finally:
        os.close(lock)
