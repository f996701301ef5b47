"""From a scan to the slices that the network reads, and back to the scan's own grid.

Training and serving share these functions: what the network sees never depends on who asks.
Shapes: scan (X, Y, Z), slices (S, A, B) in the scan's array order, network slices (S, H, W).
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vqseg.config import PreprocessConfig
from vqseg.types import Array


def normalise(voxels: Array, config: PreprocessConfig) -> Array:
    """Intensities -> [0, 1] float32, over the whole volume at once. A constant volume becomes zeros."""
    if config.intensity == "window":
        low, high = config.window
    else:
        low, high = np.percentile(voxels, config.percentiles)
        if high <= low:
            low, high = float(voxels.min()), float(voxels.max())
    # Values so close that their difference cannot be divided by are one value.
    if high - low < np.finfo(np.float32).tiny:
        return np.zeros(voxels.shape, np.float32)
    scaled = voxels.astype(np.float32)
    # In place: a large scan would not fit three times.
    scaled -= np.float32(low)
    scaled *= np.float32(1 / (high - low))
    return np.clip(scaled, 0, 1, out=scaled)


def network_size(size: tuple[int, int], config: PreprocessConfig) -> tuple[int, int]:
    """Height and width at which a slice of the given size is read: the longer side becomes image_side pixels."""
    if config.image_side is None:
        return size
    factor = config.image_side / max(size)
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def to_network(slices: Array, config: PreprocessConfig) -> Tensor:
    """Normalised slices (S, A, B) -> (S, 1, H, W) float32."""
    images = torch.from_numpy(np.ascontiguousarray(slices))[:, None]
    size = network_size((slices.shape[1], slices.shape[2]), config)
    if size == tuple(images.shape[-2:]):
        return images
    return F.interpolate(images, size=size, mode="bilinear", align_corners=False, antialias=True)


def labels_to_network(labels: Array, config: PreprocessConfig) -> Tensor:
    """Label slices (S, A, B) integers -> (S, H, W) uint8, without blending."""
    tensor = torch.from_numpy(np.ascontiguousarray(labels).astype(np.uint8))[:, None]
    size = network_size((labels.shape[1], labels.shape[2]), config)
    return F.interpolate(tensor, size=size, mode="nearest-exact")[:, 0]


def from_network(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Logits or pictures (S, C, H, W) -> (S, C, A, B) on the scan's own grid."""
    if tuple(maps.shape[-2:]) == tuple(size):
        return maps
    return F.interpolate(maps, size=size, mode="bilinear", align_corners=False)
