"""report.html: a codebook's statistics as one self-contained page, to keep, to send and to print."""

from __future__ import annotations

import json
from html import escape
from importlib.resources import files
from pathlib import Path

from vqseg.codebook.report import figures, tables
from vqseg.codebook.statistics import CodebookStatistics
from vqseg.types import Array

FILE = "report.html"
_MADE = "Made by <code>python -m vqseg codebook</code>"


def write_report(statistics: CodebookStatistics, codewords: Array, folder: str | Path, *, name: str) -> Path:
    """Write report.html in one rename.

    Args:
        statistics: Of a codebook.
        codewords: (K, D), of the same codebook.
        folder: Made if missing.
        name: The checkpoint's name, for the title.

    Returns:
        The file.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / (FILE + ".part")
    part.write_text(report(statistics, codewords, name=name), encoding="utf-8")
    part.replace(folder / FILE)
    return folder / FILE


def is_report(path: Path) -> bool:
    """Whether a file is such a page."""
    return f"<footer>{_MADE}" in path.read_text(encoding="utf-8")


def report(statistics: CodebookStatistics, codewords: Array, *, name: str) -> str:
    """The page as text. It loads nothing from any server.

    Args:
        statistics: Of a codebook. Sections whose numbers are absent are left out.
        codewords: (K, D), of the same codebook.
        name: The checkpoint's name, for the title.
    """
    sections = [
        figures.usage(statistics),
        figures.classes(statistics),
        figures.maps(statistics),
        figures.places(statistics),
        tables.partners(statistics),
        tables.atoms(statistics),
        tables.ablation(statistics),
        tables.dead(statistics, codewords),
        figures.evolution(statistics),
        figures.drift(statistics),
    ]
    title = f"Codebook of {escape(name)}"
    style = files("vqseg.codebook.report").joinpath("report.css").read_text(encoding="utf-8")
    notes = escape(json.dumps({"key": statistics.key, **statistics.parameters}, indent=2))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{style}</style></head>\n<body><main>\n"
        f"<header><h1>{title}</h1><p>Counted over <b>{escape(statistics.source)}</b>: {statistics.scans:,} scans, "
        f"{int(statistics.counts.sum()):,} tokens. Classes are those that the checkpoint itself gives.</p></header>\n"
        + figures.tiles(statistics)
        + "\n"
        + "\n".join(filter(None, sections))
        + f"\n<section><details><summary>How it was made</summary><pre>{notes}</pre></details></section>\n"
        f"<footer>{_MADE}. Research only, not for clinical use. Atoms are decoded from single codes: "
        "the page shows no patient's pixels.</footer>\n</main></body></html>\n"
    )
