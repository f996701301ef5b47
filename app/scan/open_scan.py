"""An encoded scan, and what is known of it from the start.

Modules that keep more for a scan (frames, replays, curves, steps of the lesson) keep it in a WeakKeyDictionary of their own.
"""

from __future__ import annotations

import tempfile
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from app.scan.planes import PlaneView, acquisition_plane, plane_views
from vqseg.codebook import Familiarity, judge
from vqseg.data.scan import without_ending, write_labels
from vqseg.types import Array

if TYPE_CHECKING:
    from app.scan.models import Served
    from vqseg.inference import SegmentedScan

# A perturbed volume has uint8 labels and a float32 reconstruction. Two are kept of a visitor's own scan; see app/scan/replay.py.
VOLUME_BYTES_A_VOXEL = 2 * 5
# A ground truth may be added at any time.
TRUTH_BYTES_A_VOXEL = 1


class OpenScan:
    """An encoded scan, the views of its planes, and its label file for download."""

    def __init__(self, segmented: SegmentedScan, model: Served, truth: Array | None = None, example: str | None = None) -> None:
        """Hold a scan.

        Args:
            segmented: The scan as the checkpoint encoded it.
            model: The checkpoint that encoded it.
            truth: Ground truth labels (X, Y, Z) uint8. They may be set later.
            example: Title of the bundled example, which many visitors share. None for a visitor's own scan.
        """
        self.segmented, self.model, self.truth, self.example = segmented, model, truth, example
        self.views: dict[str, PlaneView] = plane_views(segmented.scan)
        self.plane = acquisition_plane(self.views, segmented.axis)
        self.lock = Lock()
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @property
    def byte_size(self) -> int:
        """Bytes of the scan, with those that may be kept for it."""
        return self.segmented.byte_size + (VOLUME_BYTES_A_VOXEL + TRUTH_BYTES_A_VOXEL) * self.segmented.scan.voxels.size

    @cached_property
    def familiarity(self) -> Familiarity:
        """Whether the checkpoint knows such a scan. It follows from what encoding has left, in milliseconds."""
        return judge(self.segmented, self.model.segmenter.reads, self.model.reference)

    def acquired(self, plane: str) -> bool:
        """Whether the slices of a plane are the acquired ones. Each acquired slice has a grid of tokens."""
        return self.views[plane].axis == self.segmented.axis

    def label_file(self) -> Path:
        """The labels at strength 0 as a NIfTI file on the scan's grid. The first call writes it; `close` deletes it."""
        with self.lock:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="vqseg-labels-")
            path = Path(self._folder.name) / label_file_name(self.segmented.scan.name)
            if not path.exists():
                write_labels(self.segmented.labels, self.segmented.scan, path)
            return path

    def close(self) -> None:
        """Delete the label file."""
        with self.lock:
            if self._folder is not None:
                self._folder.cleanup()
                self._folder = None


def label_file_name(scan_name: str) -> str:
    """The name of a scan's label file: heart.nii.gz -> heart_labels.nii.gz."""
    return f"{without_ending(scan_name) or 'scan'}_labels.nii.gz"
