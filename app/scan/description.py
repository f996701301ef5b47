"""What the browser is told of an open scan besides its pictures. All views read this value."""

from __future__ import annotations

from typing import Any

from app.scan.channels import channel_choices
from app.scan.frame_request import FAR_MODES
from app.scan.open_scan import OpenScan
from app.scan.opening_reach import opening_reach
from app.scan.planes import PlaneView
from app.scan.render import label_colours
from vqseg.codebook import Familiarity
from vqseg.data.scan import has_geometry


def describe(token: str, scan: OpenScan, title: str, *, brought: bool = False) -> dict[str, Any]:
    """The value of the viewer: `Scan` of web/types.d.ts.

    Args:
        token: The visit's key to the scan.
        scan: The scan.
        title: Its name, as visitors read it.
        brought: Whether the scan brought its checkpoint, because the one before cannot read it.

    Returns:
        The scan's grid, planes, classes and codebook, ready for JSON.
    """
    grid, spacing, classes = scan.segmented.scan.shape, scan.segmented.scan.spacing, scan.model.classes
    millimetres = " × ".join(f"{s:.3g}" for s in spacing)
    return {
        "token": token,
        "identity": scan.identity,
        "truth": scan.truth is not None,
        "judged": [classes[label] for label in scan.judged],
        "name": title,
        "own": scan.example is None,
        "notes": list(scan.segmented.scan.notes),
        "saves": [[one.name, one.ending] for one in scan.formats],
        "checkpoint": scan.model.name,
        "brought": scan.model.title if brought else "",
        "outside": _outside(scan),
        "familiarity": told(scan.familiarity),
        "grid": " × ".join(map(str, grid)) + (f" at {millimetres} mm" if has_geometry(scan.segmented.scan) else ""),
        "classes": list(classes),
        "colours": label_colours(len(classes)).tolist(),
        "grid_of_tokens": [scan.segmented.indices.shape[1] // scan.segmented.levels, scan.segmented.indices.shape[2]],
        "codebook_size": scan.segmented.codebook_size,
        "reach": {
            "own": scan.model.segmenter.reach,
            "last": scan.segmented.codebook_size - 1,
            "opening": opening_reach(scan),
            "modes": list(FAR_MODES),
        },
        "channels": [list(choice) for choice in channel_choices(scan)],
        "cine": None if scan.cine is None else {"frames": scan.cine.frames, "paired": scan.cine.paired},
        "levels": scan.segmented.levels,
        "cell": list(scan.segmented.cell_size),
        "planes": {
            plane: {
                "count": view.count,
                "first": _first(scan, view),
                "shape": list(view.shape),
                "ratio": view.ratio,
                "letters": list(view.letters),
                "acquired": scan.acquired(plane),
                "transpose": view.transpose,
                "flip": [view.flip_rows, view.flip_columns],
            }
            for plane, view in scan.views.items()
        },
    }


def told(verdict: Familiarity) -> dict[str, Any]:
    """A verdict for the browser: `Familiarity` of web/types.d.ts."""
    return {
        "verdict": verdict.verdict,
        "reasons": list(verdict.reasons),
        "slices": [round(float(value), 3) for value in verdict.slices],
        "places": verdict.places,
        "figures": [[figure.name, figure.found, figure.training] for figure in verdict.figures],
    }


def _first(scan: OpenScan, view: PlaneView) -> int | None:
    """The first slice of a plane that has any structure."""
    filled = scan.segmented.labels.any(axis=tuple(axis for axis in range(3) if axis != view.axis))
    return int(filled.argmax()) if filled.any() else None


def _outside(scan: OpenScan) -> bool | None:
    """Whether the scan's distribution of codes is unlike that of every training scan. None if the codebook has no reference."""
    statistics = scan.model.statistics
    return None if statistics is None or statistics.drift_reference is None else statistics.drift(scan.segmented.indices).outside
