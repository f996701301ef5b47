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
    """A table with one line per token of a slice.

    Args:
        clean: (h, w) codes before the perturbation.
        codes: (h, w) codes after it.

    Returns:
        CSV with the columns row, column, code_before, code_after and replaced (0 or 1).
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("row", "column", "code_before", "code_after", "replaced"))
    for (row, column), before in np.ndenumerate(clean):
        after = codes[row, column]
        writer.writerow((row, column, int(before), int(after), int(before != after)))
    return text.getvalue()


def slice_tokens(scan: OpenScan, request: FrameRequest) -> str:
    """The table of the tokens of an acquired slice.

    Args:
        scan: The scan.
        request: The slice and its settings.

    Returns:
        CSV, as `tokens_csv` writes it.

    Raises:
        RequestError: If the plane is not that of the acquired slices: other planes cut through many grids of tokens.
    """
    if not scan.acquired(request.plane):
        raise RequestError(f"tokens lie in the acquired slices; choose plane {scan.plane}")
    frame = make_frame(scan, request)
    return tokens_csv(frame.clean_codes, frame.codes)
