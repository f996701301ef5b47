"""A scan and its labels as NIfTI bytes for the Volume tab. Their size is limited, and their header holds no text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy as np

from app.scan.channels import grey_of
from app.scan.open_scan import OpenScan
from app.scan.truth import shown_truth, truth_dice
from vqseg.cardiac import voxel_ml
from vqseg.data.scan import has_geometry
from vqseg.inference import dice_by_class
from vqseg.types import Array, Scan

MOST_VOXELS = 2**23
"""A volume with more voxels than this (256 x 256 x 128) is thinned: a browser holds each volume several times."""
LONGEST_SIDE = 1024
"""Longest side of a thinned volume: small graphics chips draw no larger 3D texture."""


@dataclass(frozen=True)
class Thinning:
    """Which voxels of a volume the browser gets: every n-th one along each axis.

    Attributes:
        steps: n along each array axis. Voxel v of the thinned volume is voxel steps * v + offsets of the scan.
        offsets: Index of the first voxel along each array axis.
        affine: (4, 4) of the thinned grid. It keeps the voxels at their places in the world.
    """

    steps: tuple[int, int, int]
    offsets: tuple[int, int, int]
    affine: Array

    def take(self, volume: Array) -> Array:
        """The thinned volume, as a view of `volume` (X, Y, Z), or (X, Y, Z, C)."""
        return volume[tuple(slice(offset, None, step) for offset, step in zip(self.offsets, self.steps, strict=True))]


def is_volume(scan: Scan) -> bool:
    """Whether the scan has more than one voxel along all three axes. A picture or a single slice has not."""
    return min(scan.shape) > 1


def thinning(scan: Scan) -> Thinning:
    """The least thinning that keeps to MOST_VOXELS and LONGEST_SIDE. The axis with the finest voxels is thinned first."""
    steps = [-(-length // LONGEST_SIDE) for length in scan.shape]

    def length(axis: int) -> int:
        return -(-scan.shape[axis] // steps[axis])

    while length(0) * length(1) * length(2) > MOST_VOXELS:
        # An axis with one or two voxels left is not thinned further.
        steps[min((a for a in range(3) if length(a) > 2), key=lambda a: scan.spacing[a] * steps[a])] += 1
    # The middle voxel of every group stays.
    offsets = [(step - 1) // 2 for step in steps]
    place = np.eye(4)
    place[:3, :3], place[:3, 3] = np.diag(steps), offsets
    return Thinning((steps[0], steps[1], steps[2]), (offsets[0], offsets[1], offsets[2]), scan.affine @ place)


def nifti_bytes(volume: Array, affine: Array) -> bytes:
    """A volume as an uncompressed NIfTI-1 file. Its header is made here, so it holds geometry and no text.

    Args:
        volume: (X, Y, Z), of a type that NIfTI has.
        affine: (4, 4), from voxel indices to millimetres.

    Returns:
        The file's bytes.
    """
    image = nib.Nifti1Image(volume, affine)
    image.header.set_xyzt_units("mm")
    content: bytes = image.to_bytes()
    return content


def scan_file(scan: OpenScan, channel: str = "") -> tuple[bytes, dict[str, Any]]:
    """The voxels of a scan as NIfTI, and what a view must know of their grid.

    Args:
        scan: The scan.
        channel: Of it, as in a FrameRequest; of RGB the mean.

    Returns:
        The file's bytes: the values of the scan's file, as int16 if they are whole and fit, else as float32. And a record for JSON:
        "shape": of the scan. "steps", "offsets": as in Thinning. "affine": (4, 4) of the scan; "inverse": its inverse. "axes": the
        array axis of each plane. "acquired": the plane of the acquired slices. "oriented": whether the file has geometry. "start":
        the voxel at which the view starts, in the middle of the labelled structures, else of the volume. "window": the values that
        the network reads as black and white. "percentiles": the 1st and the 99th.
    """
    own, thin = scan.segmented.scan, thinning(scan.segmented.scan)
    voxels, normalised = (grey_of(scan, thin.take(volume), channel) for volume in (own.voxels, scan.segmented.normalised))
    whole = bool((voxels == np.rint(voxels)).all() and np.abs(voxels).max() < 2**15)
    about = {
        "shape": list(own.shape),
        "steps": list(thin.steps),
        "offsets": list(thin.offsets),
        "affine": own.affine.tolist(),
        "inverse": np.linalg.inv(own.affine).tolist(),
        "axes": {plane: view.axis for plane, view in scan.views.items()},
        "acquired": scan.plane,
        "oriented": has_geometry(own),
        "start": _start(thin.take(scan.segmented.labels), thin),
        "window": display_range(voxels, normalised),
        "percentiles": [float(bound) for bound in np.percentile(voxels, (1, 99))],
    }
    return nifti_bytes(voxels.astype(np.int16 if whole else np.float32), thin.affine), about


def label_file(scan: OpenScan, labels: Array) -> bytes:
    """Labels as NIfTI on the grid that the browser has.

    Args:
        scan: The scan.
        labels: (X, Y, Z) uint8, on the scan's own grid.

    Returns:
        The file's bytes.
    """
    thin = thinning(scan.segmented.scan)
    return nifti_bytes(thin.take(labels), thin.affine)


def class_figures(scan: OpenScan, labels: Array) -> list[dict[str, Any]]:
    """Size and Dice of every structure, over all voxels of the scan.

    Args:
        scan: The scan.
        labels: (X, Y, Z) uint8, on the scan's own grid.

    Returns:
        One record per structure. "voxels": their number. "millilitres": None if the scan's file does not say how far its voxels lie apart.
        "dice": against the labels at strength 0; "truth": Dice against the ground truth, None without one. Both are None if neither side
        has the structure.
    """
    own, classes = scan.segmented.scan, len(scan.segmented.classes)
    voxels = [int(np.count_nonzero(labels == label)) for label in range(classes)]
    millilitres = voxel_ml(own)
    dice = dice_by_class(labels, scan.segmented.labels, classes)
    truth = truth_dice(scan, labels, scan.truth) if scan.truth is not None else [None] * (classes - 1)
    return [
        {
            "voxels": voxels[label],
            "millilitres": voxels[label] * millilitres if millilitres is not None else None,
            "dice": dice[label - 1],
            "truth": truth[label - 1],
        }
        for label in range(1, classes)
    ]


def truth_volume(scan: OpenScan, truth: Array) -> tuple[bytes, list[dict[str, Any]]]:
    """The ground truth as a volume.

    Args:
        scan: The scan.
        truth: Its ground truth, (X, Y, Z) uint8.

    Returns:
        The NIfTI file's bytes, and a record per structure as `class_figures` gives it. All of it is None for a structure that the
        ground truth does not tell of: it is not known to have no voxels.
    """
    shown = shown_truth(truth)
    figures = class_figures(scan, shown)
    told = [one if label in scan.judged else dict.fromkeys(one) for label, one in enumerate(figures, 1)]
    return label_file(scan, shown), told


def display_range(voxels: Array, normalised: Array) -> list[float]:
    """The values of the scan that the network reads as 0 and 1.

    Args:
        voxels: (X, Y, Z) values of the scan.
        normalised: (X, Y, Z) intensities in [0, 1]. Between 0 and 1 they are linear in the values.

    Returns:
        [black, white].
    """
    inside = (normalised > 0) & (normalised < 1)
    if inside.any():
        values, shares = voxels[inside], normalised[inside]
        low, high = shares.argmin(), shares.argmax()
        if values[high] > values[low]:
            slope = float(shares[high] - shares[low]) / float(values[high] - values[low])
            black = float(values[low]) - float(shares[low]) / slope
            return [black, black + 1 / slope]
    # Too few different values to find the line: their range has to do.
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
