"""The tokens of a slice: the pixels that belong to each, and their codes before and after the perturbation as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

import numpy as np

from app.scan.frame_request import FrameRequest, RequestError
from app.scan.frames import make_frame
from app.scan.open_scan import OpenScan
from vqseg.codebook import where
from vqseg.types import Array


def owners(scan: OpenScan) -> tuple[Array, Array]:
    """(A,) and (B,) int: the row and the column of the token to which each pixel of a slice belongs. web/cells.js computes the same."""
    segmented = scan.segmented
    h, w = segmented.indices.shape[1] // segmented.levels, segmented.indices.shape[2]
    rows, columns = (
        np.minimum(last - 1, ((np.arange(length) + 0.5) / cell).astype(int))
        for length, cell, last in zip(segmented.slice_size, segmented.cell_size, (h, w), strict=True)
    )
    return rows, columns


def voxels_of(scan: OpenScan, codes: Iterable[int]) -> Array:
    """The voxels whose token has one of some codes in any level, before any perturbation.

    Args:
        scan: The scan.
        codes: Those looked for.

    Returns:
        (X, Y, Z) bool, on the scan's own grid.
    """
    segmented, (rows, columns) = scan.segmented, owners(scan)
    found = where(segmented.indices, codes)
    slices, _, w = found.shape
    tokens: Array = np.any(found.reshape(slices, segmented.levels, -1, w), axis=1)
    return np.moveaxis(tokens[:, rows[:, None], columns[None, :]], 0, segmented.axis)


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
