"""python -m vqseg train: train a model from a configuration file."""

from __future__ import annotations

from collections.abc import Sequence

from vqseg.cli.parsing import config_parser, read_config


def run(rest: Sequence[str]) -> int:
    """Run the command. Returns the exit status."""
    from vqseg.experiments.methods import METHODS

    parser = config_parser("train", rest)
    parser.add_argument("--method", choices=METHODS, help="one of the methods that the tables compare, on top of the configuration")
    parser.add_argument("--resume", action="store_true", help="resume the run in train.output, if there is one")
    known, config = read_config(parser, rest)
    from vqseg.training.trainer import Trainer

    folder = Trainer(config).run(resume=known.resume)
    print(f"checkpoint: {folder}")
    return 0
