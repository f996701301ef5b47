"""From a scan to the slices that the network reads, and back to the scan's own grid.

Training and serving share these functions: what the network sees never depends on who asks.
Shapes: scan (X, Y, Z), slices (S, A, B) in the scan's array order, network slices (S, H, W).
"""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vqseg.config import PreprocessConfig
from vqseg.types import Array


def normalise(voxels: Array, config: PreprocessConfig) -> Array:
    """Map intensities to [0, 1], over the whole volume at once.

    Args:
        voxels: Of any shape, in the file's own units.
        config: A window in those units, or the percentiles that become 0 and 1.

    Returns:
        float32 of the same shape. A constant volume becomes zeros.
    """
    return scaled(voxels, *intensity_range(voxels, config))


def intensity_range(voxels: Array, config: PreprocessConfig) -> tuple[float, float]:
    """The intensities that become 0 and 1.

    Args:
        voxels: The whole volume, in the file's own units.
        config: As for `normalise`.
    """
    if config.intensity == "window":
        return config.window
    low, high = np.percentile(voxels, config.percentiles)
    if high <= low:
        low, high = float(voxels.min()), float(voxels.max())
    return low, high


def scaled(voxels: Array, low: float, high: float) -> Array:
    """What `normalise` makes of some voxels of a volume.

    Args:
        voxels: Of any shape.
        low: From `intensity_range`, of the whole volume.
        high: Likewise.
    """
    # A difference too small to divide by counts as none.
    if high - low < np.finfo(np.float32).tiny:
        return np.zeros(voxels.shape, np.float32)
    result = voxels.astype(np.float32)
    # In place: a large scan would not fit three times.
    result -= np.float32(low)
    result *= np.float32(1 / (high - low))
    return np.clip(result, 0, 1, out=result)


class _Normalised:
    """What `normalise` makes of a volume, for whoever takes a few slices of it at a time: as an array, and never whole in memory."""

    def __init__(self, slices: Array, config: PreprocessConfig) -> None:
        self._slices, self._range, self.shape = slices, intensity_range(slices, config), slices.shape

    def __len__(self) -> int:
        return len(self._slices)

    def __getitem__(self, wanted: slice | Array) -> Array:
        return scaled(self._slices[wanted], *self._range)


def normalised_slices(slices: Array, config: PreprocessConfig) -> Array:
    """The slices of a volume as `normalise` makes them, each when it is asked for.

    Args:
        slices: (S, A, B), all of the volume, in the file's own units.
        config: As for `normalise`.

    Returns:
        What has a shape and a length and gives slices as an array (S, A, B) does, without taking the memory of one.
    """
    return cast(Array, _Normalised(slices, config))


def network_size(size: tuple[int, int], config: PreprocessConfig) -> tuple[int, int]:
    """The size at which the network reads a slice: the longer side becomes image_side pixels.

    Args:
        size: (A, B) of the slice.
        config: Has image_side; None keeps the size.

    Returns:
        (H, W).
    """
    if config.image_side is None:
        return size
    factor = config.image_side / max(size)
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def to_network(slices: Array, config: PreprocessConfig) -> Tensor:
    """Bring slices to the network's size.

    Args:
        slices: (S, A, B), normalised.
        config: Has the size.

    Returns:
        (S, 1, H, W) float32.
    """
    images = torch.from_numpy(np.ascontiguousarray(slices))[:, None]
    size = network_size((slices.shape[1], slices.shape[2]), config)
    if size == tuple(images.shape[-2:]):
        return images
    return F.interpolate(images, size=size, mode="bilinear", align_corners=False, antialias=True)


def labels_to_network(labels: Array, config: PreprocessConfig) -> Tensor:
    """Bring label slices to the network's size, without blending.

    Args:
        labels: (S, A, B) integers.
        config: Has the size.

    Returns:
        (S, H, W) uint8.
    """
    tensor = torch.from_numpy(np.ascontiguousarray(labels).astype(np.uint8))[:, None]
    size = network_size((labels.shape[1], labels.shape[2]), config)
    return F.interpolate(tensor, size=size, mode="nearest-exact")[:, 0]


def from_network(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Bring the network's output back to the scan's own grid.

    Args:
        maps: (S, C, H, W), logits or pictures.
        size: (A, B) of a slice of the scan.

    Returns:
        (S, C, A, B).
    """
    if tuple(maps.shape[-2:]) == tuple(size):
        return maps
    return F.interpolate(maps, size=size, mode="bilinear", align_corners=False)
