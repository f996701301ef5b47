"""The lesson on paper: one HTML page with its own print style. Texts, equations and numbers are those of the tab."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
from PIL import Image

from app.scan.render import greyscale
from app.tabs.learn.formulas import font_face
from app.tabs.learn.place import Place
from app.tabs.learn.steps import STEPS, Step, token_picture
from app.tabs.learn.texts import Texts, equations, fill, languages, number
from app.web.catalogues import catalogues
from vqseg.types import Array

# Least number of pixels of a printed picture's longer side, so that tokens stay sharp; width of the frame around the marked square.
_PRINTED, _FRAME = 640, 4
_MARK = (255, 43, 184)
# Of the strips: their colours, and the share of the largest feature at which these are full. plots.js and strips.js have the same.
_NEGATIVE, _POSITIVE, _LIGHT, _FULL = (0, 114, 178), (213, 94, 0), 245, 0.6
_SAMPLE = "sample"


def _made(name: str, place: Place) -> Step:
    return STEPS[name](place)


def handout_page(place: Place, language: str, step: Callable[[str, Place], Step] = _made, *, notes: bool = False, address: str = "") -> str:
    """The handout for one place of one scan.

    Args:
        place: The place.
        language: One of `languages()`.
        step: Gives a step by its name, possibly one that was computed before.
        notes: Whether answers and teacher's notes follow after the students' pages.
        address: Of a running app, for a link to the place. Without it there is no link.

    Returns:
        An HTML page that needs no other file.
    """
    texts = languages()[language]
    made = {name: step(name, place) for name in STEPS}
    where = _where(place, language)
    parts = [_head(place, texts, language, where, _link(place, language, address))]
    parts += [_exercise(i, name, made[name], texts, language) for i, name in enumerate(STEPS, 1)]
    if notes:
        parts.append(_teacher(made, texts, language, where))
    style = font_face() + (Path(__file__).parent / "handout.css").read_text(encoding="utf-8")
    title = escape(texts["handout"]["title"])
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{style}</style></head>\n<body>{"".join(parts)}</body></html>\n'
    )


def _where(place: Place, language: str) -> dict[str, Any]:
    request = place.request
    # The page's catalogue has the names of examples and planes; the lesson's own texts have neither.
    page = catalogues()[language].texts if language in catalogues() else {}
    numbers = {"slice": request.index, "row": place.row, "column": place.column, "seed": request.seed}
    return {
        "scan": page.get(place.scan.example, place.scan.example) if place.scan.example else place.scan.segmented.scan.name,
        "plane": page.get(request.plane, request.plane),
        **{name: str(value) for name, value in numbers.items()},
    }


def _head(place: Place, texts: Texts, language: str, where: dict[str, Any], link: str) -> str:
    t = texts["handout"]
    follow = f'<p class="link">{escape(t["follow"])} <a href="{escape(link)}">{escape(link)}</a></p>' if link else ""
    pictures = "".join(
        f'<figure><img alt="" src="{_png(_closer(place, picture))}"><figcaption>{escape(t[caption])}</figcaption></figure>'
        for picture, caption in ((_slice(place), "marked"), (token_picture(place), "tokens"))
    )
    return (
        f"<header><h1>{escape(t['title'])}</h1><p>{escape(t['subtitle'])}</p>"
        f'<p class="lines"><span>{escape(t["name"])}</span><span>{escape(t["date"])}</span></p>'
        f'<div class="pictures">{pictures}</div>{follow}'
        f'<p class="case">{escape(fill(t["case"], where, language))} · {escape(t["disclaimer"])}</p></header>'
    )


def _exercise(i: int, name: str, step: Step, texts: Texts, language: str) -> str:
    words, t = texts["steps"][name], texts["handout"]
    told = {key: escape(fill(words[key], step.facts, language)) for key in ("title", "idea", "question")}
    drawn = _strips(step)
    options = "".join(f"<li>{escape(text)}{drawn.get(key, '')}</li>" for key, text in words.get("options", {}).items())
    parts = [escape(fill(text, step.facts, language)) for text in words.get("parts", {}).values()]
    sample = f'<p class="sample">{escape(texts["pictures"]["feature"])}{drawn[_SAMPLE]}</p>' if drawn else ""
    choices = f'{sample}<ul class="options{" long" if drawn else ""}">{options}</ul>' if options else ""
    formula = (
        f'<figure class="equation">{equations()[name]}<figcaption>{escape(words["equation"])}</figcaption></figure>'
        if name in equations()
        else ""
    )
    asked = [f'<p class="part">{part}</p>{_blank(t, "prediction", "scan")}' for part in parts] or [_blank(t, "prediction", "scan")]
    blank = _blank(t, "scan", "because") if options else "".join(asked) + _blank(t, "because")
    return (
        f"<section><h2><b>{i}</b> {told['title']}</h2><p>{told['idea']}</p>{formula}"
        f'<p class="question">{told["question"]}</p>{choices}{blank}</section>'
    )


def _strips(step: Step) -> dict[str, str]:
    """The strips of a step whose choices are codewords: the square's features under _SAMPLE, each codeword under its letter."""
    if "choices" not in step.data:
        return {}
    rows = {_SAMPLE: step.data["feature"], **{choice["letter"]: choice["values"] for choice in step.data["choices"]}}
    values = np.array(list(rows.values()), dtype=float)
    most = _FULL * max(float(np.abs(values).max()), 1e-9)
    return {key: f'<img class="strip" alt="" src="{_png(strip(row, most)[None])}">' for key, row in zip(rows, values, strict=True)}


def strip(values: Array, most: float) -> Array:
    """Numbers as colours: blue below zero, orange above, light at zero. `stripPixels` of plots.js gives the same.

    Args:
        values: (n,).
        most: The absolute value from which on a colour is full.

    Returns:
        (n, 3) uint8.
    """
    share = np.minimum(1, np.abs(values) / most)[:, None]
    ends = np.where(values[:, None] < 0, _NEGATIVE, _POSITIVE)
    # Halves are rounded to the even number, as the browser's clamped bytes are.
    return np.rint(_LIGHT + share * (ends - _LIGHT)).astype(np.uint8)


def _blank(t: Texts, *keys: str) -> str:
    """A line to write on, behind each of the named texts."""
    return f'<p class="lines">{"".join(f"<span>{escape(t[key])}</span>" for key in keys)}</p>'


def _answer(step: Step, words: Texts, language: str) -> str:
    if isinstance(step.truth, dict):
        return " · ".join(f"{fill(text, step.facts, language)}: {step.truth[part]}" for part, text in words["parts"].items())
    return words["options"][step.truth] if "options" in words else number(step.truth, language)


def _teacher(made: dict[str, Step], texts: Texts, language: str, where: dict[str, Any]) -> str:
    t, rows = texts["handout"], []
    for i, (name, step) in enumerate(made.items(), 1):
        words = texts["steps"][name]
        answer = _answer(step, words, language)
        told = [escape(fill(words[key], step.facts, language)) for key in ("reveal", "why", "note")]
        rows.append(
            f"<section><h2><b>{i}</b> {escape(words['title'])}</h2>"
            f'<p class="answer">{escape(t["scan"])}: <strong>{escape(answer)}</strong></p>'
            f'<p>{told[0]}</p><p>{told[1]}</p><p class="note">{told[2]}</p></section>'
        )
    return f'<div class="teacher"><h1>{escape(t["teacher"])}</h1><p>{escape(fill(t["answers"], where, language))}</p>{"".join(rows)}</div>'


def _link(place: Place, language: str, address: str) -> str:
    """A link to the lesson at the same place. Empty for a scan that is not bundled, and without a web address."""
    case, request = place.scan.example, place.request
    if case is None or not address.startswith(("http://", "https://")):
        return ""
    view = {"case": case, "checkpoint": place.scan.model.name, "plane": request.plane, "slice": request.index, "mode": request.mode}
    lesson = {"seed": request.seed, "tab": "learn", "cell": f"{place.row},{place.column}", "lang": language}
    return f"{address}?{urlencode(view | lesson)}"


def _slice(place: Place) -> Array:
    grey = place.view.orient(greyscale(place.grey(place.taken(place.scan.segmented.normalised))))
    return np.repeat(grey[..., None], 3, -1)


def _closer(place: Place, picture: Array) -> Array:
    """The focus of the picture, enlarged by a whole number, with a frame around the marked square."""
    left, top, width, height = place.focus
    part = (slice(top, top + height), slice(left, left + width))
    times = max(1, -(-_PRINTED // max(width, height)))
    large, inside = (one[part].repeat(times, 0).repeat(times, 1) for one in (picture, place.view.orient(place.inside)))
    rows, columns = (np.flatnonzero(inside.any(axis)) for axis in (1, 0))
    framed = np.zeros_like(inside)
    framed[max(0, rows[0] - _FRAME) : rows[-1] + _FRAME + 1, max(0, columns[0] - _FRAME) : columns[-1] + _FRAME + 1] = True
    large[framed & ~inside] = _MARK
    return large


def _png(picture: Array) -> str:
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")
