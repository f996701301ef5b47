"""What `predict` has done in a folder, scan by scan, so that a run that was cut off is taken up where it ended.

Lines of JSON in OUTPUT/.vqseg, one file for each share, which only grow. A line is written before its labels get their name, and holds
their digest: whatever was being written when a process was killed does not have it, and is made again. A line that was cut off is none.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from vqseg.files import digest_of
from vqseg.types import Share

FOLDER = ".vqseg"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What became of one scan.

    name: unique in its run. key: of checkpoint and options, from `run_key`. input: digest of the scan's bytes. at: seconds since 1970.
    labels: the file in the folder, with its digest; empty where there is an error instead. shape, spacing_mm (None if unknown), millilitres
    (by structure, None if unknown), seconds, notes: of the scan. familiarity: the verdict; drift: its excess, beyond 1 the scan is
    doubtful; doubt: the verdict in words, where it is a warning.
    """

    name: str
    key: str
    input: str
    at: float
    labels: str = ""
    sha256: str = ""
    shape: tuple[int, ...] = ()
    spacing_mm: tuple[float, ...] | None = None
    millilitres: Mapping[str, float | None] = field(default_factory=dict)
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    familiarity: str = ""
    drift: float | None = None
    doubt: str = ""
    error: str = ""


class Record:
    """The record of a folder. entries: of every scan the last one. written: by name, every digest that a file of ours has had."""

    def __init__(self, folder: Path, key: str, share: Share) -> None:
        """Read what is there; write nothing yet.

        Args:
            folder: Of the labels.
            key: Of this run, from `run_key`.
            share: Of this process, which writes a file of its own.
        """
        self.folder, self.key = folder, key
        self._file = folder / FOLDER / f"predict-{share.index + 1}-of-{share.count}.jsonl"
        self.entries: dict[str, Entry] = {}
        self.written: dict[str, set[str]] = {}
        self.read()

    def read(self) -> None:
        """Read what all processes have written so far."""
        self.entries.clear()
        for file in sorted((self.folder / FOLDER).glob("predict-*.jsonl")):
            with file.open(encoding="utf-8", errors="replace") as lines:
                for line in lines:
                    self._take(line)

    def add(self, entry: Entry) -> None:
        """Note what became of a scan, on the disk before this returns."""
        self._take(self._append(asdict(entry)))

    def add_file(self, name: str, sha256: str) -> None:
        """Note a file that is no scan's.

        Args:
            name: In the folder.
            sha256: Its digest.
        """
        self._take(self._append({"labels": name, "sha256": sha256}))

    def done(self, name: str, digest: str) -> Entry | None:
        """The entry of a scan whose labels lie there as this run would write them; None for any other.

        Args:
            name: Of the scan.
            digest: Of its bytes now.
        """
        entry = self.entries.get(name)
        if entry is None or entry.error or (entry.key, entry.input) != (self.key, digest):
            return None
        try:
            return entry if digest_of(self.folder / entry.labels) == entry.sha256 else None
        except OSError:
            return None

    def _append(self, values: Mapping[str, Any]) -> str:
        line = json.dumps(values)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a+b") as file:
            # Behind what a killed process has left of its last line.
            file.seek(max(0, file.seek(0, os.SEEK_END) - 1))
            torn = file.read(1) not in (b"", b"\n")
            file.write(b"\n" * torn + line.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return line

    def _take(self, line: str) -> None:
        try:
            values = json.loads(line)
            labels, digest = str(values["labels"]), str(values["sha256"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return
        # A name and no path: nothing outside of the folder is looked at for the sake of this file.
        if labels and Path(labels).name == labels:
            self.written.setdefault(labels, set()).add(digest)
        elif labels:
            return
        entry = _entry_of(values)
        if entry is not None and (entry.name not in self.entries or self.entries[entry.name].at <= entry.at):
            self.entries[entry.name] = entry


def run_key(checkpoint: Path, options: Mapping[str, object]) -> str:
    """What labels depend on besides their scan: the digest of a checkpoint's weights and configuration, and of options.

    Args:
        checkpoint: Its folder.
        options: By name, as JSON holds them.
    """
    from vqseg.checkpoint import CONFIG, WEIGHTS

    weights = digest_of(checkpoint / WEIGHTS, checkpoint / CONFIG)
    return hashlib.sha256(f"{weights} {json.dumps(dict(options), sort_keys=True)}".encode()).hexdigest()


_TYPES: dict[str, Any] = {"name": str, "key": str, "input": str, "at": (int, float), "seconds": (int, float), "millilitres": dict}
_TYPES |= dict.fromkeys(("labels", "sha256", "familiarity", "doubt", "error"), str) | dict.fromkeys(("shape", "notes"), list)


def _entry_of(values: dict[str, Any]) -> Entry | None:
    """An entry from a line of the file; None if it is not as `Record.add` has written it."""
    if values.keys() != {one.name for one in fields(Entry)} or not all(isinstance(values[name], kind) for name, kind in _TYPES.items()):
        return None
    spacing = values["spacing_mm"]
    lists = {"shape": tuple(values["shape"]), "notes": tuple(values["notes"]), "spacing_mm": None if spacing is None else tuple(spacing)}
    return Entry(**(values | lists))
