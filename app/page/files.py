"""The sidebar's controls for files: what can be sent, which series is on show, and what the labels are saved as."""

from __future__ import annotations

import html
from abc import ABCMeta
from typing import Any

import gradio as gr
from gradio.component_meta import ComponentMeta
from gradio.data_classes import ListFiles

from app.scan.open_scan import OpenScan
from app.visit.parcels import Choice
from app.web import mounting, source
from vqseg.data.label_files import NIFTI
from vqseg.data.scan import format_names


def _paths(field: Any, sent: Any) -> str | list[str] | None:
    """The paths of what was sent. Gradio's own method leaves an empty file for each of them."""
    if sent is None:
        return None
    paths = [one.path for one in (sent.root if isinstance(sent, ListFiles) else [sent])]
    return paths[0] if field.file_count == "single" else paths


# A class statement would make Gradio write a file with types beside this one.
_MADE: Any = ABCMeta.__new__(ComponentMeta, "SentFile", (gr.File,), {"preprocess": _paths, "is_template": True, "__module__": __name__})
SentFile: type[gr.File] = _MADE
"""A field for files, of which events get the paths."""


def build_accepted() -> None:
    """Build the line below the field for a scan, with a button for folders, which page/folders.js handles."""
    gr.HTML(
        value="",
        html_template=source("page/accepted.html").replace("{formats}", html.escape(format_names())),
        css_template=source("page/accepted.css"),
        js_on_load=mounting("page/folders.js"),
        apply_default_css=False,
        elem_id="accepted",
    )


def build_saving(first: OpenScan | None) -> tuple[gr.DownloadButton, gr.Radio]:
    """Build the button that saves the labels and the choice of their format.

    Args:
        first: The scan on show, if there is one.

    Returns:
        Both.
    """
    button = gr.DownloadButton(_saves(NIFTI.name), size="md", variant="primary", interactive=first is not None, elem_id="download")
    return button, gr.Radio(**formats(first), label="Format of the labels", show_label=False, elem_id="saved-as")


def formats(scan: OpenScan | None) -> dict[str, Any]:
    """Properties of the choice of a format for the labels: those that fit the scan on show, the proposed one chosen."""
    fitting = scan.formats if scan else (NIFTI,)
    return {"choices": [(one.name, one.ending) for one in fitting], "value": fitting[0].ending, "visible": scan is not None}


def saving(scan: OpenScan, ending: str | None = None) -> dict[str, Any]:
    """Properties of the button that saves the labels. The file is there before the click: a button that made it would need a second one.

    Args:
        scan: The scan on show.
        ending: The chosen format; the proposed one if this scan has no such.

    Returns:
        Keyword arguments of gr.DownloadButton.
    """
    chosen = next((one for one in scan.formats if one.ending == ending), scan.formats[0])
    return {"value": str(scan.label_file(chosen.ending)), "label": _saves(chosen.name), "interactive": True}


def series(choice: Choice | None) -> dict[str, Any]:
    """Properties of the list of series. It shows only where there are several."""
    if choice is None:
        return {"choices": [], "value": None, "visible": False}
    # The control's own label says "Series".
    lines = [label.removeprefix("series ") for label in choice.labels]
    return {"choices": [(line, number) for number, line in enumerate(lines, 1)], "value": choice.chosen, "visible": True}


def _saves(name: str) -> str:
    return f"Save labels as {name} (ε = 0)"
