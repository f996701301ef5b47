"""The command line: python -m vqseg train | table | evaluate | predict | pseudo-labels | codebook | phantom. The only room that prints.

Exit status: 0 done; 1 some inputs failed or the run stopped; 2 the command or its files were wrong.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from vqseg.config import ConfigError

Positional = tyro.conf.Positional


@dataclass(frozen=True, kw_only=True)
class Evaluate:
    """Measure a checkpoint on a split: Dice, Jaccard, HD95 and ASD per class on whole volumes, and the codebook's use."""

    checkpoint: str
    """Checkpoint folder or Hub id."""
    data: Path
    """Data set folder with labels."""
    split: str = "val"
    """train, val, test, or all cases of the folder."""
    output: Path | None = None
    """JSON file to write; the table is printed in any case."""
    average_views: bool = False
    """Average over nine views of each slice, turned and magnified: steadier, about eight times slower, and not what the app shows."""
    device: str | None = None
    """cpu, cuda, ...; the processor if not given."""


@dataclass(frozen=True, kw_only=True)
class Predict:
    """Segment scans. A folder stands for every scan in it; a file that cannot be read is reported and skipped (exit status 1)."""

    inputs: Annotated[tuple[Path, ...], Positional]
    """Scans or folders of scans."""
    checkpoint: str
    """Checkpoint folder or Hub id."""
    output: Path
    """Folder for the label volumes, each under its scan's name."""
    average_views: bool = False
    """Average over nine views of each slice, turned and magnified: steadier, about eight times slower, and not what the app shows."""
    device: str | None = None
    """cpu, cuda, ...; the processor if not given."""


@dataclass(frozen=True, kw_only=True)
class PseudoLabels:
    """Label the training scans whose labels a run may not use, by a checkpoint trained with the same share: see data.pseudo_labels."""

    checkpoint: str
    """Checkpoint folder or Hub id."""
    data: Path
    """Data set folder with splits.json."""
    output: Path
    """Folder for the label volumes; what is there already is kept, so an interrupted command goes on."""
    confidence: float = 0.7
    """Voxels whose class has a lower probability, averaged over nine views, are marked as unsure (255)."""
    image_side: int | None = None
    """Read slices at this size instead of the checkpoint's preprocess.image_side."""
    device: str | None = None
    """cpu, cuda, ...; the processor if not given."""


@dataclass(frozen=True, kw_only=True)
class Codebook:
    """Find out what the codes have learnt over a data set: writes codebook.npz, which the app shows, and report.html."""

    checkpoint: str
    """Checkpoint folder or Hub id."""
    output: Path
    """Folder for codebook.npz and report.html, usually the checkpoint itself."""
    data: Path | None = None
    """Data set folder to count over; without it, phantoms are made."""
    split: str = "train"
    """train, val, or all cases of the folder."""
    seed: int = 0
    """Seed of the projections."""
    ablated: int = 64
    """How many of the most used codes, and of those of the structures, are taken out one by one to see what is lost; 0 for none."""


@dataclass(frozen=True, kw_only=True)
class Phantom:
    """Make procedural cardiac cine-MRI phantoms with truth, as an nnU-Net folder."""

    output: Path
    """Folder to write."""
    patients: int = 10
    """How many patients, two volumes each."""
    seed: int = 0
    """First seed; patient i has seed + i."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit status; errors that a user can mend are one line on stderr, without a traceback."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("vqseg.training").setLevel(logging.INFO)
    commands: dict[str, tuple[str, Callable[[list[str]], int]]] = {
        "train": ("train a model from a configuration file", _train),
        "table": ("run the comparisons of one table and write it", _table),
        "evaluate": ("measure a checkpoint on a split", lambda rest: _evaluate(_parse(Evaluate, "evaluate", rest))),
        "predict": ("segment scans", lambda rest: _predict(_parse(Predict, "predict", rest))),
        "pseudo-labels": (
            "label the unlabelled training scans once",
            lambda rest: _pseudo_labels(_parse(PseudoLabels, "pseudo-labels", rest)),
        ),
        "codebook": ("count and project a checkpoint's codes", lambda rest: _codebook(_parse(Codebook, "codebook", rest))),
        "phantom": ("make phantoms with truth", lambda rest: _phantom(_parse(Phantom, "phantom", rest))),
    }
    if not arguments or arguments[0] not in commands:
        lines = "\n".join(f"  {name:15}{text}" for name, (text, _) in commands.items())
        asked = bool(arguments) and arguments[0] in ("-h", "--help")
        print(
            f"usage: python -m vqseg COMMAND ...\n\n{lines}\n\nCOMMAND --help tells its options.", file=sys.stdout if asked else sys.stderr
        )
        return 0 if asked else 2
    try:
        return commands[arguments[0]][1](arguments[1:])
    except (ValueError, OSError, RuntimeError) as error:
        if not _expected(error):
            raise
        print(f"error: {error}", file=sys.stderr)
        return 1 if isinstance(error, RuntimeError) else 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _expected(error: Exception) -> bool:
    """Errors of ours, and of the file system: whoever typed the command can mend them."""
    return type(error).__module__.startswith("vqseg.") or isinstance(error, OSError)


def _parse(command: type[Any], name: str, rest: Sequence[str]) -> Any:
    return tyro.cli(command, prog=f"python -m vqseg {name}", args=rest)


def _bar(description: str, unit: str = "scan") -> Callable[[Sequence[Any]], Iterable[Any]]:
    from tqdm import tqdm

    return lambda items: tqdm(items, desc=description, unit=unit, dynamic_ncols=True)


def _train(rest: Sequence[str]) -> int:
    from vqseg.experiments.methods import METHODS

    parser = _config_parser("train", rest)
    parser.add_argument("--method", choices=METHODS, help="one of the methods that the tables compare, on top of the configuration")
    parser.add_argument("--resume", action="store_true", help="go on with the run in train.output, if there is one")
    known, config = _read_config(parser, rest)
    from vqseg.training.trainer import Trainer

    folder = Trainer(config).run(resume=known.resume)
    print(f"checkpoint: {folder}")
    return 0


def _table(rest: Sequence[str]) -> int:
    from vqseg.experiments.tables import TABLES

    parser = _config_parser("table", rest)
    parser.add_argument("name", choices=TABLES, nargs="?" if {"-h", "--help"} & set(rest) else None, help="the table")
    parser.add_argument("--budget", type=float, default=1.0, help="steps of each run, as a share of the configuration's (default 1)")
    parser.add_argument("--seeds", type=int, help="runs of each cell, from train.seed on (default: 1, and 5 in the table of seeds)")
    parser.add_argument("--only", nargs="+", default=[], metavar="TEXT", help="only rows whose name contains one of these")
    parser.add_argument("--output", type=Path, default=Path("docs/results"), help="folder for NAME.md, NAME.json and NAME.png")
    parser.add_argument("--work", type=Path, default=Path("runs/cells"), help="folder of the runs; finished ones are not run again")
    parser.add_argument(
        "--reuse", nargs="+", type=Path, default=[], metavar="FOLDER", help="folders of tables whose results stand for the same runs"
    )
    known, config = _read_config(parser, rest)
    from vqseg.experiments.make import make_table

    logging.getLogger("vqseg.experiments").setLevel(logging.INFO)
    options = {name: getattr(known, name) for name in ("output", "work", "budget", "seeds", "only", "reuse")}
    for file in make_table(known.name, config, **options):
        print(file)
    return 0


def _config_parser(command: str, rest: Sequence[str]) -> argparse.ArgumentParser:
    """A parser of --config; the command adds its own options, and any setting can follow."""
    parser = argparse.ArgumentParser(
        prog=f"python -m vqseg {command}", add_help=False, epilog="Any setting can follow, for example --train.steps 2000."
    )
    parser.add_argument("--config", type=Path, required=not {"-h", "--help"} & set(rest), help="YAML file, see configs/")
    return parser


def _read_config(parser: argparse.ArgumentParser, rest: Sequence[str]) -> tuple[argparse.Namespace, Any]:
    """The command's own options, and the configuration: the file, then the method if one is named, then single settings."""
    from vqseg.config import Config, load_config
    from vqseg.experiments.methods import with_method

    known, settings = parser.parse_known_args(list(rest))
    if known.config is None:
        parser.print_help()
    default = load_config(known.config) if known.config else Config()
    if getattr(known, "method", None):
        default = with_method(default, known.method)
    try:
        config = tyro.cli(Config, prog=parser.prog, default=default, args=settings)
        # Once more: data.pseudo_labels may have come with the single settings.
        if getattr(known, "method", None):
            with_method(config, known.method)
        return known, config
    except ConfigError as error:
        raise ConfigError(f"{error}") from error


def _evaluate(command: Evaluate) -> int:
    from vqseg.checkpoint import load_model
    from vqseg.evaluation import METRICS, evaluate_split

    model = load_model(command.checkpoint, command.device)
    result = evaluate_split(model, command.data, command.split, _bar("evaluating"), average_views=command.average_views)
    print(f"{'':12}" + "".join(f"{metric:>10}" for metric in METRICS))
    for name, row in [*result["per_class"].items(), ("mean", result["mean"])]:
        print(f"{name:12}" + "".join(f"{row[metric]:10.4f}" for metric in METRICS))
    book = result["codebook"]
    print(f"{result['cases']} cases; {book['used']} of {book['size']} codewords used, perplexity {book['perplexity']:.1f}")
    if command.output:
        command.output.parent.mkdir(parents=True, exist_ok=True)
        command.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0


def _scans_in(inputs: Iterable[Path]) -> list[Path]:
    files: list[Path] = []
    for path in inputs:
        files += sorted(one for one in path.iterdir() if one.is_file() and not one.name.startswith(".")) if path.is_dir() else [path]
    return files


def _label_name(scan: Path) -> str:
    """A label volume keeps a NIfTI's name; pictures become PNG, arrays stay arrays."""
    name, ending = scan.name, "".join(scan.suffixes[-2:]).lower()
    if ending.endswith(".nii.gz"):
        return name[:-7] + ".nii.gz"
    if scan.suffix.lower() == ".npy":
        return name
    if scan.suffix.lower() == ".nii":
        return name
    return scan.stem + ".png" if scan.suffix.lower() in (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff") else name + ".nii.gz"


def _predict(command: Predict) -> int:
    from vqseg.checkpoint import load_model
    from vqseg.data.scan import ScanError, read_scan, write_labels
    from vqseg.inference import Segmenter

    files = _scans_in(command.inputs)
    if not files:
        print("error: no scan given; name files or folders of scans", file=sys.stderr)
        return 2
    segmenter = Segmenter(load_model(command.checkpoint, command.device))
    command.output.mkdir(parents=True, exist_ok=True)
    failures, written = [], set()
    for file in _bar("segmenting")(files):
        try:
            target = command.output / _label_name(file)
            if target in written:
                raise ScanError(f"another scan has been written to {target.name}; give inputs of one name folders of their own")
            scan = read_scan(file)
            labels = segmenter.average_views(scan) if command.average_views else segmenter.open(scan).labels
            write_labels(labels, scan, target)
            written.add(target)
        except (ScanError, OSError) as error:
            failures.append(f"{file.name}: {error}")
    for failure in failures:
        print(f"skipped {failure}", file=sys.stderr)
    print(f"{len(files) - len(failures)} of {len(files)} scans segmented into {command.output}")
    return 1 if failures else 0


def _pseudo_labels(command: PseudoLabels) -> int:
    from vqseg.training.pseudo_labels import write_pseudo_labels

    notes = write_pseudo_labels(
        command.checkpoint,
        command.data,
        command.output,
        confidence=command.confidence,
        image_side=command.image_side,
        device=command.device,
        progress=_bar("labelling"),
    )
    print(f"{notes['cases']} scans labelled into {command.output}, {100 * notes['unsure']:.1f} % of what is no background is unsure")
    return 0


def _codebook(command: Codebook) -> int:
    from vqseg.checkpoint import checkpoint_folder, load_model
    from vqseg.codebook import analyse, codewords_of, summary, write_statistics
    from vqseg.codebook.report import write_report

    folder = checkpoint_folder(command.checkpoint)
    model = load_model(folder)
    statistics = analyse(
        model,
        command.data,
        split=command.split,
        seed=command.seed,
        ablated=command.ablated,
        checkpoint=folder,
        progress=lambda items, what: _bar(what, unit="")(items),
    )
    path = write_statistics(statistics, command.output)
    page = write_report(statistics, codewords_of(model), command.output, name=folder.resolve().name)
    print(f"{summary(statistics)}\n\nwrote {path} and {page}")
    return 0


def _phantom(command: Phantom) -> int:
    from vqseg.data.phantom import write_phantoms

    write_phantoms(command.output, command.patients, command.seed)
    print(f"{command.patients} patients in {command.output}")
    return 0
