"""Starts and ends the processes that read. Each reads one request: what a file does to its process is over before the next one is read."""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import BinaryIO, Protocol, cast

from vqseg.data.apart.template import ORDER

_KEPT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "HOME", "TEMP", "TMP", "TMPDIR")
"""Of the server's environment, which may hold keys."""
_ORDER_SECONDS = 30.0
"""For starting or ending a copy, which takes milliseconds; the first order waits until all is loaded."""
_PIPE = 1 << 20
_F_SETPIPE_SZ = 1031


class StartError(OSError):
    """A process could not be started."""


class Running(Protocol):
    """A process that waits for its request."""

    @property
    def request(self) -> BinaryIO:
        """Takes the request."""

    @property
    def answers(self) -> BinaryIO:
        """Gives what it answers; ends where the process ends."""

    def end(self) -> int:
        """End it and whatever it has started. Returns its exit status, of which -n is a signal. May be called again, by any thread."""


def environment() -> dict[str, str]:
    """Of a process that reads: enough to find its libraries, and one thread each."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"), "1")
    package = str(Path(__file__).resolve().parents[3])
    return {**kept, **threads, "PYTHONPATH": os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])}


class _Forked:
    """A copy of the template."""

    def __init__(self, nursery: Nursery, born: int, number: int, request: BinaryIO, answers: BinaryIO) -> None:
        self.request, self.answers = request, answers
        self._nursery, self._born, self._number, self._lock = nursery, born, number, Lock()
        self._status: int | None = None

    def end(self) -> int:
        with self._lock:
            if self._status is None:
                self._status = self._nursery.ended(self._born, self._number)
            return self._status


class Nursery:
    """Makes copies of one loaded process; starts it when it is first needed, and again if it has died."""

    def __init__(self, arguments: Sequence[str] = ("-m", "vqseg.data.apart.template")) -> None:
        """Start nothing yet.

        Args:
            arguments: For Python, which then takes the orders of template.py.
        """
        self._arguments, self._lock = tuple(arguments), Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._orders: socket.socket | None = None
        self._born = 0

    def prepare(self) -> None:
        """Load the process now, so that nobody waits for it."""
        with self._lock:
            self._connected()

    def start(self) -> Running:
        """A copy that waits for its request. Raises StartError if there can be none."""
        request, ours = os.pipe()
        answers, theirs = os.pipe()
        _widen(answers)
        try:
            with self._lock:
                number, born = self._started([request, theirs]), self._born
        except OSError as error:
            os.close(ours)
            os.close(answers)
            raise StartError("no process") from error
        finally:
            os.close(request)
            os.close(theirs)
        return _Forked(self, born, number, os.fdopen(ours, "wb"), os.fdopen(answers, "rb"))

    def ended(self, born: int, number: int) -> int:
        """End a copy.

        Args:
            born: Of which template it is a copy: another one may have another process of this number.
            number: Of its process.

        Returns:
            How it has ended; 0 if nobody knows.
        """
        with self._lock:
            if born != self._born:
                return 0
            try:
                return self._told(b"E", number, [])
            except OSError:
                return 0

    def close(self) -> None:
        """End the process and all copies."""
        with self._lock:
            self._drop()

    def _started(self, handed: list[int]) -> int:
        self._connected()
        try:
            return self._told(b"S", 0, handed)
        except OSError:
            # It was ended from outside, perhaps for the memory of all: once more with a new one.
            self._drop()
            self._connected()
            return self._told(b"S", 0, handed)

    def _told(self, kind: bytes, number: int, handed: list[int]) -> int:
        if self._orders is None:
            raise StartError("it has ended")
        order = kind + number.to_bytes(ORDER - 1, "little")
        if handed:
            socket.send_fds(self._orders, [order], handed)
        else:
            self._orders.sendall(order)
        told = self._orders.recv(8, socket.MSG_WAITALL)
        if len(told) < 8:
            raise StartError("it has ended")
        return int.from_bytes(told, "little", signed=True)

    def _connected(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        self._drop()
        self._orders, theirs = socket.socketpair()
        self._orders.settimeout(_ORDER_SECONDS)
        # -P: nothing is imported from the folder in which the server was started.
        command = [sys.executable, "-P", *self._arguments]
        quiet = subprocess.DEVNULL
        with theirs:
            self._process = subprocess.Popen(
                command, stdin=theirs.fileno(), stdout=quiet, stderr=quiet, env=environment(), start_new_session=True
            )
        atexit.register(self.close)

    def _drop(self) -> None:
        self._born += 1
        if self._orders is not None:
            self._orders.close()
            self._orders = None
        if self._process is not None:
            # It ends its copies first, which takes no time: they are killed.
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
            atexit.unregister(self.close)


@dataclass(frozen=True)
class _Fresh:
    process: subprocess.Popen[bytes]

    @property
    def request(self) -> BinaryIO:
        return cast(BinaryIO, self.process.stdin)

    @property
    def answers(self) -> BinaryIO:
        return cast(BinaryIO, self.process.stdout)

    def end(self) -> int:
        self.process.kill()
        return self.process.wait()


class FreshProcesses:
    """Starts Python anew for every request, where a process cannot be copied: Windows."""

    def prepare(self) -> None:
        """There is nothing that could be loaded before."""

    def start(self) -> Running:
        """A process that waits for its request. Raises StartError if there can be none."""
        command = [sys.executable, "-P", "-m", "vqseg.data.apart.child"]
        try:
            return _Fresh(
                subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env=environment(),
                    start_new_session=os.name == "posix",
                )
            )
        except OSError as error:
            raise StartError("no process") from error


def _widen(pipe: int) -> None:
    """Make room for a megabyte in a pipe, where the system lets us: voxels then come in fewer pieces."""
    try:
        import fcntl

        fcntl.fcntl(pipe, _F_SETPIPE_SZ, _PIPE)
    except (ImportError, OSError):
        return
