"""Whether labels lie on their scan's grid. One function decides for training, measuring, checking and the app.

Two files of one shape may still show different places: one of them mirrored, moved, or with larger voxels. Where both say where their
voxels lie, that is what is compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from vqseg.data.formats.axial import AXIAL
from vqseg.data.formats.dicom import DicomSource
from vqseg.data.formats.nifti import NiftiGrid
from vqseg.data.formats.places import Unplaced
from vqseg.data.limits import ScanError
from vqseg.types import Array, Scan

MOST_APART = 0.1
"""How far a voxel of the labels may lie from its partner in the scan, in voxels. Headers are often rounded."""


class GridError(ScanError):
    """Labels that do not lie on their scan's grid. The message names both files and says in numbers how they differ.

    Attributes:
        found: How they differ, with both names.
    """

    def __init__(self, found: str) -> None:
        """Put the message together."""
        super().__init__(f"{found}. Resample the labels to the scan's grid by nearest neighbour, or mend the header that is wrong")
        self.found = found


@dataclass(frozen=True)
class _Turn:
    """axes[i]: the labels' axis that lies along the scan's axis i. mirrored[i]: whether it runs the other way."""

    axes: tuple[int, ...]
    mirrored: tuple[bool, ...]


def has_geometry(scan: Scan) -> bool:
    """Whether its file says where the voxels lie. Pictures and plain arrays do not: they have the affine of vqseg.data.formats.axial."""
    if isinstance(scan.header, Unplaced):
        return scan.header.kind == "sizes"
    return scan.header is not None or not np.array_equal(scan.affine, AXIAL)


def on_grid_of(scan: Scan, labels: Scan) -> Scan:
    """Labels in the array order of their scan.

    Args:
        scan: The scan.
        labels: Its labels, as their file has them. A pure mirroring or exchange of axes is undone; nothing is interpolated.

    Returns:
        The labels with the scan's shape and affine.

    Raises:
        GridError: The labels lie on another grid.
    """
    if labels.header == Unplaced("picture") and isinstance(scan.header, DicomSource):
        # A picture has rows first; a DICOM slice, as every volume, columns.
        labels = replace(labels, voxels=labels.voxels.transpose(1, 0, 2))
    if not (_is_placed(scan) and _is_placed(labels)):
        if labels.shape != scan.shape:
            raise _wrong(labels, [_shapes(scan, labels.shape)])
        if scan.spacing_known and labels.spacing_known and (said := _spacings(scan, labels.spacing)):
            raise _wrong(labels, [said])
        return replace(labels, voxels=np.ascontiguousarray(labels.voxels), affine=scan.affine, spacing=scan.spacing)
    between = np.linalg.inv(scan.affine) @ labels.affine
    turn = _turn(between[:3, :3])
    if turn is None or tuple(labels.shape[axis] for axis in turn.axes) != scan.shape or _apart(between, turn, scan.shape) > MOST_APART:
        raise _wrong(labels, _differences(scan, labels, turn))
    voxels = labels.voxels.transpose(turn.axes)
    backwards = tuple(slice(None, None, -1 if mirrored else 1) for mirrored in turn.mirrored)
    return replace(labels, voxels=np.ascontiguousarray(voxels[backwards]), affine=scan.affine, spacing=scan.spacing)


def _is_placed(scan: Scan) -> bool:
    """Whether its file says where it lies. A NIfTI without a sound form has sizes of voxels alone, and readers turn it differently."""
    if isinstance(scan.header, NiftiGrid) and not scan.header.is_placed:
        return False
    return has_geometry(scan) and not isinstance(scan.header, Unplaced)


def _turn(matrix: Array) -> _Turn | None:
    """The nearest exchange and mirroring of axes, None if two axes of the labels lie along the same one of the scan."""
    axes = tuple(int(axis) for axis in np.abs(matrix).argmax(1))
    if len(set(axes)) < 3:
        return None
    return _Turn(axes, tuple(bool(matrix[row, axis] < 0) for row, axis in enumerate(axes)))


def _apart(between: Array, turn: _Turn, shape: Sequence[int]) -> float:
    """The largest distance of a corner of the labels from its partner, in the scan's voxels along its axes. Corners move most."""
    ends = np.array(shape) - 1
    corners = np.array(list(product(*((0, end) for end in ends))), np.float64)
    theirs = np.where(turn.mirrored, ends - corners, corners)
    own = np.empty_like(theirs)
    own[:, list(turn.axes)] = theirs
    found = own @ between[:3, :3].T + between[:3, 3]
    return float(np.abs(found - corners).max())


def _differences(scan: Scan, labels: Scan, turn: _Turn | None) -> list[str]:
    """In words and numbers, the plainest first."""
    axes = turn.axes if turn is not None else (0, 1, 2)
    shape, spacing = tuple(labels.shape[axis] for axis in axes), tuple(labels.spacing[axis] for axis in axes)
    said = [_shapes(scan, shape)] if shape != scan.shape else []
    own, theirs = scan.affine[:3, :3] / scan.spacing, labels.affine[:3, list(axes)] / spacing
    # The trace of a rotation is 1 + 2 cos; mirrored axes count as if they were not.
    cosine = (np.abs((own * theirs).sum(0)).sum() - 1) / 2
    angle = float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    distance = float(np.linalg.norm(_centre(scan) - _centre(labels)))
    sizes = _spacings(scan, spacing)
    if distance >= 0.05 or not (said or sizes or angle > 0.1):
        said.append(f"lies elsewhere than {scan.name}: the centres are {distance:.1f} mm apart")
    if sizes:
        said.append(sizes)
    if angle > 0.1:
        said.append(f"is turned by {angle:.1f} degrees against {scan.name}")
    return said


def _centre(scan: Scan) -> Array:
    middle: Array = scan.affine @ [*((np.array(scan.shape) - 1) / 2), 1.0]
    return middle[:3]


def _shapes(scan: Scan, theirs: Sequence[int]) -> str:
    return f"has {' × '.join(map(str, theirs))} voxels; the scan {scan.name} has {' × '.join(map(str, scan.shape))}, another shape"


def _spacings(scan: Scan, theirs: Sequence[float]) -> str:
    if np.allclose(scan.spacing, theirs, rtol=0.01):
        return ""
    own, other = (" × ".join(f"{one:.4g}" for one in sizes) for sizes in (scan.spacing, theirs))
    return f"has voxels of {other} mm; those of {scan.name} measure {own} mm"


def _wrong(labels: Scan, said: Sequence[str]) -> GridError:
    return GridError(f"{labels.name} {'; '.join(said)}")
