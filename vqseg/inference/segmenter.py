"""A trained network as whoever serves it sees it: what it knows, and scans to open with it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from vqseg.config import PreprocessConfig, ReadsConfig
from vqseg.data.channels import require_channels
from vqseg.data.neighbours import slice_step
from vqseg.data.planes import through_plane_axis
from vqseg.data.preprocess import normalised_slices
from vqseg.inference.labelled_scan import LabelledScan
from vqseg.inference.opening import Opening, open_here
from vqseg.inference.reaches import Reaches
from vqseg.inference.segmented_scan import SegmentedScan
from vqseg.models.slicewise import encode_slices, label_volume
from vqseg.models.views import segment_averaged
from vqseg.models.vqseg import VQSeg
from vqseg.quantization.perturbation import Temperature
from vqseg.types import Array, Scan


class Segmenter:
    """A trained network ready to read scans. Safe to share between visitors: it keeps nothing of a scan."""

    def __init__(self, model: VQSeg, opening: Opening = open_here) -> None:
        """Take a network.

        Args:
            model: Put into evaluation mode.
            opening: Who does the work of `open`: this process, or a GPU that is lent (vqseg.inference.opening).
        """
        self._opening = opening
        # On CPUs the convolutions of one slice are a good deal faster in this layout.
        self._model: VQSeg = model.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        # With the stamp of the codewords that they belong to.
        self._reaches: tuple[object, Reaches] | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, the background first."""
        return self._model.config.classes

    @property
    def channels(self) -> int:
        """How many channels of a scan the network reads."""
        return self._model.config.in_channels

    @property
    def channel_names(self) -> tuple[str, ...]:
        """What they are called, in their order."""
        return self._model.reads.channel_names(self.channels)

    @property
    def indexed(self) -> bool:
        """Whether the network has a codebook: without one it segments, but has no tokens to show or to perturb."""
        return self._model.indexed

    @property
    def reaches(self) -> Reaches:
        """The codebook's temperatures and neighbourhoods at any reach, for all scans: the same object until the weights change."""
        quantizer, kept = self._model.quantizer, self._reaches
        stamp = quantizer.stamp
        if kept is None or kept[0] != stamp:
            with torch.inference_mode():
                codewords = quantizer.codewords()
                temperature = float(self._model.swap_temperature(codewords, stamp))
            kept = self._reaches = stamp, Reaches(codewords.float().cpu(), temperature)
        return kept[1]

    @property
    def temperature(self) -> Temperature:
        """The setting of what the QPM divides squared distances by; the number that was solved, where the network sets a reach instead."""
        setting = self._model.config.temperature
        return self.reaches.temperature(None) if setting is None else setting

    @property
    def reach(self) -> float:
        """The checkpoint's own reach: how many codewords a replaced token may effectively become, in [1, K - 1]."""
        return self.reaches.own

    def temperature_at(self, reach: float | None) -> float:
        """What the QPM divides squared distances by at a reach in [1, K - 1], or at the checkpoint's own. Raises ValueError outside."""
        return self.reaches.temperature(reach)

    @property
    def codebook_size(self) -> int:
        """K, the number of codewords."""
        return self._model.config.codebook_size

    @property
    def codewords(self) -> Array:
        """The mapped codebook, (K, D) float32."""
        with torch.inference_mode():
            return self._model.quantizer.codewords().float().cpu().numpy()

    @property
    def preprocess(self) -> PreprocessConfig:
        """How a scan's intensities and grid become what the network reads."""
        return self._model.preprocess

    @property
    def reads(self) -> ReadsConfig:
        """What scans the network is for."""
        return self._model.reads

    @property
    def pixels_per_token(self) -> int:
        """Side of a token in pixels of the slice as the network reads it."""
        return self._model.pixels_per_token

    def open(self, scan: Scan, progress: Callable[[float], None] | None = None) -> SegmentedScan:
        """Encode every slice of a scan once and decode it.

        Args:
            scan: As `vqseg.data.scan.read_scan` gives it.
            progress: Called with the share done, in [0, 1]; an exception that it raises cancels.

        Returns:
            The scan with its tokens, labels (X, Y, Z) and its reconstruction, ready to be perturbed.

        Raises:
            ScanError: The scan has other channels than the network reads; so for all that follow.
        """
        require_channels(scan, self.channels)
        return SegmentedScan(self._model, scan, progress or (lambda _: None), self.reaches, self._opening)

    def labels(self, scan: Scan, progress: Callable[[float], None] | None = None) -> Array:
        """Segment a scan, and keep nothing else of it.

        Args:
            scan: As for `open`.
            progress: As for `open`.

        Returns:
            Labels (X, Y, Z) uint8, those that `open` gives, in three quarters of its time.
        """
        require_channels(scan, self.channels)
        axis = through_plane_axis(scan)
        slices = normalised_slices(np.moveaxis(scan.voxels, axis, 0), self._model.preprocess)
        tokens = encode_slices(self._model, slices, progress or (lambda _: None), step=slice_step(scan, axis))
        return np.moveaxis(label_volume(self._model, tokens, slices.shape[1:3]), 0, axis)

    def label(self, scan: Scan, progress: Callable[[float], None] | None = None) -> LabelledScan:
        """Encode a scan for its labels, with what tells whether the network knows such a scan.

        Args:
            scan: As for `open`.
            progress: Called with the share of encoding that is done, in [0, 1]; an exception that it raises cancels.

        Returns:
            The scan; its labels (X, Y, Z) are decoded when they are first asked for, and so is its reconstruction.
        """
        require_channels(scan, self.channels)
        return LabelledScan(self._model, scan, progress or (lambda _: None))

    def average_views(self, scan: Scan) -> Array:
        """Labels (X, Y, Z) uint8, averaged over nine views of each slice: for a file of labels, with no tokens behind it."""
        require_channels(scan, self.channels)
        axis = through_plane_axis(scan)
        slices = normalised_slices(np.moveaxis(scan.voxels, axis, 0), self._model.preprocess)
        return np.moveaxis(segment_averaged(self._model, slices, step=slice_step(scan, axis)), 0, axis)
