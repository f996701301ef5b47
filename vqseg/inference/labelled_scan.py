"""A scan that was encoded for its labels alone; whatever else it is asked for is decoded then.

Shapes: scan (X, Y, Z), slices (S, A, B) along the through-plane axis. Intensities of several channels have them last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
import torch

from vqseg.data.neighbours import slice_step
from vqseg.data.planes import through_plane_axis
from vqseg.data.preprocess import normalised_slices
from vqseg.models.slicewise import decode_pictures, encode_with_measures, label_volume
from vqseg.models.vqseg import VQSeg
from vqseg.types import Array, Scan


class LabelledScan:
    """What `SegmentedScan` has of a scan, for whoever wants its labels and to know whether the network knows such a scan.

    distances, pooled: as `vqseg.types.Encoded` has them. Beside the scan's own voxels nothing of their size is kept but what is asked for.
    """

    def __init__(self, model: VQSeg, scan: Scan, progress: Callable[[float], None]) -> None:
        """Encode a scan.

        Args:
            model: A network with a codebook, in evaluation mode.
            scan: The scan.
            progress: Called with the share of encoding that is done, in [0, 1]; an exception that it raises cancels.
        """
        self._model, self.scan, self.axis = model, scan, through_plane_axis(scan)
        self._slices = normalised_slices(np.moveaxis(scan.voxels, self.axis, 0), model.preprocess)
        self._size = (self._slices.shape[1], self._slices.shape[2])
        encoded = encode_with_measures(model, self._slices, progress, step=slice_step(scan, self.axis))
        self._tokens, self.distances, self.pooled = encoded.indices, encoded.distances, encoded.pooled

    @cached_property
    def labels(self) -> Array:
        """(X, Y, Z) uint8, those of `SegmentedScan`."""
        return np.moveaxis(label_volume(self._model, self._tokens, self._size), 0, self.axis)

    @cached_property
    def normalised(self) -> Array:
        """(X, Y, Z) float32 in [0, 1], that of `SegmentedScan`."""
        return np.moveaxis(self._slices[:], 0, self.axis)

    @cached_property
    def reconstruction(self) -> Array:
        """(X, Y, Z) float32 in [0, 1], that of `SegmentedScan`."""
        return np.moveaxis(self.pictures(range(len(self._tokens))), 0, self.axis)

    def images(self, wanted: Sequence[int]) -> Array:
        """Some slices as the network reads them, (n, A, B) float32 in [0, 1]."""
        images: Array = self._slices[np.asarray(wanted)]
        return images

    def pictures(self, wanted: Sequence[int]) -> Array:
        """The reconstruction of some slices, (n, A, B) float32 in [0, 1]."""
        return decode_pictures(self._model, self._tokens[torch.as_tensor(wanted)], self._size)
