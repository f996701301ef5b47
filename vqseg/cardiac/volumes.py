"""Volumes of the heart's structures by summation of discs, frame by frame.

A disc is a structure's area in one slice times the distance between slices. Summed over the slices, that is the number of voxels times the
volume of a voxel, so the order of the array's axes does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vqseg.types import Array, Scan

STRUCTURES = ("LV", "RV", "MYO")
"""The classes that this room knows, by the names that checkpoints give them. The cavity of the left ventricle is needed."""


class CardiacError(ValueError):
    """Labels that no cardiac volumes can be computed from."""


class NoLeftVentricleError(CardiacError):
    """The classes do not name the cavity of a left ventricle."""


@dataclass(frozen=True, kw_only=True)
class VolumeCurves:
    """The size of each structure in each frame of a cine.

    voxels: by structure, the number of voxels in every frame. voxel_ml: millilitres of a voxel in every frame; None where the spacing is
    unknown. frame_seconds: between two frames, None where the file does not say. flat: the frames are single slices, so that what is
    counted are areas.
    """

    voxels: dict[str, tuple[int, ...]]
    voxel_ml: tuple[float, ...] | None
    frame_seconds: float | None = None
    flat: bool = False

    @property
    def frames(self) -> int:
        return len(self.voxels["LV"])

    @property
    def spacing_known(self) -> bool:
        return self.voxel_ml is not None

    def ml(self, structure: str) -> tuple[float, ...] | None:
        """A structure's volume in millilitres in every frame; None where the spacing is unknown or the structure is not among them."""
        if self.voxel_ml is None or structure not in self.voxels:
            return None
        return tuple(count * volume for count, volume in zip(self.voxels[structure], self.voxel_ml, strict=True))

    def sizes(self, structure: str) -> tuple[float, ...]:
        """What ratios are taken of: millilitres, or voxels where the spacing is unknown (but the same in every frame)."""
        found = self.ml(structure)
        return tuple(float(count) for count in self.voxels[structure]) if found is None else found


def structures_of(classes: Sequence[str]) -> dict[str, int]:
    """Which of the classes are structures of the heart.

    Args:
        classes: Names in the order of their labels, the background first, in capitals or not.

    Returns:
        The label of each of STRUCTURES that is named.

    Raises:
        NoLeftVentricleError: "LV" is not among them.
    """
    labels = {name.upper(): label for label, name in enumerate(classes)}
    if "LV" not in labels:
        raise NoLeftVentricleError(f"there is no class 'LV' among {', '.join(classes)}; cardiac volumes need the left ventricle")
    return {name: labels[name] for name in STRUCTURES if name in labels}


def count_voxels(labels: Array, classes: Sequence[str]) -> dict[str, int]:
    """How many voxels of one frame each structure has.

    Args:
        labels: Whole numbers, in any shape.
        classes: Names in the order of the labels.

    Raises:
        NoLeftVentricleError: "LV" is not among the classes.
    """
    return {name: int(np.count_nonzero(labels == label)) for name, label in structures_of(classes).items()}


def voxel_ml(scan: Scan) -> float | None:
    """The volume of one voxel in millilitres; None where the file does not say how far its voxels lie apart."""
    # Of the affine, as its axes need not be at right angles.
    return abs(float(np.linalg.det(scan.affine[:3, :3]))) / 1000 if scan.spacing_known else None


def curves_of(
    counts: Sequence[Mapping[str, int]], voxel_ml: float | None, frame_seconds: float | None = None, *, flat: bool = False
) -> VolumeCurves:
    """The curves of a cine whose frames were counted one after the other.

    Args:
        counts: Of every frame in their order, as `count_voxels` gives them.
        voxel_ml: Of one voxel, the same in all frames; None where the spacing is unknown.
        frame_seconds: Between two frames; None where the file does not say.
        flat: Whether a frame is a single slice.

    Raises:
        CardiacError: There is no frame, or the frames have different structures.
    """
    if not counts:
        raise CardiacError("a cine needs at least one frame")
    if any(count.keys() != counts[0].keys() for count in counts):
        raise CardiacError("the frames of a cine must have the same structures")
    voxels = {name: tuple(count[name] for count in counts) for name in counts[0]}
    return VolumeCurves(
        voxels=voxels, voxel_ml=None if voxel_ml is None else (voxel_ml,) * len(counts), frame_seconds=frame_seconds, flat=flat
    )
