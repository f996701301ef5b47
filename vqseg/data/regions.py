"""The one region that an organ is: stray islands of a segmentation dropped, in a volume and in a slice that is replayed.

Structures count together (a ventricle touches its wall); voxels are neighbours by their faces. An island that only shares an edge or
a corner with the heart, in the next slice most often, would come along otherwise.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from vqseg.types import Array


def largest_region(labels: Array, *, each: bool = False) -> Array:
    """Labels (S, A, B) or (A, B) without the structures that do not hang together with the largest region. Empty labels stay empty.

    each: of every structure, too, only its largest region within that one is kept.
    """
    whole = _largest(labels)
    if not each:
        return whole
    kept = np.zeros_like(whole)
    for structure in _structures(whole):
        kept |= _largest(_alone(whole, structure))
    return kept


def _largest(labels: Array) -> Array:
    regions, count = ndimage.label(labels > 0)
    if count < 2:
        return labels
    # Slice by slice: counting makes 64-bit copies.
    sizes = np.zeros(count + 1, np.int64)
    for part in regions:
        sizes += np.bincount(part.ravel(), minlength=count + 1)
    sizes[0] = 0
    return np.where(regions == sizes.argmax(), labels, 0).astype(labels.dtype)


def largest_regions(labels: Tensor) -> Tensor:
    """Each of a batch's pictures for itself: labels (B, H, W), on any device -> the same without their islands. Computed on the CPU."""
    pictures = labels.cpu().numpy()
    return torch.from_numpy(np.stack([largest_region(picture) for picture in pictures])).to(labels.device)


def surroundings(labels: Array) -> Array:
    """The region and every voxel next to it: labels (S, A, B) -> bool of the same shape."""
    region = labels > 0
    near = region.copy()
    # In a fraction of the time of ndimage.binary_dilation.
    for axis in range(labels.ndim):
        before, grown = np.moveaxis(region, axis, 0), np.moveaxis(near, axis, 0)
        grown[1:] |= before[:-1]
        grown[:-1] |= before[1:]
    return near


def replayed_slice(labels: Array, clean: Array, index: int, *, each: bool = False) -> Array:
    """Slice `index` of a volume, labels (A, B), without what does not reach the volume's clean labels (S, A, B) in it or next to it.

    For the clean slice itself this gives exactly what `largest_region` gives in its volume, so a slice can be judged alone.
    each: as there; what is left of a structure reaches that structure.
    """
    window, at = clean[max(0, index - 1) : index + 2], min(index, 1)
    if not each:
        return _touching(labels, surroundings(window)[at])
    kept = np.zeros_like(labels)
    for structure in _structures(labels):
        kept |= _touching(_alone(labels, structure), surroundings(_alone(window, structure))[at])
    return kept


def _touching(labels: Array, near: Array) -> Array:
    """One slice (A, B) without its islands that do not reach `near` (A, B)."""
    islands, count = ndimage.label(labels > 0)
    if count == 0:
        return labels
    kept = np.zeros(count + 1, dtype=bool)
    kept[np.unique(islands[near])] = True
    kept[0] = False
    return np.where(kept[islands], labels, 0).astype(labels.dtype)


def _structures(labels: Array) -> list[int]:
    return [structure for structure in np.unique(labels).tolist() if structure > 0]


def _alone(labels: Array, structure: int) -> Array:
    return np.where(labels == structure, labels, 0).astype(labels.dtype)
