"""The interface of a file format: how it is recognised, read and written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vqseg.types import Array, Scan

Wanted = Literal["greys", "labels", "colours"]
"""What a file is read for."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """One format of scans, or of label volumes, or of both.

    Its first bytes decide how a file is read, as its name may be wrong. A file to be written has only its name, so the ending decides.
    """

    name: str
    """As people call it, for messages: "NIfTI"."""
    endings: tuple[str, ...]
    """Of its files, lower case with the dot; the first is the usual one."""
    recognises: Callable[[bytes], bool]
    """Whether the first FIRST_BYTES bytes of a file are this format's; fewer bytes if the file is shorter, never none."""
    read: Callable[[Path, int | None, int], Scan]
    """(path, frame, most_bytes) -> one frame of at most most_bytes; None if nobody chose one: the first, or a refusal where the file says
    that they are channels. Voxels may be NaN or infinite. Raises ScanError for what cannot be read, OSError as files do."""
    read_labels: Callable[[Path, int | None, int], Scan] | None = None
    """The same for a file of labels, where these are kept otherwise than grey values are; None if they are not."""
    read_colours: Callable[[Path, int | None, int], Scan] | None = None
    """The same with red, green and blue as channels (X, Y, Z, 3), each of at most most_bytes; None if the format keeps no colours."""
    write_labels: Callable[[Array, Scan, Path], None] | None = None
    """(labels (X, Y, Z) uint8, the scan they belong to, path); None if labels cannot be kept in this format."""
    labels_as: str | None = None
    """The ending under which labels of such a scan are written; None for the scan's own."""
    companions: tuple[str, ...] = ()
    """Endings of files that lie beside such a file under the same name and hold its voxels."""

    def reader(self, wanted: Wanted) -> Callable[[Path, int | None, int], Scan]:
        """What reads a file of labels, or one of grey values, or colours where the format keeps them."""
        return {"greys": None, "labels": self.read_labels, "colours": self.read_colours}[wanted] or self.read


FIRST_BYTES = 540
"""The longest header that a format is recognised by, that of NIfTI-2."""
