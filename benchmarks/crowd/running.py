"""The app in a process of its own, for what is measured from outside."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parents[2]
_STARTS_WITHIN = 300


class Running(NamedTuple):
    """Where an app answers, and the number of its process."""

    url: str
    process: int


@contextmanager
def app(port: int) -> Iterator[Running]:
    """Run the app until the block ends, in the environment of this process but for the port.

    Args:
        port: Of 127.0.0.1.

    Yields:
        The app, once it answers.

    Raises:
        RuntimeError: It ended, or did not answer in time; its own error output says why.
    """
    url, environment = f"http://127.0.0.1:{port}", {**os.environ, "GRADIO_SERVER_PORT": str(port)}
    process = subprocess.Popen([sys.executable, str(ROOT / "app.py")], env=environment, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + _STARTS_WITHIN
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the app did not start within {_STARTS_WITHIN} seconds")
            time.sleep(0.05)
        yield Running(url, process.pid)
    finally:
        process.terminate()
        process.wait()


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5):
            return True
    except (URLError, OSError):
        return False
