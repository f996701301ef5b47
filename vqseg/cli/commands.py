"""The commands by name, and how one is run. To add a command: a file with a function `run`, and a line in COMMANDS."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vqseg import __version__
from vqseg.cli import check, codebook, evaluate, familiarity, phantom, plan, predict, pseudo_labels, recipe, report, space, table, train
from vqseg.cli.pipes import reader_has_gone
from vqseg.extras import how_to_get

# What a shell tells of a program that wrote for nobody.
_CUT_OFF = 128 + 13


@dataclass(frozen=True)
class Command:
    """what: one line for the list of commands. run: takes the words after the command's name, returns the exit status."""

    what: str
    run: Callable[[Sequence[str]], int]


COMMANDS = {
    "train": Command("train a model from a configuration file", train.run),
    "recipe": Command("train a checkpoint in all its stages", recipe.run),
    "table": Command("run the comparisons of one table and write it", table.run),
    "plan": Command("from a folder of scans to a data set and a configuration", plan.run),
    "check": Command("look through a data set before training with it", check.run),
    "evaluate": Command("measure a checkpoint on a split", evaluate.run),
    "report": Command("a finished run as one page: curves, scores, worst cases", report.run),
    "predict": Command("segment scans", predict.run),
    "pseudo-labels": Command("label the unlabelled training scans once", pseudo_labels.run),
    "codebook": Command("count and project a checkpoint's codes", codebook.run),
    "familiarity": Command("find out what a checkpoint's training scans were like", familiarity.run),
    "phantom": Command("make phantoms with truth", phantom.run),
    "space": Command("assemble what is pushed to a Hugging Face Space", space.run),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit status. Errors that the user can fix are one line on stderr, without a traceback."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _written(words)
    except BrokenPipeError as error:
        if not reader_has_gone():
            return _told(error)
        return _CUT_OFF


def _written(words: Sequence[str]) -> int:
    """Run one command and write out what it printed. Not when Python ends: a reader who has gone by then would be told of as an error."""
    try:
        status = _run(words)
    except SystemExit:
        # So --help ends.
        sys.stdout.flush()
        raise
    sys.stdout.flush()
    return status


def _run(words: Sequence[str]) -> int:
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    for room in ("vqseg.training", "vqseg.recipe"):
        logging.getLogger(room).setLevel(logging.INFO)
    if words and words[0] in ("-V", "--version"):
        print(f"vqseg {__version__}")
        return 0
    if not words or words[0] not in COMMANDS:
        return _usage(asked=bool(words) and words[0] in ("-h", "--help"))
    try:
        return COMMANDS[words[0]].run(words[1:])
    except BrokenPipeError:
        raise
    except (ValueError, OSError, RuntimeError) as error:
        if not _expected(error):
            raise
        return _told(error)
    except ModuleNotFoundError as error:
        if not (answer := how_to_get(error)):
            raise
        return _told(answer)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _told(problem: Exception | str) -> int:
    """Say in one line what was wrong. Returns the exit status."""
    print(f"error: {problem}", file=sys.stderr)
    return 1 if isinstance(problem, RuntimeError) else 2


def _usage(*, asked: bool) -> int:
    """Print the list of commands, as an error unless it was asked for."""
    lines = "\n".join(f"  {name:15}{command.what}" for name, command in COMMANDS.items())
    text = f"usage: python -m vqseg COMMAND ...\n\n{lines}\n\nCOMMAND --help tells its options; --version this package's version."
    print(text, file=sys.stdout if asked else sys.stderr)
    return 0 if asked else 2


def _expected(error: Exception) -> bool:
    """Errors that the user can fix: our own, and those of the file system."""
    return type(error).__module__.startswith("vqseg.") or isinstance(error, OSError)
