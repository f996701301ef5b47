"""Codebook: a map of the codewords linked with the slice on show, a card for each, their evolution, and the
perturbations side by side."""

from __future__ import annotations

import re
from dataclasses import asdict

import gradio as gr

from app.scan.axes import FITTED_RATE, SHARES
from app.scan.radii import KINDS, TWO_RADII
from app.tabs.codebook.answers import atoms, book, card, patches, presence, where
from app.tabs.codebook.film import evolution, film
from app.tabs.codebook.layouts import Layouts
from app.tabs.codebook.selection import Ablations, forced, nearest, spacing
from app.tabs.tab import Tab
from app.visit.answering import answering
from app.visit.links import Readable
from app.visit.session import SessionStore
from app.web import mounting, source

_HANDLERS = (book, presence, where, atoms, card, patches, evolution, film, spacing, nearest, forced)


def build_codebook(store: SessionStore) -> None:
    """Build the tab. It shows the codebook of the checkpoint that encoded the scan on show."""
    gr.HTML(
        value={"shares": asdict(SHARES), "fitted_rate": FITTED_RATE},
        html_template=source("tabs/codebook/view.html"),
        css_template=source("tabs/codebook/view.css"),
        js_on_load=mounting("tabs/codebook/view.js"),
        server_functions=[
            answering(store, handler)
            for handler in (*_HANDLERS, Layouts().layout, Ablations().without, TWO_RADII.radii, KINDS.kinds, KINDS.cost)
        ],
        apply_default_css=False,
        elem_id="codes",
    )


_VIEWS = ("map", "usage", "evolution", "radii")
_NUMBERS = "(?:[A-Zw-z_-]*[0-9a-v])+"
_BRUSH, _ONE = r"(?:usage|purity|nearest)\.\d{1,2}\.\d{1,2}", rf"[^.~]{{1,40}}\.{_NUMBERS}"
_CODES, _BRUSHES, _SAVED = (re.compile(text) for text in (_NUMBERS, f"{_BRUSH}(?:_{_BRUSH})*", f"{_ONE}(?:~{_ONE})*"))
_READABLE: Readable = {
    "view": (lambda value: value in _VIEWS, f"one of {', '.join(_VIEWS)}"),
    "code": (lambda value: value.isdecimal(), "the number of a code"),
    # As selection_text.js writes them.
    "marked": (lambda value: _CODES.fullmatch(value) is not None, "codes as the page writes them"),
    "bars": (lambda value: _BRUSHES.fullmatch(value) is not None, "for example purity.0.12: of a histogram, the bars from 0 up to 12"),
    "saved": (lambda value: _SAVED.fullmatch(value) is not None, "named selections as the page writes them"),
}

CODEBOOK = Tab("codebook", "Codebook", build_codebook, readable=_READABLE)
