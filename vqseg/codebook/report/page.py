"""What the report's parts are made of: framed sections, colour keys, tables, atoms."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape

from PIL import Image

from vqseg.codebook.statistics import CodebookStatistics


def section(title: str, text: str, content: str, *, short: bool = True) -> str:
    """One framed part of the page.

    Args:
        title: Markup.
        text: Markup of the paragraph below the title.
        content: Markup of what follows.
        short: Whether it fits on one printed page and is kept together.
    """
    return f"<section{' class=short' if short else ''}><h2>{title}</h2><p>{text}</p>{content}</section>"


def key(classes: Sequence[str]) -> str:
    """The classes' colours."""
    entries = (
        f'<span><i class="swatch" style="background:var(--c{index % 8})"></i>{escape(name)}</span>' for index, name in enumerate(classes)
    )
    return f'<div class="key">{"".join(entries)}</div>'


def scale_key(none: str, low: str, high: str) -> str:
    """Colour key of a scale of seven steps.

    Args:
        none: Name of the colour of codes without a value, markup.
        low: Name of the scale's lower end, markup.
        high: Name of its upper end, markup.
    """
    steps = "".join(f'<i class="u{index}"></i>' for index in range(1, 8))
    return f'<div class="key"><span><i class="swatch u0"></i>{none}</span><span>{low}<span class="scale">{steps}</span>{high}</span></div>'


def atom(statistics: CodebookStatistics, code: int) -> str:
    """A code's atom as an image embedded in the page.

    Args:
        statistics: Of the codebook.
        code: In [0, K).

    Returns:
        An img element; empty if the statistics have no atoms.
    """
    if statistics.atoms is None:
        return ""
    file = io.BytesIO()
    Image.fromarray(statistics.atoms[code]).save(file, "PNG", optimize=True)
    text = base64.b64encode(file.getvalue()).decode()
    return f'<img class="atom" alt="atom of code {code}" src="data:image/png;base64,{text}">'


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: int = 0) -> str:
    """A table that scrolls where it does not fit.

    Args:
        head: The columns' names, markup.
        rows: Cells, markup.
        numbers: How many of the last columns are aligned to the right.
    """
    right = ["n" if index >= len(head) - numbers else "" for index in range(len(head))]
    first = "".join(f'<th class="{css}">{text}</th>' for css, text in zip(right, head, strict=True))
    body = "".join(
        "<tr>" + "".join(f'<td class="{css}">{cell}</td>' for css, cell in zip(right, row, strict=True)) + "</tr>" for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{first}</tr></thead><tbody>{body}</tbody></table></div>'
