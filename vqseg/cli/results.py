"""What the parts of `predict` have in common: how a scan becomes labels, and where these go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vqseg.data.sources import ScanSource
    from vqseg.outputs import Outputs
    from vqseg.types import Array, Scan


@dataclass(frozen=True)
class Results:
    """outputs: the folder. target_of: the file for a scan's labels. segment: labels of a scan. classes: their names."""

    outputs: Outputs
    target_of: Callable[[ScanSource, Scan], Path]
    segment: Callable[[Scan], Array]
    classes: Sequence[str]

    def write(self, labels: Array, scan: Scan, target: Path, before: Callable[[str], None] | None = None) -> None:
        """Write labels to a file that was claimed.

        Args:
            labels: As for `write_labels`.
            scan: Likewise.
            target: The file.
            before: Is told the file's digest before it gets its name.

        Raises:
            ScanError: As `write_labels`.
        """
        from vqseg.data.scan import write_labels

        with self.outputs.writing(target, claimed=True, before=before) as part:
            write_labels(labels, scan, part, self.classes)
