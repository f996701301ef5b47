"""From the words of a command to its options: plain ones by tyro, and a configuration file with single settings after it."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import NoReturn, TypeVar

import tyro

from vqseg.config import Config, load_config, shipped_configs

CommandT = TypeVar("CommandT")

_HELP = {"-h", "--help"}


def parse(command: type[CommandT], name: str, rest: Sequence[str]) -> CommandT:
    """The options of a command; --help prints them and ends the program.

    Args:
        command: A dataclass with one field an option.
        name: The command as it is typed.
        rest: The words after it.
    """
    return tyro.cli(command, prog=f"python -m vqseg {name}", args=rest)


def asks_help(rest: Sequence[str]) -> bool:
    """Whether the words after a command ask for its options."""
    return not _HELP.isdisjoint(rest)


def config_parser(name: str, rest: Sequence[str]) -> argparse.ArgumentParser:
    """A parser of --config, to which the command adds its own options; any setting can follow.

    Args:
        name: The command as it is typed.
        rest: The words after it.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m vqseg {name}", add_help=False, epilog="Any setting can follow, for example --train.steps 2000."
    )
    parser.add_argument(
        "--config", type=Path, required=not asks_help(rest), metavar="FILE", help=f"YAML file, or one of {', '.join(_named())}"
    )
    return parser


def read_config(parser: argparse.ArgumentParser, rest: Sequence[str]) -> tuple[argparse.Namespace, Config]:
    """The command's own options, and the configuration: the file, then the method if one is named, then single settings.

    Args:
        parser: Of the command's own options, as `config_parser` began it.
        rest: The words after the command.

    Raises:
        ConfigError: The file cannot be read, or a setting is unknown or out of range.
    """
    from vqseg.experiments.methods import with_method

    known, settings = parser.parse_known_args(list(rest))
    if asks_help(settings):
        _print_help(parser)
    method: str | None = getattr(known, "method", None)
    default = load_config(known.config) if known.config else Config()
    if method:
        default = with_method(default, method)
    config = tyro.cli(Config, prog=parser.prog, default=default, args=[*settings, *_replaced(settings)])
    if method:
        # Once more: data.pseudo_labels may have come with the single settings.
        with_method(config, method)
    return known, config


def _named() -> list[str]:
    """The shipped configurations that a command can take; recipes have a command of their own."""
    return [name for name in shipped_configs() if not name.endswith(".recipe")]


def _print_help(parser: argparse.ArgumentParser) -> NoReturn:
    """Print the command's own options, then every setting, under one usage, and end the program."""
    # With an encoding, as it decides about the lines of boxes.
    text = io.TextIOWrapper(io.BytesIO(), encoding=sys.stdout.encoding or "utf-8")
    with redirect_stdout(text), suppress(SystemExit):
        tyro.cli(Config, prog=parser.prog, args=["--help"])
    text.seek(0)
    _, settings = text.read().split("\n\n", 1)
    print(f"{parser.format_help()}\n{settings}", end="")
    raise SystemExit(0)


# Two settings of one thing: naming one on the command line replaces the other, which the file or a default has set.
_EITHER = ("--model.reach", "--model.temperature")


def _replaced(settings: Sequence[str]) -> list[str]:
    """Words that clear a setting whose alternative is named."""
    named = [name for name in _EITHER if any(word == name or word.startswith(f"{name}=") for word in settings)]
    return [word for name in _EITHER if len(named) == 1 and name not in named for word in (name, "None")]
