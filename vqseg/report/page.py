"""The page itself: one file that asks no server for anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from statistics import fmean

from vqseg.checkpoint import load_model
from vqseg.config import load_config
from vqseg.evaluation import METRICS, Evaluation, evaluate_split, labelled_split
from vqseg.files import write_whole
from vqseg.inference import Segmenter
from vqseg.report.curves import panels, read_lines
from vqseg.report.worst import Worst, colours_of, worst_cases
from vqseg.shares import percent
from vqseg.types import Case

FILE = "report.html"
_MADE = "Made by <code>python -m vqseg report</code>"
_STYLE = """
.curves{display:grid;grid-template-columns:repeat(auto-fit,minmax(380px,1fr));gap:12px} .curves svg{width:100%;height:auto}
.curves figure{margin:0} .worst{display:grid;grid-template-columns:repeat(3,1fr);gap:6px;max-width:820px} .worst img{width:100%}
.worst p{grid-column:1/-1;margin:8px 0 0} .swatch{display:inline-block;width:.8em;height:.8em;border-radius:2px}
@media (prefers-color-scheme:dark){.curves svg{background:#fff;border-radius:6px}}"""


class ReportError(ValueError):
    """A folder of which no report can be made. The message says why."""


def write_run_report(
    run: Path,
    *,
    data: Path | None = None,
    split: str = "val",
    worst: int = 6,
    progress: Callable[[Sequence[Case]], Iterable[Case]] = lambda cases: cases,
) -> Path:
    """Measure a finished run and write RUN/report.html in one rename.

    Args:
        run: A run's folder, with config.yaml, log.jsonl and checkpoint/.
        data: Data set folder; that of the configuration if not given.
        split: Whose cases are measured and shown.
        worst: How many of the worst cases are shown.
        progress: Goes through the cases and may show it.

    Returns:
        The file.

    Raises:
        ReportError: The run has no configuration or no checkpoint yet, or a file of this name was made by something else.
        CheckpointError, DatasetError, ScanError: As `evaluate_split`.
    """
    for name in ("config.yaml", "checkpoint"):
        if not (run / name).exists():
            raise ReportError(f"{run} has no {name}; a run has one when it is finished")
    target = run / FILE
    if target.exists() and _MADE not in target.read_text(encoding="utf-8", errors="replace"):
        raise ReportError(f"{target} was made by something else; move it away")
    config, model = load_config(run / "config.yaml"), load_model(run / "checkpoint")
    folder = data or Path(config.data.folder)
    scores = evaluate_split(model, folder, split, progress, contoured_only=config.data.contoured_only)
    known = labelled_split(
        folder, split, model.config.classes, channels=model.config.in_channels, contoured_only=config.data.contoured_only
    )
    found = list(worst_cases(Segmenter(model), known, scores, worst))
    lines = read_lines(run / "log.jsonl") if (run / "log.jsonl").is_file() else []
    write_whole(target, page(run.resolve().name, split, panels(lines), scores, found, known.structures))
    return target


def page(
    name: str, split: str, curves: Sequence[tuple[str, str]], scores: Evaluation, worst: Sequence[Worst], structures: Sequence[str]
) -> str:
    """The page as text.

    Args:
        name: Of the run.
        split: That was measured.
        curves: Titles and SVG.
        scores: What was measured.
        worst: The worst cases.
        structures: That were measured.
    """
    style = files("vqseg.codebook.report").joinpath("report.css").read_text(encoding="utf-8") + _STYLE
    title, drawn = f"Run {escape(name)}", "".join(f"<figure><figcaption>{one}</figcaption>{svg}</figure>" for one, svg in curves)
    book, cases = scores["codebook"], f"{scores['cases']} case{'s' * (scores['cases'] != 1)}"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{style}</style></head>\n<body><main>\n<header><h1>{title}</h1>"
        f"<p>{cases} of <b>{escape(split)}</b>, mean Dice <b>{scores['mean']['dice']:.4f}</b>. "
        f"{book['used']:,} of {book['size']:,} codewords are used, perplexity {book['perplexity']:.0f}.</p>"
        "<p>This page shows slices of the measured scans: keep it where they may be kept.</p></header>\n"
        f"<section><h2>Scores</h2>{_scores(scores)}</section>\n"
        f"<section><h2>Training</h2><div class=curves>{drawn}</div></section>\n"
        f"<section><h2>Worst cases</h2><p>Input, ground truth, prediction, in the slice with most mistakes. {_key(structures)}</p>"
        f"{''.join(map(_case, worst))}</section>\n"
        f"<section><details><summary>All cases</summary>{_cases(scores)}</details></section>\n"
        f"<footer>{_MADE}. Research only, not for clinical use.</footer>\n</main></body></html>\n"
    )


def _scores(scores: Evaluation) -> str:
    rows = [*scores["per_class"].items(), ("mean", scores["mean"])]
    head = "".join(f"<th>{name}</th>" for name in ("", "Dice", "Jaccard", "HD95", "ASD"))
    body = "".join(f"<tr><th>{escape(name)}</th>{''.join(f'<td>{row[one]:.4f}</td>' for one in METRICS)}</tr>" for name, row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cases(scores: Evaluation) -> str:
    structures = list(scores["per_class"])
    head = "".join(f"<th>{escape(name)}</th>" for name in ("", *structures))
    rows = sorted(scores["per_case"].items(), key=lambda one: fmean(found["dice"] for found in one[1].values()))
    # A case's labels may show some of the structures alone.
    dice = {name: "".join(f"<td>{per[one]['dice']:.4f}</td>" if one in per else "<td></td>" for one in structures) for name, per in rows}
    body = "".join(f"<tr><th>{escape(name)}</th>{cells}</tr>" for name, cells in dice.items())
    return f"<p>Dice, the worst first.</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _case(one: Worst) -> str:
    pictures = "".join(
        f'<img src="{address}" alt="{what}">' for what, address in zip(("input", "ground truth", "prediction"), one.pictures, strict=True)
    )
    return f"<div class=worst><p><b>{escape(one.name)}</b>, slice {one.slice}, Dice {percent(one.dice, 1)}</p>{pictures}</div>"


def _key(structures: Sequence[str]) -> str:
    return " ".join(f'<i class="swatch" style="background:{colour}"></i> {escape(name)}' for name, colour in colours_of(structures))
