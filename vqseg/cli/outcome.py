"""What has become of many scans: one after the other, whatever one of them does, and all of it said at the end."""

from __future__ import annotations

import json
import logging
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

logger = logging.getLogger(__name__)


@dataclass
class Outcome:
    """segmented, notes and skipped are by scan; left_out is what was named but looked at by nobody, with the reason."""

    segmented: dict[str, str] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._count: Counter[str] = Counter()
        self._before: set[str] = set()

    @contextmanager
    def guarded(self, name: str) -> Iterator[str]:
        """Work on one scan, for as long as the block lasts. Whatever it raises is noted, and the block ends.

        Args:
            name: Of the scan.

        Yields:
            The name under which to note it: another one if a scan of this name came before.
        """
        from vqseg.cardiac import CardiacError
        from vqseg.data.scan import ScanError
        from vqseg.outputs import OutputError

        self._count[name] += 1
        name = name if self._count[name] == 1 else f"{name} ({self._count[name]})"
        try:
            yield name
        except OutputError as error:
            self.skipped[name] = error.plain
        except OSError as error:
            # Its own text has the whole path.
            self.skipped[name] = f"{error.strerror or type(error).__name__}"
        except (ScanError, CardiacError) as error:
            self.skipped[name] = str(error)
        except Exception as error:
            # A fault of ours in one scan of a thousand must not cost the others. The log has where it is.
            logger.warning("%s could not be segmented", name, exc_info=True)
            self.skipped[name] = f"an unforeseen {type(error).__name__}, see the log"

    def note(self, name: str, notes: Iterable[str]) -> None:
        """Remember what a person should know of how a scan was read."""
        if found := list(notes):
            self.notes.setdefault(name, []).extend(found)

    def was_done(self, name: str, labels: str, notes: Iterable[str]) -> None:
        """Remember a scan that an earlier run has segmented, of which nothing is said again.

        Args:
            name: Of the scan.
            labels: The file.
            notes: As for `note`.
        """
        self._before.add(name)
        self.segmented[name] = labels
        self.note(name, notes)

    def tell(self, count: int, unit: str, where: object) -> int:
        """Say all of it: notes and what is missing on standard error, the numbers on standard output.

        Args:
            count: How many there were.
            unit: What one of them is, "scan".
            where: The folder of the results.

        Returns:
            The exit status: 1 if one was skipped.
        """
        lines = [f"{name}: {note}" for name, notes in self.notes.items() if name not in self._before for note in notes]
        lines += [f"skipped {name}: {why}" for name, why in self.skipped.items()]
        lines += [f"left out {name}: {why}" for name, why in self.left_out.items()]
        for line in lines:
            print(line, file=sys.stderr)
        print(f"{count - len(self.skipped)} of {count} {unit}s segmented into {where}" + self._also())
        return 1 if self.skipped else 0

    def as_json(self) -> str:
        """The same for programs: {"segmented": {scan: file}, "notes", "skipped", "left_out"}."""
        return json.dumps(asdict(self), indent=2) + "\n"

    def _also(self) -> str:
        before = f", {len(self._before)} of them before" if self._before else ""
        return before + (f", {len(self.left_out)} left out" if self.left_out else "")
