"""A scan that was encoded, and what is known of it from the start.

Whoever keeps something more for a scan (frames, replays, curves, steps of the lesson) keeps it in a WeakKeyDictionary of its own.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from app.scan.planes import PlaneView, acquisition_plane, plane_views
from vqseg.data.scan import write_labels
from vqseg.types import Array

if TYPE_CHECKING:
    from app.scan.models import Served
    from vqseg.inference import SegmentedScan

# Of files of scans, the longer ones before those that they end with.
ENDINGS = (".nii.gz", ".nii", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".npy")
_ENDING = re.compile(f"({'|'.join(map(re.escape, ENDINGS))})$", re.IGNORECASE)
# A perturbed volume that is kept: uint8 labels and a float32 reconstruction. Two of an own scan are, see app/scan/replay.py.
VOLUME_BYTES_A_VOXEL = 2 * 5
# A truth may be added at any time.
TRUTH_BYTES_A_VOXEL = 1


class OpenScan:
    """An encoded scan, the views of its planes, and the label file that is ready to download."""

    def __init__(self, segmented: SegmentedScan, model: Served, truth: Array | None = None, example: str | None = None) -> None:
        """Hold a scan.

        Args:
            segmented: The scan as the checkpoint has read it.
            model: The checkpoint that encoded it.
            truth: Ground truth labels (X, Y, Z) uint8, drawn by an expert; may be set later.
            example: Title of the bundled case that this is, which many visitors share; None for a visitor's own scan.
        """
        self.segmented, self.model, self.truth, self.example = segmented, model, truth, example
        self.views: dict[str, PlaneView] = plane_views(segmented.scan)
        self.plane = acquisition_plane(self.views, segmented.axis)
        self.lock = Lock()
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @property
    def byte_size(self) -> int:
        """Bytes that the scan holds, with what may be kept for it."""
        return self.segmented.byte_size + (VOLUME_BYTES_A_VOXEL + TRUTH_BYTES_A_VOXEL) * self.segmented.scan.voxels.size

    def acquired(self, plane: str) -> bool:
        """Whether the slices of a plane are those that were acquired, which have a grid of tokens each."""
        return self.views[plane].axis == self.segmented.axis

    def label_file(self) -> Path:
        """The unperturbed labels as a NIfTI file on the scan's grid, written at the first call and gone with the scan."""
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
    """heart.nii.gz -> heart_labels.nii.gz"""
    return f"{_ENDING.sub('', scan_name) or 'scan'}_labels.nii.gz"
