"""From a scan to the slices that the network reads, and back to the scan's own grid.

Training and serving share these functions: what the network sees never depends on who asks.
Shapes: scan (X, Y, Z), slices (S, A, B) in the scan's array order, network slices (S, H, W). Arrays of several channels have them last:
scan (X, Y, Z, C), slices (S, A, B, C).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vqseg.config import PreprocessConfig
from vqseg.types import Array

Range = tuple[float, float]
"""The intensities of a channel that become 0 and 1."""


def normalise(voxels: Array, config: PreprocessConfig) -> Array:
    """Map intensities to [0, 1], over the whole volume at once, and each channel by itself.

    Args:
        voxels: (X, Y, Z) or (X, Y, Z, C), in the file's own units.
        config: A window in those units, the same for all channels, or the percentiles of each that become 0 and 1.

    Returns:
        float32 of the same shape. A constant channel becomes zeros.
    """
    return scaled(voxels, intensity_ranges(voxels, config))


def intensity_ranges(voxels: Array, config: PreprocessConfig) -> tuple[Range, ...]:
    """The intensities that become 0 and 1, of every channel.

    Args:
        voxels: The whole volume, in the file's own units.
        config: As for `normalise`.
    """
    return tuple(_intensity_range(channel, config) for channel in _channels(voxels))


def scaled(voxels: Array, ranges: Sequence[Range]) -> Array:
    """What `normalise` makes of some voxels of a volume.

    Args:
        voxels: Some slices of it.
        ranges: From `intensity_ranges`, of the whole volume.
    """
    parts = [_scaled(channel, *own) for channel, own in zip(_channels(voxels), ranges, strict=True)]
    return np.stack(parts, -1) if voxels.ndim == 4 else parts[0]


def _channels(voxels: Array) -> list[Array]:
    """The channels of a volume or of slices, which has one unless it has a fourth axis."""
    return [voxels[..., channel] for channel in range(voxels.shape[3])] if voxels.ndim == 4 else [voxels]


def _intensity_range(voxels: Array, config: PreprocessConfig) -> Range:
    if config.intensity == "window":
        return config.window
    low, high = np.percentile(voxels, config.percentiles)
    if high <= low:
        low, high = float(voxels.min()), float(voxels.max())
    return low, high


def _scaled(voxels: Array, low: float, high: float) -> Array:
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
        self._slices, self._ranges, self.shape = slices, intensity_ranges(slices, config), slices.shape

    def __len__(self) -> int:
        return len(self._slices)

    def __getitem__(self, wanted: slice | Array) -> Array:
        return scaled(self._slices[wanted], self._ranges)


def normalised_slices(slices: Array, config: PreprocessConfig) -> Array:
    """The slices of a volume as `normalise` makes them, each when it is asked for.

    Args:
        slices: (S, A, B) or (S, A, B, C), all of the volume, in the file's own units.
        config: As for `normalise`.

    Returns:
        What has a shape and a length and gives slices as such an array does, without taking the memory of one.
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
        slices: (S, A, B) or (S, A, B, C), normalised.
        config: Has the size.

    Returns:
        (S, C, H, W) float32.
    """
    images = torch.from_numpy(np.ascontiguousarray(slices[:, None] if slices.ndim == 3 else np.moveaxis(slices, 3, 1)))
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
