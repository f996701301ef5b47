"""The tokens of a slice before and after the perturbation, as a table."""

from __future__ import annotations

import csv
import io

import numpy as np

from app.scan.frame_request import FrameRequest, RequestError
from app.scan.frames import make_frame
from app.scan.open_scan import OpenScan
from vqseg.types import Array


def tokens_csv(clean: Array, codes: Array) -> str:
    """One line a token of a slice: its place in the grid, its code before and after, whether it was replaced. (h, w) int each."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("row", "column", "code_before", "code_after", "replaced"))
    for (row, column), before in np.ndenumerate(clean):
        after = codes[row, column]
        writer.writerow((row, column, int(before), int(after), int(before != after)))
    return text.getvalue()


def slice_tokens(scan: OpenScan, request: FrameRequest) -> str:
    """The token table of a picture. Raises RequestError in a plane that cuts through many slices' grids."""
    if not scan.acquired(request.plane):
        raise RequestError(f"tokens lie in the acquired slices; choose plane {scan.plane}")
    frame = make_frame(scan, request)
    return tokens_csv(frame.clean_codes, frame.codes)
