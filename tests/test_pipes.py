"""What is printed: help that says its usage once, and a reader who goes away early."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vqseg import __version__
from vqseg.cli import main
from vqseg.cli.commands import COMMANDS

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("command", [*COMMANDS, "table sensitivity"])
def test_help_says_the_usage_once_and_first(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command.split(), "--help"])
    assert ended.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert [number for number, line in enumerate(lines) if line.startswith("usage:")] == [0]
    assert f"python -m vqseg {command}" in lines[0]
    assert any("--" in line for line in lines[5:])


@pytest.mark.parametrize("words", [["--version"], ["-V"]])
def test_the_version_is_told(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    assert capsys.readouterr().out == f"vqseg {__version__}\n"


def started(*words: str, **streams: int) -> subprocess.Popen[str]:
    # Buffered, as with everybody: unbuffered output breaks earlier.
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": ""}
    return subprocess.Popen([sys.executable, *words], env=environment, text=True, **streams)  # type: ignore[call-overload, no-any-return]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="pipes break like this on POSIX systems")
@pytest.mark.parametrize("words", [["--help"], ["train", "--help"], ["predict", "--help"], ["phantom", "--help"]])
def test_a_reader_who_goes_early_leaves_no_complaint(words: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    program = started("-m", "vqseg", *words, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    _, told = program.communicate(timeout=100)
    assert told == ""
    # As a shell names programs that wrote to a closed pipe.
    assert program.returncode == 141


def test_a_pipe_that_broke_elsewhere_is_an_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def breaking(words: object) -> int:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setitem(COMMANDS, "predict", COMMANDS["predict"].__class__("", breaking))
    assert main(["predict"]) == 2
    assert capsys.readouterr().err.startswith("error: ")
