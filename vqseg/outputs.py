"""What a command may write: never over an input, and never over a file that it did not write itself.

For every folder of results there is a ledger, a line for each file: the command that wrote it, and digests of its name and content. A
file is replaced if a line says that the same command wrote it and it is unchanged since. So labels that were corrected by hand are safe.
The ledgers lie in `state_folder()`, not beside the results: whoever reads a folder of labels finds labels alone.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import socket
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from vqseg.files import digest_of, npz_arrays, settle

_LONGEST_NAME = 255
"""Bytes of a file's name, in most file systems."""
_DEEPEST = 64
_MOST_NOTES = 1 << 22
_LONGEST_WRITING = 24 * 3600
"""Seconds: what another machine began to write longer ago, it has given up."""
# The machine's name: another one may work in the same folder, and its processes have other numbers.
_PARTS = ".vqseg-"
_PART = f"{_PARTS}{hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]}-"

logger = logging.getLogger(__name__)


class OutputError(ValueError):
    """A file that must not be replaced. The message names it and says what to do; plain is the message without its folder."""

    def __init__(self, message: str, path: Path | None = None) -> None:
        """Take the words that follow the path, or all of them where there is none."""
        super().__init__(message if path is None else f"{path} {message}")
        self.plain = message if path is None else f"{path.name} {message}"


class Outputs:
    """The results of one run of a command, in one folder. Each is written under another name first and appears whole or not at all."""

    def __init__(self, folder: str | Path, command: str, *, inputs: Iterable[Path] = (), overwrite: bool = False) -> None:
        """Look at what is there; write nothing yet.

        Args:
            folder: Of the results; made when the first is written.
            command: Its name, by which a later run knows its own files.
            inputs: Files that the run reads, or folders of them. They are never replaced.
            overwrite: Whether other files may be replaced.
        """
        self.folder, self._command, self._overwrite = Path(folder), command, overwrite
        self._inputs = {number for path in inputs for number in _numbers(path)}
        self._ledger = state_folder() / "written" / f"{_hashed(str(self.folder.resolve()))}.jsonl"
        self._known = _read_ledger(self._ledger, command)
        self._claimed: set[str] = set()
        self._swept: set[Path] = set()

    def know(self, path: Path, digest: str) -> None:
        """Take a file of this content for the command's own, too: of another machine, say, whose ledger is not here.

        Args:
            path: In the folder or below it.
            digest: From `digest_of`.
        """
        self._known.setdefault(_hashed(self._name(path)), set()).add(digest)

    def sweep(self, folder: Path) -> None:
        """Delete what killed processes were writing in a folder; once, as looking through a folder of thousands takes its time."""
        if folder not in self._swept:
            self._swept.add(folder)
            _sweep(folder)

    def claim(self, *paths: Path) -> None:
        """Take files for this run, which nothing else of the run may write.

        Args:
            paths: In the folder or below it. They need not exist.

        Raises:
            OutputError: One of them is an input, belongs to something else, or was taken before. None is taken then.
        """
        for number, path in enumerate(paths):
            name = self._name(path)
            if name in self._claimed or name in map(self._name, paths[:number]):
                raise OutputError(
                    f"another input was already written to {path.name}, and this one would overwrite others; name another --output"
                )
            self._refuse_foreign(path, name)
        self._claimed.update(map(self._name, paths))

    def check(self, *paths: Path) -> None:
        """Raise OutputError if a file must not be replaced. Nothing is taken."""
        for path in paths:
            self._refuse_foreign(path, self._name(path))

    @contextmanager
    def writing(self, path: Path, *, claimed: bool = False, before: Callable[[str], None] | None = None) -> Iterator[Path]:
        """Write one file, for as long as the block lasts.

        Args:
            path: Its final name, in the folder or below it.
            claimed: Whether `claim` has taken it before.
            before: Is told the digest of the whole file, before it gets its name.

        Yields:
            The path to write to, with the same name in a folder of its own.

        Raises:
            OutputError: As `claim`.
        """
        if not claimed:
            self.claim(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        # In the same folder, as a rename goes no further than a file system.
        self.sweep(path.parent)
        with TemporaryDirectory(prefix=f"{_PART}{os.getpid()}-", dir=path.parent) as place:
            part = Path(place) / path.name
            yield part
            settle(part)
            digest = digest_of(part)
            # First the ledger: if this process is killed in between, the next run knows the file. One that never comes is in nobody's way.
            self._note(self._name(path), digest)
            if before is not None:
                before(digest)
            self._move(part, path)

    def write_text(self, path: Path, text: str) -> None:
        """Write a text file as UTF-8. Raises OutputError as `claim`."""
        with self.writing(path) as part:
            part.write_text(text, encoding="utf-8")

    def _move(self, part: Path, path: Path) -> None:
        """Give a file its final name, if still nothing else has it."""
        if os.path.lexists(path):
            self._refuse_foreign(path, self._name(path))
            part.replace(path)
            return
        try:
            # Unlike a rename, it fails if somebody else was faster.
            os.link(part, path)
        except FileExistsError as error:
            # Another process of the same command may have made the same.
            if not path.is_file() or digest_of(path) != digest_of(part):
                raise OutputError("was written by something else meanwhile; choose another folder", path) from error
        except OSError:
            # A file system without links.
            part.replace(path)

    def _note(self, name: str, digest: str) -> None:
        self._known.setdefault(_hashed(name), set()).add(digest)
        try:
            self._ledger.parent.mkdir(parents=True, exist_ok=True)
            with self._ledger.open("a", encoding="utf-8") as ledger:
                ledger.write(json.dumps({"command": self._command, "file": _hashed(name), "sha256": digest}) + "\n")
        except OSError:
            # A home that cannot be written: the next run will ask for --overwrite.
            logger.debug("cannot write %s", self._ledger)

    def _refuse_foreign(self, path: Path, name: str) -> None:
        if len(os.fsencode(path.name)) > _LONGEST_NAME:
            raise OutputError(f"{path.name} has more than {_LONGEST_NAME} bytes; give the input a shorter name")
        if not os.path.lexists(path):
            return
        if path.is_dir():
            raise OutputError("is a folder; choose another name", path)
        if not self._inputs.isdisjoint(_numbers(path)):
            raise OutputError("is an input of this command and is never replaced; choose another folder for the output", path)
        own = self._known.get(_hashed(name), set())
        if not self._overwrite and not (path.is_file() and digest_of(path) in own):
            what = "was changed since this command wrote it" if own else "was not written by this command"
            raise OutputError(f"{what}; choose another folder, or replace it with --overwrite", path)

    def _name(self, path: Path) -> str:
        return os.path.relpath(path, self.folder).replace(os.sep, "/")


def refuse_strangers(files: Mapping[Path, Callable[[Path], bool]], *, overwrite: bool = False) -> None:
    """Check, before the work, that results whose names are fixed replace none but earlier results of the same command.

    Args:
        files: What will be written, and by what its own earlier content is known; what raises ValueError or OSError knows it not.
        overwrite: Whether others may be replaced, too.

    Raises:
        OutputError: A file of such a name is something else.
    """
    for path, is_own in files.items():
        if overwrite or not os.path.lexists(path):
            continue
        try:
            known = is_own(path)
        except (ValueError, TypeError, OSError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, RecursionError):
            known = False
        if not known:
            raise OutputError(f"{path} was not written by this command; choose another folder, or replace it with --overwrite")


def table_files(output: Path, name: str) -> dict[Path, Callable[[Path], bool]]:
    """What `vqseg table` writes, for `refuse_strangers`: page and picture are its own if the JSON beside them is."""

    def is_own(_: Path) -> bool:
        content = json.loads((output / f"{name}.json").read_text(encoding="utf-8"))
        return isinstance(content, dict) and content.get("table") == name

    return dict.fromkeys((output / f"{name}{ending}" for ending in (".json", ".md", ".png", "-moments.json")), is_own)


def is_noted_archive(path: Path, note: str) -> bool:
    """Whether a file is an archive of arrays whose notes have a certain entry, as codebook.npz and familiarity.npz do."""
    notes = json.loads(str(npz_arrays(path, ("notes",), _MOST_NOTES)["notes"]))
    return isinstance(notes, dict) and note in notes


def state_folder() -> Path:
    """Where this user's programs keep what they remember between runs: XDG_STATE_HOME, or what the system has in its place."""
    own = os.environ.get("XDG_STATE_HOME") or os.environ.get("LOCALAPPDATA")
    try:
        return (Path(own) if own else Path.home() / ".local" / "state") / "vqseg"
    except RuntimeError:
        # Nobody's home: as in a container whose user has no name.
        return Path(gettempdir()) / "vqseg-state"


def _sweep(folder: Path) -> None:
    """Delete what processes of this machine were writing when they were killed, and what others have left long ago."""
    for left in folder.glob(f"{_PART}*"):
        number = left.name.removeprefix(_PART).split("-")[0]
        if number.isdigit() and not _is_alive(int(number)):
            shutil.rmtree(left, ignore_errors=True)
    for left in folder.glob(f"{_PARTS}*-*"):
        try:
            given_up = time.time() - left.stat().st_mtime > _LONGEST_WRITING
        except OSError:
            continue
        if given_up and left.is_dir():
            shutil.rmtree(left, ignore_errors=True)


def _is_alive(process: int) -> bool:
    if os.name == "nt":
        # Asking would end it there.
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _numbers(path: Path) -> Iterator[tuple[int, int]]:
    """By which a file system knows the files, whatever they are called. None for what does not exist."""
    files = [path]
    if path.is_dir():
        # Linked folders too, whose files are read as well; a link in a circle ends after a few rounds.
        files = [
            Path(place, name) for place, _, names in os.walk(path, followlinks=True) for name in names if place.count(os.sep) < _DEEPEST
        ]
    for file in files:
        try:
            found = file.stat()
        except OSError:
            continue
        yield found.st_dev, found.st_ino


def _read_ledger(file: Path, command: str) -> dict[str, set[str]]:
    """The digests that a command's files had, by their names."""
    known: dict[str, set[str]] = {}
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return known
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            # The last line of a run that was cut off.
            continue
        if isinstance(entry, dict) and entry.get("command") == command:
            known.setdefault(str(entry.get("file")), set()).add(str(entry.get("sha256")))
    return known


def _hashed(text: str) -> str:
    """Names of scans may tell of a person; no ledger holds one."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]
