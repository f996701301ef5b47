"""The sidebar: all its controls. What they do is in wiring.py."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from app.page.files import SentFile, build_accepted, build_saving
from app.page.gallery import build_gallery
from app.scan.channels import channel_choices
from app.scan.frame_request import LARGEST_SEED, MODES
from app.scan.models import Models
from app.scan.open_scan import OpenScan
from app.scan.planes import PLANES
from app.scan.structures import labelled
from app.scan.windows import NETWORK, window_choices
from app.visit.manifest import Example
from app.web import mounting, source

OPACITY = 0.55


@dataclass(frozen=True)
class Sidebar:
    """The controls of the sidebar."""

    case: gr.HTML
    checkpoint: gr.Dropdown
    other: gr.Textbox
    upload: gr.File
    series: gr.Dropdown
    truth: gr.File
    phase: gr.File
    strength: gr.Slider
    mode: gr.Radio
    seed: gr.Number
    reroll: gr.Button
    plane: gr.Radio
    index: gr.Slider
    channel: gr.Radio
    opacity: gr.Slider
    outline: gr.Checkbox
    shown: gr.Checkbox
    visible: gr.CheckboxGroup
    window: gr.Dropdown
    convention: gr.Radio
    reset: gr.Button
    undo: gr.Button
    download: gr.DownloadButton
    saved_as: gr.Radio

    @property
    def view(self) -> dict[str, Any]:
        """The controls that decide what is shown, by their names in the browser: `Controls` of web/types.d.ts."""
        return {
            "plane": self.plane,
            "index": self.index,
            "channel": self.channel,
            "strength": self.strength,
            "mode": self.mode,
            "seed": self.seed,
            "opacity": self.opacity,
            "outline": self.outline,
            "shown": self.shown,
            "visible": self.visible,
            "range": self.window,
            "convention": self.convention,
        }

    @property
    def start(self) -> dict[Any, Any]:
        """The values that a reset restores: those that the controls were built with. A scan has its own strength."""
        settings = (self.strength, self.mode, self.seed, self.opacity, self.outline, self.shown, self.window, self.convention)
        return {control: control.value for control in settings}


def slice_slider(scan: OpenScan | None, plane: str, index: int | None = None) -> dict[str, Any]:
    """Properties of the slice slider.

    Args:
        scan: The scan on show, if there is one.
        plane: The plane on show.
        index: The slice, counted from 0 as the endpoints do; None for the one that is shown first.

    Returns:
        Keyword arguments of gr.Slider. Where there is one slice only, the label says so.
    """
    last = scan.views[plane].count - 1 if scan else 0
    first = scan.opening_index(plane) if scan else 0
    value = first if index is None else min(index, last)
    label = "Slice" if last > 0 or scan is None else "Slice: only one in this plane"
    return {"minimum": 0, "maximum": max(last, 1), "value": value, "interactive": last > 0, "label": label}


def channels(scan: OpenScan | None) -> dict[str, Any]:
    """Properties of the list of channels, which is there only if the scan has several."""
    choices = channel_choices(scan)
    return {"choices": choices, "value": choices[0][1] if choices else None, "visible": bool(choices)}


def structures(classes: Sequence[str]) -> dict[str, Any]:
    """Properties of the legend: every class except the background, by its full name. All of them are shown."""
    return {"choices": [(labelled(name), name) for name in classes[1:]], "value": list(classes[1:])}


def windows(scan: OpenScan | None) -> dict[str, Any]:
    """Properties of the list of windows. The network's own is chosen, because the present one may not exist for this scan."""
    return {"choices": window_choices(scan.segmented.scan if scan else None), "value": NETWORK}


def build_sidebar(examples: Sequence[Example], models: Models, first: OpenScan | None) -> Sidebar:
    """Build the sidebar inside the present Blocks.

    Args:
        examples: The bundled examples.
        models: The checkpoints; the default one is chosen.
        first: The example that the page opens with, encoded by the default checkpoint. None if nothing is bundled.

    Returns:
        Its controls.
    """
    with gr.Sidebar(width=320, elem_id="sidebar"):
        case, perturbation, view = _case(examples, first), _perturbation(first), _view(first)
        overlay = _overlay(models.default.classes)
        with gr.Row(elem_id="resets"):
            reset = gr.Button("Reset view (X)", size="md", min_width=110, elem_id="reset")
            # On show only while there is a reset or a tour to undo: page/resets.js.
            undo = gr.Button("Undo (U)", size="md", min_width=110, elem_id="undo-reset")
        advanced = _advanced(models, first)
    return Sidebar(**case, **perturbation, **view, **overlay, **advanced, reset=reset, undo=undo)


# A group of controls by the names that they have in `Sidebar`.
_Group = dict[str, Any]


def _case(examples: Sequence[Example], first: OpenScan | None) -> _Group:
    _title("Case")
    case = build_gallery(examples)
    _title("Your own scan")
    upload = SentFile(label="Your scan", show_label=False, height=72, file_count="multiple", type="filepath", elem_id="upload")
    build_accepted()
    series = gr.Dropdown([], label="Series", visible=False, elem_id="series")
    truth = SentFile(label="Ground truth (optional)", height=110, file_count="multiple", type="filepath", visible=False, elem_id="truth")
    phase = SentFile(label="Other phase, for ejection fraction", height=110, type="filepath", visible=False, elem_id="phase-file")
    download, saved_as = build_saving(first)
    chosen = {"case": case, "upload": upload, "series": series, "truth": truth, "phase": phase}
    return {**chosen, "download": download, "saved_as": saved_as}


def _perturbation(first: OpenScan | None) -> _Group:
    _title("Perturbation")
    value = first.opening.strength if first else 0
    strength = gr.Slider(0, 1, value=value, step=0.01, label="Epsilon, share replaced", elem_id="strength", buttons=[])
    # Not among the controls: the browser's store holds the reach, whose scale depends on the checkpoint on show.
    gr.HTML(
        value="",
        html_template=source("page/reach.html"),
        css_template=source("page/reach.css"),
        js_on_load=mounting("page/reach.js"),
        apply_default_css=False,
        elem_id="reach",
    )
    return {"strength": strength}


def _view(first: OpenScan | None) -> _Group:
    plane = first.plane if first else PLANES[0]
    _title("View")
    return {
        "plane": gr.Radio([(name.capitalize(), name) for name in PLANES], value=plane, label="Plane", elem_id="plane"),
        "index": gr.Slider(**slice_slider(first, plane), step=1, elem_id="slice", buttons=[]),
        "channel": gr.Radio(**channels(first), label="Channel", elem_id="channel"),
    }


def _advanced(models: Models, first: OpenScan | None) -> _Group:
    """What a visitor can do without, below a button that folds it away. Gradio's own fold would not say what is set in it."""
    gr.HTML(
        value="",
        html_template=source("page/advanced.html").replace("{checkpoint}", html.escape(models.default.name)),
        css_template=source("page/advanced.css"),
        js_on_load=mounting("page/advanced.js"),
        apply_default_css=False,
        elem_id="advanced-fold",
    )
    sides = [("Radiological", "radiological"), ("Neurological", "neurological")]
    with gr.Column(elem_id="advanced"):
        checkpoint = gr.Dropdown(models.names(), value=models.default.name, label="Checkpoint", elem_id="checkpoint")
        other = gr.Textbox(
            label="Another checkpoint",
            placeholder="Folder or owner/name",
            submit_btn="Open",
            max_lines=1,
            visible=models.opens_others,
            elem_id="other",
        )
        mode = gr.Radio([(name.capitalize(), name) for name in MODES], value=MODES[0], label="Replacement", elem_id="mode")
        with gr.Row(equal_height=True, elem_id="draw"):
            seed = gr.Number(0, label="Seed", precision=0, minimum=0, maximum=LARGEST_SEED, min_width=120, elem_id="seed")
            reroll = gr.Button("Reroll", size="md", min_width=80, elem_id="reroll")
        # Not to be typed into: Gradio would look for what is typed in the English names.
        window = gr.Dropdown(**windows(first), label="Window of the input", filterable=False, elem_id="window")
        convention = gr.Radio(sides, value="radiological", label="Left and right", elem_id="convention")
    draw = {"mode": mode, "seed": seed, "reroll": reroll}
    return {"checkpoint": checkpoint, "other": other, **draw, "window": window, "convention": convention}


def _overlay(classes: Sequence[str]) -> _Group:
    _title("Overlay")
    visible = gr.CheckboxGroup(**structures(classes), label="Structures", elem_id="visible")
    opacity = gr.Slider(0, 1, value=OPACITY, step=0.05, label="Opacity", elem_id="opacity", buttons=[])
    with gr.Row(elem_id="drawing"):
        shown = gr.Checkbox(True, label="Show overlay", min_width=120, elem_id="shown")
        outline = gr.Checkbox(False, label="Outline only", min_width=120, elem_id="outline")
    return {"visible": visible, "opacity": opacity, "shown": shown, "outline": outline}


def _title(text: str) -> None:
    gr.Markdown(text, elem_classes="group-title")
