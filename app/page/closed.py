"""Addresses of Gradio that this app does not need, and that would keep, show or fetch what is not for everybody.

Some store what a visitor sends or has on show and never delete it (recordings, deep links, histories), some fetch other servers' pages,
and some tell of visitors. Of the files on disk only those are served that this app hands out.
"""

from __future__ import annotations

import os

from app.scan.handed_out import out_folder

_CLOSED = frozenset(
    (
        *("monitoring", "profiling", "dev", "runs", "run-history", "deep_link", "stream"),
        *("process_recording", "vibe-edit", "undo-vibe-edit", "vibe-code", "vibe-starter-queries"),
    )
)
_FILES = ("/file=", "/file/")
_PROXY = "/proxy="


def is_closed(path: str) -> bool:
    """Whether nothing is served there.

    Args:
        path: Of the address, decoded; it may begin with the path below which the app is served.
    """
    asked = next((path.partition(mark)[2] for mark in _FILES if mark in path), None)
    if asked is not None:
        return not is_handed_out(asked)
    return _PROXY in path or not _CLOSED.isdisjoint(path.split("/"))


def is_handed_out(path: str) -> bool:
    """Whether this is a file that visitors may fetch."""
    # A null byte is no part of any path.
    return "\0" not in path and os.path.abspath(path).startswith(f"{out_folder()}{os.sep}") and os.path.isfile(path)
