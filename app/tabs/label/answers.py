"""What the Label tab asks the server for: what codes stand for, which slice is worth labelling, the corrected labels as a file."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from app.scan.corrections import Corrections
from app.scan.disagreement import DISAGREEMENTS, told
from app.scan.frame_request import RequestError, whole_number
from app.scan.open_scan import OpenScan, file_stem
from app.scan.render import base64_answer, packed
from app.visit.answering import Answer, Request
from vqseg.data.scan import write_labels


def meanings(scan: OpenScan, request: Request) -> Answer:
    """What the codes of the scan's checkpoint stood for in its training scans.

    Args:
        scan: The scan on show.
        request: Nothing is read.

    Returns:
        "counts": packed (K, C) int32, the tokens of every code by the class that most of their pixels have; None without statistics.
    """
    statistics = scan.model.statistics
    return {"counts": None if statistics is None else packed(statistics.class_counts.astype(np.int32))}


def disagreement(scan: OpenScan, request: Request) -> Answer:
    """On which slices the network contradicts itself. Each call measures a few more of them.

    Args:
        scan: The scan on show.
        request: "index": the acquired slice on show, which is measured first.

    Returns:
        See `app.scan.disagreement.told`.
    """
    index = whole_number("slice index", request.get("index"), scan.segmented.slice_count - 1)
    return told(DISAGREEMENTS.advance(scan, index), index)


def corrected(scan: OpenScan, request: Request) -> Answer:
    """The network's labels with the corrected slices among them, on the scan's own grid.

    Args:
        scan: The scan on show.
        request: "slices": as `Corrections.checked` reads them. "ending": of one of the scan's formats.

    Returns:
        "name" of the file and "bytes", base64 of it.
    """
    ending, fitting = request.get("ending"), [one.ending for one in scan.formats]
    if ending not in fitting:
        raise RequestError(f"ending must be one of {', '.join(fitting)}, got {ending!r}")
    labels = Corrections.checked(request.get("slices"), scan).merged(scan)
    name = f"{file_stem(scan.segmented.scan.name, scan.frame)}_corrected{ending}"
    with tempfile.TemporaryDirectory(prefix="vqseg-corrected-") as folder:
        write_labels(labels, scan.segmented.scan, Path(folder) / name, scan.model.classes)
        return {"name": name, **base64_answer((Path(folder) / name).read_bytes())}
