"""The gallery of the bundled examples: what its component in the browser is told of them."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

import gradio as gr

from app.visit.manifest import Example
from app.web import mounting, source

# Of an example, as they are.
_TOLD = ("line", "look", "group", "credit", "licence", "note")


def cases_of(examples: Iterable[Example]) -> list[dict[str, Any]]:
    """The examples as the gallery shows them: both phases of a heart are one case. `Case` of page/types.d.ts.

    Args:
        examples: In the order of the gallery.

    Returns:
        A record for each case, ready for JSON.
    """
    cases: dict[str, dict[str, Any]] = {}
    for example in examples:
        if example.name not in cases:
            told = {field: getattr(example, field) for field in _TOLD}
            cases[example.name] = {"name": example.name, **told, "picture": _picture(example), "files": []}
        cases[example.name]["files"].append({"title": example.title, "phase": example.phase})
    return list(cases.values())


def build_gallery(examples: Iterable[Example]) -> gr.HTML:
    """Build the gallery inside the present Blocks. Its value is the title of the chosen example, as that of a list would be.

    Args:
        examples: In the order of the gallery. Without any there is nothing to see.

    Returns:
        The component.
    """
    examples = list(examples)
    return gr.HTML(
        value=examples[0].title if examples else None,
        html_template=source("page/gallery.html"),
        css_template=source("page/gallery.css"),
        js_on_load=mounting("page/gallery.js"),
        apply_default_css=False,
        visible=bool(examples),
        elem_id="case",
        cases=cases_of(examples),
    )


def _picture(example: Example) -> str:
    """The thumbnail within its own address: a few kilobytes, which need no request. Empty if there is none."""
    path = example.thumbnail
    return f"data:image/webp;base64,{base64.b64encode(path.read_bytes()).decode()}" if path.is_file() else ""
