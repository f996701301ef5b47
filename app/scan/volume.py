"""A scan and its labels as NIfTI bytes for the Volume tab: bounded in size, on their own affine, no text in the header."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy as np

from app.scan.open_scan import OpenScan
from vqseg.inference import dice_by_class
from vqseg.types import Array, Scan

MOST_VOXELS = 2**23
"""More than 256 x 256 x 128 voxels are thinned: a browser holds each volume several times, as a texture too."""
LONGEST_SIDE = 1024
"""Of a 3D texture that small graphics chips draw as well."""


@dataclass(frozen=True)
class Thinning:
    """Every n-th voxel along each axis: what the browser is given of a volume that is too large for it.

    steps, offsets: along the array axes; voxel v of the thinned volume is voxel steps * v + offsets of the scan.
    affine: (4, 4) of the thinned grid, so that both lie on each other in the world.
    """

    steps: tuple[int, int, int]
    offsets: tuple[int, int, int]
    affine: Array

    def take(self, volume: Array) -> Array:
        """A view of (X, Y, Z)."""
        return volume[tuple(slice(offset, None, step) for offset, step in zip(self.offsets, self.steps, strict=True))]


def is_volume(scan: Scan) -> bool:
    """Whether there is depth along all three axes: not for a picture, nor for one slice."""
    return min(scan.shape) > 1


def thinning(scan: Scan) -> Thinning:
    """The least that fits MOST_VOXELS and LONGEST_SIDE; the axis with the finest voxels is thinned first."""
    steps = [-(-length // LONGEST_SIDE) for length in scan.shape]

    def length(axis: int) -> int:
        return -(-scan.shape[axis] // steps[axis])

    while length(0) * length(1) * length(2) > MOST_VOXELS:
        # An axis of few slices keeps them all as long as another can give.
        steps[min((a for a in range(3) if length(a) > 2), key=lambda a: scan.spacing[a] * steps[a])] += 1
    # Of every group of voxels the middle one.
    offsets = [(step - 1) // 2 for step in steps]
    place = np.eye(4)
    place[:3, :3], place[:3, 3] = np.diag(steps), offsets
    return Thinning((steps[0], steps[1], steps[2]), (offsets[0], offsets[1], offsets[2]), scan.affine @ place)


def nifti_bytes(volume: Array, affine: Array) -> bytes:
    """An uncompressed NIfTI-1 file of (X, Y, Z) in millimetres. Its header is made here: it has geometry and no text."""
    image = nib.Nifti1Image(volume, affine)
    image.header.set_xyzt_units("mm")
    content: bytes = image.to_bytes()
    return content


def scan_file(scan: OpenScan) -> tuple[bytes, dict[str, Any]]:
    """The voxels as the file had them, int16 if they are whole and fit, else float32; and what a view has to know of their grid.

    affine: (4, 4) of the scan, and its inverse. axes: the array axis that each plane cuts. acquired: the plane of the slices.
    start: the voxel to begin at, in the middle of what was found, else of the volume. window: values that the network reads as
    black and white. percentiles: the 1st and 99th.
    """
    own, thin = scan.segmented.scan, thinning(scan.segmented.scan)
    voxels = thin.take(own.voxels)
    whole = bool((voxels == np.rint(voxels)).all() and np.abs(voxels).max() < 2**15)
    about = {
        "shape": list(own.shape),
        "steps": list(thin.steps),
        "offsets": list(thin.offsets),
        "affine": own.affine.tolist(),
        "inverse": np.linalg.inv(own.affine).tolist(),
        "axes": {plane: view.axis for plane, view in scan.views.items()},
        "acquired": scan.plane,
        "oriented": own.header is not None,
        "start": _start(thin.take(scan.segmented.labels), thin),
        "window": display_range(voxels, thin.take(scan.segmented.normalised)),
        "percentiles": [float(bound) for bound in np.percentile(voxels, (1, 99))],
    }
    return nifti_bytes(voxels.astype(np.int16 if whole else np.float32), thin.affine), about


def label_file(scan: OpenScan, labels: Array) -> bytes:
    """Labels (X, Y, Z) uint8 of the scan's grid on the grid that the browser has."""
    thin = thinning(scan.segmented.scan)
    return nifti_bytes(thin.take(labels), thin.affine)


def class_figures(scan: OpenScan, labels: Array) -> list[dict[str, Any]]:
    """For every structure of labels (X, Y, Z), over all voxels of the scan.

    millilitres: None if the file has no geometry. dice: against the labels at strength 0; truth: against the truth; both None
    where neither side has the structure, truth also if the scan has none.
    """
    own, classes = scan.segmented.scan, len(scan.segmented.classes)
    voxels = [int(np.count_nonzero(labels == label)) for label in range(classes)]
    millilitres = abs(float(np.linalg.det(own.affine[:3, :3]))) / 1000
    dice = dice_by_class(labels, scan.segmented.labels, classes)
    truth = dice_by_class(labels, scan.truth, classes) if scan.truth is not None else [None] * (classes - 1)
    return [
        {
            "voxels": voxels[label],
            "millilitres": voxels[label] * millilitres if own.header is not None else None,
            "dice": dice[label - 1],
            "truth": truth[label - 1],
        }
        for label in range(1, classes)
    ]


def display_range(voxels: Array, normalised: Array) -> list[float]:
    """The values that became 0 and 1, from voxels and their normalised intensities, which are linear between the two."""
    inside = (normalised > 0) & (normalised < 1)
    if inside.any():
        values, shares = voxels[inside], normalised[inside]
        low, high = shares.argmin(), shares.argmax()
        if values[high] > values[low]:
            slope = float(shares[high] - shares[low]) / float(values[high] - values[low])
            black = float(values[low]) - float(shares[low]) / slope
            return [black, black + 1 / slope]
    # Two values at most, or one between them.
    least, most = float(voxels.min()), float(voxels.max())
    return [least, most if most > least else least + 1]


def _start(labels: Array, thin: Thinning) -> list[int]:
    found = labels != 0
    if not found.any():
        found = np.ones_like(found)
    middle = []
    for axis, (step, offset) in enumerate(zip(thin.steps, thin.offsets, strict=True)):
        counts = found.sum(tuple(other for other in range(3) if other != axis))
        middle.append(round(float(np.average(np.arange(len(counts)), weights=counts))) * step + offset)
    return middle
