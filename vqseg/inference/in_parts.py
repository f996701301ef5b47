"""A scan labelled a few slices at a time, so that memory holds its voxels, its labels and nothing else of its size.

`SegmentedScan` keeps what a visitor moves sliders over; here nothing is kept but what the caller takes from each part.
Shapes: S slices, (A, B) one of them, n slices of a part.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch

from vqseg.config import PreprocessConfig
from vqseg.data.neighbours import slice_step
from vqseg.data.preprocess import intensity_range, scaled
from vqseg.data.scan import through_plane_axis
from vqseg.models.slicewise import decode_feature_labels, decode_features, encode_with_measures, finished, post_vq_features
from vqseg.models.vqseg import VQSeg
from vqseg.types import Array, Scan

# As many as are in the network at once elsewhere: another number could round otherwise.
_AT_ONCE = 4


@dataclass(frozen=True)
class SlicePart:
    """What is known of a few slices while they are decoded: distances (n, h, w) and pooled (n, P, P, D) as `vqseg.types.Encoded` has them,
    pictures (n, A, B), the reconstruction, and images (n, A, B), the slices in [0, 1]."""

    distances: Array
    pooled: Array
    pictures: Array
    images: Array


class _Normalised:
    """What `normalise` makes of a volume, slice by slice when it is asked for: as an array (S, A, B), and never whole in memory."""

    def __init__(self, voxels: Array, config: PreprocessConfig) -> None:
        self._voxels, self._range, self.shape = voxels, intensity_range(voxels, config), voxels.shape

    def __len__(self) -> int:
        return len(self._voxels)

    def __getitem__(self, wanted: slice | Array) -> Array:
        return scaled(self._voxels[wanted], *self._range)


def normalised_slices(scan: Scan, axis: int, config: PreprocessConfig) -> Array:
    """What `normalise` makes of a scan, as an array (S, A, B) whose slices are made when they are asked for.

    Args:
        scan: The scan.
        axis: Across its slices.
        config: Of the network.
    """
    # For whoever takes slices, a few at a time, it is an array.
    return cast(Array, _Normalised(np.moveaxis(scan.voxels, axis, 0), config))


@torch.inference_mode()
def labels_in_parts(model: VQSeg, scan: Scan, look: Callable[[SlicePart], None] | None = None) -> Array:
    """Segment a scan; at no time are more than a few slices decoded.

    Args:
        model: A network with a codebook.
        scan: The scan.
        look: Is shown all slices, a few after the others. Without it nothing is reconstructed.

    Returns:
        Labels (X, Y, Z) uint8, those of `Segmenter.open`.
    """
    axis = through_plane_axis(scan)
    slices = normalised_slices(scan, axis, model.preprocess)
    encoded = encode_with_measures(model, slices, step=slice_step(scan, axis))
    labels, size = np.empty(slices.shape, np.uint8), (slices.shape[1], slices.shape[2])
    for start in range(0, len(slices), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        features = post_vq_features(model, encoded.indices[part])
        if look is None:
            labels[part] = decode_feature_labels(model, features, size)
        else:
            labels[part], pictures = decode_features(model, features, size)
            look(SlicePart(encoded.distances[part], encoded.pooled[part], pictures, slices[part]))
    return np.moveaxis(finished(model, labels), 0, axis)
