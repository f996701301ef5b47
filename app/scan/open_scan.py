"""An encoded scan, and what is known of it from the start.

Modules that keep more for a scan (frames, replays, curves, steps of the lesson) keep it in a WeakKeyDictionary of their own.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from app.scan.handed_out import OwnFolder, out_folder
from app.scan.planes import PlaneView, acquisition_plane, plane_views
from vqseg.cardiac import voxel_ml
from vqseg.codebook import Familiarity, judge
from vqseg.data.label_files import NIFTI, LabelFormat, label_formats
from vqseg.data.scan import without_ending, write_labels
from vqseg.types import Array

if TYPE_CHECKING:
    from app.scan.cine import OpenCine
    from app.scan.models import Served
    from vqseg.inference import SegmentedScan

# A perturbed volume has uint8 labels and a float32 reconstruction. Two are kept of a visitor's own scan; see app/scan/replay.py.
VOLUME_BYTES_A_VOXEL = 2 * 5
# A ground truth may be added at any time.
TRUTH_BYTES_A_VOXEL = 1


@dataclass(frozen=True)
class OpeningView:
    """How the page first shows a scan, and what a reset goes back to.

    Attributes:
        index: The acquired slice, None for the middle one.
        strength: Epsilon, in [0, 1].
        reach: None for the usual one; see app.scan.opening_reach.
    """

    index: int | None = None
    strength: float = 0.0
    reach: float | None = None


class OpenScan:
    """An encoded scan, the views of its planes, and its label files for download."""

    def __init__(
        self,
        segmented: SegmentedScan,
        model: Served,
        truth: Array | None = None,
        example: str | None = None,
        opening: OpeningView = OpeningView(),
    ) -> None:
        """Hold a scan.

        Args:
            segmented: The scan as the checkpoint encoded it.
            model: The checkpoint that encoded it.
            truth: Ground truth labels (X, Y, Z) uint8, UNSURE where it has none. They may be set later.
            example: Title of the bundled example, which many visitors share. None for a visitor's own scan.
            opening: How the page first shows it.
        """
        self.segmented, self.model, self.truth, self.example, self.opening = segmented, model, truth, example, opening
        # The labels that the ground truth tells of. A truth of fewer classes than the checkpoint's says nothing of the others.
        self.judged: tuple[int, ...] = tuple(range(1, len(segmented.classes)))
        self.views: dict[str, PlaneView] = plane_views(segmented.scan)
        self.plane = acquisition_plane(self.views, segmented.axis)
        # The same under every checkpoint, so that what a visitor has made for it stays; it tells nothing of the scan.
        self.identity = example or secrets.token_hex(8)
        # Held while label files are written or deleted.
        self.lock = Lock()
        # Of a cine: all its frames, which frame 0 holds, and which one this is.
        self.cine: OpenCine | None = None
        self.frame = 0
        # The identity of that cine's first frame, of the further ones.
        self.frame_of = ""
        # When a picture of it was last asked for, by the monotonic clock.
        self.touched = 0.0
        self._folder: OwnFolder | None = None

    @property
    def byte_size(self) -> int:
        """Bytes of the scan, with those that may be kept for it."""
        frames = 0 if self.cine is None else self.cine.byte_size
        return frames + self.segmented.byte_size + (VOLUME_BYTES_A_VOXEL + TRUTH_BYTES_A_VOXEL) * self.segmented.scan.voxels.size

    def opening_index(self, plane: str) -> int:
        """The slice of a plane that is shown first: of the acquired ones that of the opening view, else the middle one."""
        view, index = self.views[plane], self.opening.index
        return view.middle if index is None or not self.acquired(plane) else min(index, view.count - 1)

    @cached_property
    def familiarity(self) -> Familiarity:
        """Whether the checkpoint knows such a scan. It follows from what encoding has left, in milliseconds."""
        return judge(self.segmented, self.model.segmenter.reads, self.model.reference)

    @cached_property
    def voxels(self) -> tuple[int, ...]:
        """How many voxels have each label at strength 0."""
        return label_counts(self.segmented.labels, len(self.segmented.classes))

    @property
    def voxel_ml(self) -> float | None:
        """Millilitres of a voxel; None where the file does not say how far its voxels lie apart."""
        return voxel_ml(self.segmented.scan)

    def acquired(self, plane: str) -> bool:
        """Whether the slices of a plane are the acquired ones. Each acquired slice has a grid of tokens."""
        return self.views[plane].axis == self.segmented.axis

    @property
    def formats(self) -> tuple[LabelFormat, ...]:
        """The formats that its labels can be saved in, the proposed one first."""
        return label_formats(self.segmented.scan)

    def label_file(self, ending: str = "") -> Path:
        """The labels at strength 0 as a file on the scan's grid.

        Args:
            ending: Of one of `formats`; any other means the first of them.

        Returns:
            The file, which visitors may fetch where it lies. The first call writes it; `close` deletes it.
        """
        ending = ending if ending in [one.ending for one in self.formats] else self.formats[0].ending
        with self.lock:
            if self._folder is None:
                self._folder = OwnFolder(out_folder())
            path = self._folder.path / label_file_name(self.segmented.scan.name, ending)
            if not path.exists():
                write_labels(self.segmented.labels, self.segmented.scan, path, self.model.classes)
            return path

    def close(self) -> None:
        """Delete the label files, and the other frames of a cine."""
        if self.cine is not None:
            self.cine.close()
        with self.lock:
            if self._folder is not None:
                self._folder.delete()
                self._folder = None


# With what is added no name of a file becomes longer than file systems allow.
_LONGEST_STEM = 150


def label_file_name(scan_name: str, ending: str = NIFTI.ending, frame: int = 0) -> str:
    """The name of a scan's label file: heart.nii.gz -> heart_labels.nii.gz; of a further frame heart_frame7_labels.nii.gz."""
    return f"{file_stem(scan_name, frame)}_labels{ending}"


def label_counts(labels: Array, classes: int) -> tuple[int, ...]:
    """How many voxels have each label.

    Args:
        labels: uint8 of any shape, each below `classes`.
        classes: Number of classes, the background included.

    Returns:
        One count a class.
    """
    return tuple(np.bincount(labels.ravel(), minlength=classes).tolist())


def file_stem(scan_name: str, frame: int = 0) -> str:
    """What the names of files about a scan begin with, as in web/files.js: "DICOM series, 12 images" -> "DICOM_series_12_images"."""
    plain = re.sub(r"[^\w.-]+", "_", without_ending(scan_name), flags=re.ASCII)
    return (plain[:_LONGEST_STEM] or "scan") + (f"_frame{frame}" if frame else "")
