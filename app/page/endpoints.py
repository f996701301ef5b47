"""The endpoints for programs: /segment, /perturb, /tokens and /curve.

Their names, and the order of their arguments and answers, are a contract with the programs that call them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np
from PIL import Image

from app.page.calls import Caller, Calls, errors_for_clients, visit_of
from app.page.files import SentFile
from app.scan.curves import STEPS, curve, dropout_curve
from app.scan.frame_request import MODES, FrameRequest, RequestError
from app.scan.frames import make_frame
from app.scan.open_scan import OpenScan, file_stem, label_file_name
from app.scan.planes import PLANES
from app.scan.render import css_colour, greyscale, label_colours, label_picture
from app.scan.tokens import slice_tokens
from app.visit.handed_out import HandedOut
from app.visit.openings import AT_ONCE, MOST_WAITING, RESERVED, Openings
from app.visit.uploads import Uploads
from vqseg.cardiac import voxel_ml
from vqseg.data.label_files import LABEL_FORMATS, NIFTI, label_formats
from vqseg.data.scan import format_names, write_labels
from vqseg.types import Array, Scan

if TYPE_CHECKING:
    from app.scan.models import Models


# Events that may open a scan. app/visit/openings.py decides whose turn it is and who may wait. The limit here is a little higher, so that
# a refusal, or a scan that is encoded already, need not wait in Gradio's queue.
OPENS: dict[str, Any] = {"concurrency_id": "scan", "concurrency_limit": AT_ONCE + MOST_WAITING + RESERVED + 6}
# Those who wait keep a thread each: for a scan, or a class for its pictures. There have to be some for everything else.
MOST_THREADS = OPENS["concurrency_limit"] + 64 + 32
# Gradio tells it to the program while it waits for the answer.
_PROGRESS = gr.Progress()


def add_endpoints(models: Models, uploads: Uploads, openings: Openings, handed_out: HandedOut, most_bytes: int) -> None:
    """Register the endpoints inside the present Blocks.

    Args:
        models: The checkpoints; the default one answers unless a call names another.
        uploads: Reads the scans that are sent.
        openings: Gives each call its turn.
        handed_out: Holds the files of the answers.
        most_bytes: Size of the largest scan that is accepted, as bytes of its float32 voxels.
    """
    answers = _Answers(Calls(models, uploads, openings, most_bytes), handed_out)
    # The components are never shown: they give the arguments their labels, types and defaults.
    with gr.Group(visible=False):
        scan = SentFile(label=f"Scan ({format_names()})", type="filepath")
        plane = gr.Textbox(PLANES[0], label='Plane: "axial", "coronal" or "sagittal"')
        index = gr.Number(0, label="Slice index along the plane's axis, in the array's own order, from 0")
        epsilon = gr.Number(0.0, label="Epsilon: share of tokens replaced, 0 to 1")
        mode = gr.Textbox(MODES[0], label=f'Mode: {" or ".join(f"{chr(34)}{name}{chr(34)}" for name in MODES)}; for /curve also "dropout"')
        seed = gr.Number(0, label="Seed, 0 to 2147483647")
        edits = gr.Textbox("", label="Forced tokens of an acquired slice as row.column.code, joined by _, for example 2.3.17_0.0.5")
        checkpoint = gr.Textbox("", label="Checkpoint: one that the page offers, or empty for the default")
        reach = gr.Number(
            None, label="Reach: how many codewords a replaced token may effectively become, 1 to K - 1; empty for the checkpoint's"
        )
        series = gr.Number(None, label="Number of the DICOM series, from 1; empty for the one with the most images")
        saved_as = gr.Textbox("", label=f"Ending of the labels: {', '.join(one.ending for one in LABEL_FORMATS)}; empty for .nii.gz")
        moment = gr.Number(None, label="Frame of a cine, from 0; empty for the first")
        labels = gr.File(label="Labels")
        segmentation = gr.Image(label="Segmentation: class colours on black", format="png")
        reconstruction = gr.Image(label="Reconstruction", format="png", image_mode="L")
        figures = gr.JSON(label="Figures")
        table = gr.File(label="Tokens (.csv)")
        trigger = gr.Button()
    trigger.click(answers.segment, [scan, series, saved_as, moment], [labels, figures], api_name="segment", **OPENS)
    settings: list[Any] = [scan, plane, index, epsilon, mode, seed, edits, checkpoint, reach, series, moment]
    trigger.click(answers.perturb, settings, [segmentation, reconstruction, figures], api_name="perturb", **OPENS)
    trigger.click(answers.tokens, [scan, index, epsilon, mode, seed, reach, series, moment], table, api_name="tokens", **OPENS)
    trigger.click(answers.over_epsilon, [scan, index, mode, seed, reach, series, moment], figures, api_name="curve", **OPENS)


@dataclass(frozen=True)
class _Answers:
    """What the endpoints answer. Gradio shows the docstrings of the methods as the documentation of the endpoints."""

    calls: Calls
    handed_out: HandedOut

    def segment(
        self,
        caller: gr.Request,
        scan: str | None,
        series: float | None = None,
        ending: str = "",
        frame: float | None = None,
        progress: gr.Progress = _PROGRESS,
    ) -> tuple[str, dict[str, Any]]:
        """Segment a scan, or a frame of a cine: the label volume on the scan's own grid, and a summary."""
        start = time.perf_counter()
        called = Caller(caller, progress)
        with errors_for_clients():
            with self.calls.turn(called, scan, "", series, frame) as turn:
                read, classes = turn.scan, turn.model.classes
                name = label_file_name(read.name, _ending(read, ending), turn.frame)
                # Neither tokens nor a reconstruction are asked for: this takes three quarters of the time of opening a scan.
                labels = turn.model.segmenter.labels(read, called.encoded)
            path = self.handed_out.folder(called.visit) / name
            write_labels(labels, read, path, classes)
            return str(path), summary(read, labels, classes, 1000 * (time.perf_counter() - start))

    def perturb(
        self,
        caller: gr.Request,
        scan: str | None,
        plane: str,
        index: float,
        epsilon: float,
        mode: str,
        seed: float,
        edits: str = "",
        checkpoint: str = "",
        reach: float | None = None,
        series: float | None = None,
        frame: float | None = None,
        progress: gr.Progress = _PROGRESS,
    ) -> tuple[str, str, dict[str, Any]]:
        """Replace a share epsilon of a scan's tokens: one slice of the segmentation, of the reconstruction, and figures."""
        values = {"plane": plane, "index": index, "strength": epsilon, "mode": mode, "seed": seed, "edits": edits, "reach": reach}
        with self.calls.opened(Caller(caller, progress), scan, checkpoint, series, frame) as opened:
            picture = make_frame(opened, FrameRequest.checked(values, opened))
            folder = self.handed_out.folder(visit_of(caller))
        classes = opened.model.classes
        colours = label_colours(len(classes))
        shades = {name: css_colour(colour) for name, colour in zip(classes, colours, strict=True)}
        pictures = {"segmentation": label_picture(picture.labels, colours), "reconstruction": greyscale(picture.reconstruction)}
        # Not left to Gradio, which would keep them.
        paths = {name: folder / f"{name}.png" for name in pictures}
        for name, pixels in pictures.items():
            Image.fromarray(pixels).save(paths[name])
        return str(paths["segmentation"]), str(paths["reconstruction"]), {**picture.figures(), "colours": shades}

    def tokens(
        self,
        caller: gr.Request,
        scan: str | None,
        index: float,
        epsilon: float,
        mode: str,
        seed: float,
        reach: float | None = None,
        series: float | None = None,
        frame: float | None = None,
        progress: gr.Progress = _PROGRESS,
    ) -> str:
        """The codes of one acquired slice before and after the perturbation, as CSV: row, column, code_before, code_after, replaced."""
        with self.calls.opened(Caller(caller, progress), scan, "", series, frame) as opened:
            request = _acquired(opened, index, epsilon, mode, seed, reach)
            name = f"{file_stem(opened.segmented.scan.name, opened.frame)}_tokens_{request.index}.csv"
            path = self.handed_out.folder(visit_of(caller)) / name
            path.write_text(slice_tokens(opened, request), encoding="utf-8")
            return str(path)

    def over_epsilon(
        self,
        caller: gr.Request,
        scan: str | None,
        index: float,
        mode: str,
        seed: float,
        reach: float | None = None,
        series: float | None = None,
        frame: float | None = None,
        progress: gr.Progress = _PROGRESS,
    ) -> dict[str, Any]:
        """Share replaced, Dice and agreement against epsilon 0, and PSNR of one acquired slice at epsilon 0, 0.05 .. 1.

        With mode "dropout" the same figures, without the share, over the rate of feature dropout in place of epsilon.
        """
        with self.calls.opened(Caller(caller, progress), scan, "", series, frame) as opened:
            if mode == "dropout":
                return dropout_curve(opened, _acquired(opened, index, 0.0, MODES[0], seed), STEPS)
            return curve(opened, _acquired(opened, index, 0.0, mode, seed, reach), STEPS)


def _ending(scan: Scan, ending: str) -> str:
    """The ending of the labels. Raises RequestError for one that does not fit the scan."""
    fitting = [one.ending for one in label_formats(scan)]
    if ending and ending not in fitting:
        raise RequestError(f"the labels of this scan can be saved as {', '.join(fitting)}, got {ending!r}")
    return ending or NIFTI.ending


def _acquired(opened: OpenScan, index: float, epsilon: float, mode: str, seed: float, reach: float | None = None) -> FrameRequest:
    values = {"plane": opened.plane, "index": index, "strength": epsilon, "mode": mode, "seed": seed, "reach": reach}
    return FrameRequest.checked(values, opened)


def summary(scan: Scan, labels: Array, classes: tuple[str, ...], milliseconds: float) -> dict[str, Any]:
    """The figures of /segment.

    Args:
        scan: The scan.
        labels: Its labels, (X, Y, Z).
        classes: Names of its classes, the background first.
        milliseconds: How long reading and segmenting took.

    Returns:
        "shape", "spacing" in millimetres, "voxels" and "millilitres" by structure (None where the file does not say how far its voxels lie
        apart), "milliseconds", and "notes": what a person should know of how the file was read.
    """
    voxels = np.bincount(labels.ravel(), minlength=len(classes))
    one = voxel_ml(scan)
    return {
        "shape": list(scan.shape),
        "spacing": list(scan.spacing),
        "voxels": {name: int(voxels[i]) for i, name in enumerate(classes) if i > 0},
        "millilitres": {name: None if one is None else round(float(voxels[i]) * one, 3) for i, name in enumerate(classes) if i > 0},
        "milliseconds": milliseconds,
        "notes": list(scan.notes),
    }
