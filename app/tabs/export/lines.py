"""What is on show as text: a configuration, and lines of Python that reproduce it."""

from __future__ import annotations

import json
from typing import Any

from app.scan.edits import edits_as_text
from app.scan.frame_request import FrameRequest, forced_tokens
from app.scan.open_scan import OpenScan
from vqseg.data.label_files import is_dicom


def configuration(scan: OpenScan, request: FrameRequest) -> str:
    """The settings of the picture as JSON. As for `settings_of`."""
    return json.dumps(settings_of(scan, request), indent=2) + "\n"


def settings_of(scan: OpenScan, request: FrameRequest) -> dict[str, Any]:
    """All settings of the picture.

    Args:
        scan: The scan.
        request: The slice and its settings.

    Returns:
        Settings by name. "reach" is None for the checkpoint's own and where the mode has none.
    """
    return {
        "checkpoint": scan.model.name,
        "scan": scan.segmented.scan.name,
        **({"frame": scan.frame} if scan.segmented.scan.frames > 1 else {}),
        "shape": list(scan.segmented.scan.shape),
        "plane": request.plane,
        "slice": request.index,
        "epsilon": request.strength,
        "mode": request.mode,
        "seed": request.seed,
        "edits": edits_as_text(request.edits),
        "reach": request.reach,
        "notes": list(scan.segmented.scan.notes),
    }


def python_lines(scan: OpenScan, request: FrameRequest, source: str = "") -> str:
    """A script that writes the label volume of these settings into labels.nii.gz. Forced tokens apply to their own slice.

    Args:
        scan: The scan.
        request: The slice and its settings.
        source: The file that the lines read; left out for the scan's own.

    Returns:
        Lines of Python that need the package vqseg.
    """
    settings, forced = f"strength={request.strength!r}, mode={request.mode!r}, seed={request.seed!r}", forced_tokens(request)
    reach = "" if request.reach is None else f", reach={request.reach!r}"
    own = scan.segmented.scan
    frame = f", frame={scan.frame}" if own.frames > 1 else ""
    channels = f", channels={own.channels}" if own.channels > 1 else ""
    lines = [
        "import numpy as np",
        "",
        "from vqseg.checkpoint import load_model",
        "from vqseg.data.scan import read_scan, write_labels",
        "from vqseg.inference import Segmenter",
        "",
        f"scan = read_scan({(source or _source(scan))!r}{frame}{channels})",
        f"opened = Segmenter(load_model({scan.model.name!r})).open(scan)",
        *([f"forced = {{{request.index}: {forced!r}}}"] if forced else []),
        "slices = [",
        f"    opened.perturb(index, {settings}{', forced=forced.get(index)' if forced else ''}{reach}).labels",
        "    for index in range(opened.slice_count)",
        "]",
        'write_labels(np.stack(slices, opened.axis), scan, "labels.nii.gz")',
    ]
    return "\n".join(lines) + "\n"


def client_lines(scan: OpenScan, request: FrameRequest, address: str) -> str:
    """A script that asks a running app for the picture.

    Args:
        scan: The scan.
        request: The slice and its settings, with forced tokens.
        address: Of the app.

    Returns:
        Lines of Python that need the package gradio_client.
    """
    arguments = ", ".join(map(repr, (request.plane, request.index, request.strength, request.mode, request.seed)))
    edits = f"    edits={edits_as_text(request.edits)!r},\n" if request.edits else ""
    reach = "" if request.reach is None else f"    reach={request.reach!r},\n"
    frame = f"    frame={scan.frame},\n" if scan.segmented.scan.frames > 1 else ""
    return (
        "from gradio_client import Client, handle_file\n\n"
        f"client = Client({address!r})\n"
        "segmentation, reconstruction, figures = client.predict(\n"
        f"    handle_file({_source(scan, zipped=True)!r}), {arguments},\n"
        f'{edits}    checkpoint={scan.model.name!r},\n{reach}{frame}    api_name="/perturb",\n)\n'
        "print(segmentation, reconstruction, figures)\n"
    )


def _source(scan: OpenScan, *, zipped: bool = False) -> str:
    """What the lines read: the scan's file. A DICOM series has no file of that name; who runs the lines knows its folder."""
    own = scan.segmented.scan
    return own.name if not is_dicom(own) else "series.zip" if zipped else "folder-of-the-series"
