"""What was found in a whole scan: how large each structure is, and how well it fits."""

from __future__ import annotations

from dataclasses import dataclass

from app.scan.open_scan import OpenScan, label_counts
from app.scan.truth import truth_dice
from vqseg.inference import dice_by_class
from vqseg.types import Array


@dataclass(frozen=True)
class Results:
    """One value a label; the Dice are of the structures, from label 1 on, None for one that neither side has.

    Attributes:
        voxels: How many voxels have each label.
        clean: The same at strength 0.
        voxel_ml: Millilitres of a voxel, None where the spacing is unknown.
        dice_vs_clean: Dice against the labels at strength 0.
        truth: Dice against the ground truth, None without one.
    """

    voxels: tuple[int, ...]
    clean: tuple[int, ...]
    voxel_ml: float | None
    dice_vs_clean: list[float | None]
    truth: list[float | None] | None


def results_of(scan: OpenScan, labels: Array) -> Results:
    """Measure a label volume of a scan.

    Args:
        scan: The scan.
        labels: (X, Y, Z) uint8.

    Returns:
        Its results.
    """
    classes = len(scan.segmented.classes)
    return Results(
        voxels=label_counts(labels, classes),
        clean=scan.voxels,
        voxel_ml=scan.voxel_ml,
        dice_vs_clean=dice_by_class(labels, scan.segmented.labels, classes),
        truth=None if scan.truth is None else truth_dice(scan, labels, scan.truth),
    )
