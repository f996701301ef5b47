"""What the frames of a cine, or a pair, show of the heart: volumes over time, ejection fraction, and files of both."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from app.scan.cine import OpenCine
from app.scan.frame_request import RequestError
from app.scan.open_scan import OpenScan, label_file_name
from vqseg.cardiac import (
    CardiacError,
    CardiacFunction,
    NoLeftVentricleError,
    VolumeCurves,
    cardiac_function,
    count_voxels,
    paired_curves,
    paired_function,
    structures_of,
    voxel_ml,
    write_curves,
)
from vqseg.data.scan import write_labels
from vqseg.plain import JsonObject
from vqseg.types import Array

_COUNTS: WeakKeyDictionary[OpenCine, dict[int, dict[str, int]]] = WeakKeyDictionary()


def told(cine: OpenCine) -> dict[str, Any]:
    """What the page is told of a cine, as far as its frames are encoded: `CineAnswer` of web/types.d.ts.

    Args:
        cine: The cine.

    Returns:
        "frames", how many; "ready", those that can be shown; "done", how many were encoded; "keeps_all"; "paired"; "seconds" from one to
        the next or None; "unit" of the volumes; "volumes", by structure a number or None for every frame; "heart", a CardiacFunction or
        None while frames are missing; "problem", why there is no curve or no further frame, else empty; "stopped", whether no further one
        will come.
    """
    scan, answer = cine.first.segmented.scan, _progress(cine)
    try:
        structures = list(structures_of(cine.first.model.classes))
    except NoLeftVentricleError:
        return {**answer, "problem": cine.error or "This checkpoint knows no left ventricle, so there are no volumes over time."}
    counts, flat = _counts(cine), 1 in scan.shape
    sizes = [voxel_ml(cine.scan(index)) for index in range(cine.frames)]
    known = not flat and all(size is not None for size in sizes)
    volumes = {
        name: [
            None if index not in counts else counts[index][name] * ((sizes[index] or 1.0) if known else 1.0) for index in range(cine.frames)
        ]
        for name in structures
    }
    unit = "ml" if known else "pixels" if flat else "voxels"
    try:
        heart: JsonObject | None = heart_of(cine).to_json() if cine.complete else None
    except CardiacError as error:
        return {**answer, "unit": unit, "volumes": volumes, "problem": str(error.args[0])}
    return {**answer, "unit": unit, "volumes": volumes, "heart": heart}


def heart_of(cine: OpenCine) -> CardiacFunction:
    """Ejection fraction, volumes and mass.

    Args:
        cine: With all its frames encoded.

    Returns:
        The record. Of a pair, the frame with the larger left ventricle is end-diastole, and a note says which one that is.

    Raises:
        CardiacError: The checkpoint knows no left ventricle, or the two scans of a pair cannot be compared.
    """
    curves, order = _curves(cine)
    if not cine.paired:
        return cardiac_function(curves)
    found = paired_function(curves)
    if found.ed_frame is None:
        return found
    note = f"scan {order[0] + 1} is taken as end-diastole, because its left ventricle is larger"
    return replace(found, ed_frame=order[0], es_frame=order[1], notes=(note, *found.notes))


def series_file(cine: OpenCine) -> tuple[str, bytes]:
    """The labels of all frames at strength 0, as one NIfTI file on the input's grid, the frames last.

    Args:
        cine: The cine.

    Returns:
        Name and content of the file.

    Raises:
        RequestError: If a frame is missing.
    """
    labels, scan = _all_labels(cine), cine.first.segmented.scan
    return _written(label_file_name(scan.name), lambda path: write_labels(np.stack(labels, -1), scan, path))


def frame_file(scan: OpenScan) -> tuple[str, bytes]:
    """Name and content of the labels of one frame at strength 0, as NIfTI on its grid."""
    shown = scan.segmented
    return _written(label_file_name(shown.scan.name, frame=scan.frame), lambda path: write_labels(shown.labels, shown.scan, path))


def curve_file(cine: OpenCine) -> tuple[str, bytes]:
    """The volumes of all frames as CSV; arguments, answer and errors as those of `series_file`, and CardiacError as `heart_of`."""
    _all_labels(cine)
    curves, order = _curves(cine)
    name = label_file_name(cine.first.segmented.scan.name).replace("_labels.nii.gz", "_volumes.csv")
    if order[0] == 1:
        # The rows of a pair stand in the order in which the scans were opened.
        curves = replace(
            curves,
            voxels={structure: counts[::-1] for structure, counts in curves.voxels.items()},
            voxel_ml=None if curves.voxel_ml is None else curves.voxel_ml[::-1],
        )
    return _written(name, lambda path: write_curves(curves, path))


def _progress(cine: OpenCine) -> dict[str, Any]:
    return {
        "frames": cine.frames,
        "ready": cine.ready,
        "done": len(cine.labels),
        "keeps_all": cine.keeps_all,
        "paired": cine.paired,
        "seconds": cine.first.segmented.scan.frame_seconds,
        "unit": "",
        "volumes": {},
        "heart": None,
        "problem": cine.error,
        "stopped": bool(cine.error),
    }


def _counts(cine: OpenCine) -> dict[int, dict[str, int]]:
    """How many voxels each structure has, of the frames that are encoded. Each frame is counted once."""
    counts = _COUNTS.setdefault(cine, {})
    for index, labels in cine.labels.items():
        if index not in counts:
            counts[index] = count_voxels(labels, cine.first.model.classes)
    return counts


def _curves(cine: OpenCine) -> tuple[VolumeCurves, tuple[int, ...]]:
    """The curves, and the frames in their order: of a pair, end-diastole comes first."""
    counts, scan, classes = _counts(cine), cine.first.segmented.scan, cine.first.model.classes
    order = tuple(range(cine.frames))
    if cine.paired:
        labels = cine.labels
        order = tuple(sorted(order, key=lambda index: -counts[index]["LV"] * (voxel_ml(cine.scan(index)) or 1.0)))
        ed, es = order
        return paired_curves(labels[ed], labels[es], classes, cine.scan(ed), cine.scan(es)), order
    size = voxel_ml(scan)
    return VolumeCurves(
        voxels={name: tuple(counts[index][name] for index in order) for name in structures_of(classes)},
        voxel_ml=None if size is None else (size,) * cine.frames,
        frame_seconds=scan.frame_seconds,
        flat=1 in scan.shape,
    ), order


def _all_labels(cine: OpenCine) -> list[Array]:
    labels = cine.labels
    if len(labels) < cine.frames:
        raise RequestError(f"{len(labels)} of {cine.frames} frames are encoded; wait for the others")
    return [labels[index] for index in range(cine.frames)]


def _written(name: str, write: Callable[[Path], None]) -> tuple[str, bytes]:
    with tempfile.TemporaryDirectory(prefix="vqseg-cine-labels-") as folder:
        write(Path(folder) / name)
        return name, (Path(folder) / name).read_bytes()
