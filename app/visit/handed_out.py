"""Files that the endpoints hand out: labels, tokens, pictures. They are deleted when the visit of the caller ends.

A program that tells of no visit, or does not tell of its end, has a while to fetch its files.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from app.scan.handed_out import OwnFolder, out_folder
from app.visit.limits import UNFETCHED_SECONDS
from app.visit.openings import CalledOffError
from app.visit.presence import Presence


@dataclass(frozen=True)
class _Folder:
    folder: OwnFolder
    owner: str
    since: float


class HandedOut:
    """The folders of such files, by visit. Each built app has its own."""

    def __init__(self, presence: Presence, clock: Callable[[], float] = time.monotonic) -> None:
        """Start empty.

        Args:
            presence: Which visits are here.
            clock: Gives seconds.
        """
        self._presence, self._clock = presence, clock
        self._folders: list[_Folder] = []
        self._lock = Lock()

    def folder(self, owner: str) -> Path:
        """A new folder whose files may be fetched.

        Args:
            owner: The visit; empty if the caller names none.

        Returns:
            The folder.

        Raises:
            CalledOffError: If the visit has ended meanwhile: nobody would fetch the file.
        """
        with self._lock:
            if self._presence.has_left(owner):
                raise CalledOffError
            made = _Folder(OwnFolder(out_folder()), owner, self._clock())
            self._folders.append(made)
        return made.folder.path

    def release(self, owner: str) -> None:
        """Delete what a visit was handed, which has ended."""
        self._keep(lambda one: one.owner != owner or not owner)

    def sweep(self, most_seconds: float = UNFETCHED_SECONDS) -> None:
        """Delete what was handed out longer ago."""
        before = self._clock() - most_seconds
        self._keep(lambda one: one.since > before)

    def close(self) -> None:
        """Delete all."""
        self._keep(lambda _: False)

    def __len__(self) -> int:
        return len(self._folders)

    def _keep(self, kept: Callable[[_Folder], bool]) -> None:
        with self._lock:
            gone = [one for one in self._folders if not kept(one)]
            self._folders = [one for one in self._folders if kept(one)]
        for one in gone:
            one.folder.delete()
