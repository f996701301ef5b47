"""Which pieces of a segmentation stay: the largest connected region, in a volume and in a slice that is replayed, or what has a usual size.

Structures count together, since a ventricle touches its wall. Voxels are neighbours by their faces: an island that shares only an edge or
a corner with the heart, most often in the next slice, would otherwise be kept.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from vqseg.types import Array


def largest_region(labels: Array, *, each: bool = False) -> Array:
    """Drop the structures that are not connected with the largest region.

    Args:
        labels: (S, A, B) or (A, B), 0 for the background.
        each: Within that region, keep only the largest region of every structure, too.

    Returns:
        The same shape and type. Empty labels stay empty.
    """
    whole = _largest(labels)
    if not each:
        return whole
    kept = np.zeros_like(whole)
    for structure in _structures(whole):
        kept |= _largest(_alone(whole, structure))
    return kept


def of_usual_size(labels: Array, size: tuple[float, float]) -> Array:
    """Drop the pieces of a slice that are smaller or larger than usual, if it has one of usual size. Slice by slice, structures together.

    Args:
        labels: (S, A, B), 0 for the background. Pixels are neighbours by their sides.
        size: Least and largest share of a slice's pixels, both usual.

    Returns:
        The same shape and type. A slice without a piece of usual size stays as it is.
    """
    kept = labels.copy()
    for part in kept:
        pieces, count = ndimage.label(part > 0)
        if count < 2:
            continue
        shares = np.bincount(pieces.ravel(), minlength=count + 1) / part.size
        usual = (shares >= size[0]) & (shares <= size[1])
        # What is no piece is the background.
        if usual[1:].any():
            part[~usual[pieces]] = 0
    return kept


def _largest(labels: Array) -> Array:
    # Within the box around the structures, which is a small part of a long volume.
    box = _box(labels)
    inside = labels[box]
    regions, count = ndimage.label(inside > 0)
    if count < 2:
        return labels
    result = np.zeros_like(labels)
    kept = result[box]
    # Slice by slice: counting makes 64-bit copies.
    sizes = np.zeros(count + 1, np.int64)
    for part in regions:
        sizes += np.bincount(part.ravel(), minlength=count + 1)
    sizes[0] = 0
    for number, part in enumerate(regions):
        kept[number] = np.where(part == sizes.argmax(), inside[number], 0)
    return result


def _box(labels: Array) -> tuple[slice, ...]:
    """Around all structures; of no extent where there are none."""
    axes = range(labels.ndim)
    sides = [np.flatnonzero(labels.any(tuple(other for other in axes if other != axis))) for axis in axes]
    return tuple(slice(side[0], side[-1] + 1) if len(side) else slice(0) for side in sides)


def largest_regions(labels: Tensor) -> Tensor:
    """`largest_region` of each picture of a batch: labels (B, H, W) on any device -> the same shape there. Computed on the CPU."""
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
    """Drop the islands of one slice that do not touch the volume's clean labels in this slice or the slices next to it.

    So a slice can be judged alone: the clean slice itself gives exactly what `largest_region` gives in its volume.

    Args:
        labels: (A, B), the slice.
        clean: (S, A, B), the volume's labels after `largest_region`.
        index: The slice in the volume, from 0.
        each: As for `largest_region`: an island is kept only if it touches its own structure.

    Returns:
        (A, B), the same type.
    """
    return without_islands(labels, near_regions(clean, index, each=each))


def near_regions(clean: Array, index: int, *, each: bool = False) -> dict[int, Array]:
    """Where an island of one slice touches the clean labels of the volume: what `without_islands` asks for. It is the same for all labels.

    Args:
        clean: (S, A, B), the volume's labels after `largest_region`.
        index: The slice in the volume, from 0.
        each: As for `replayed_slice`.

    Returns:
        (A, B) bool by structure; with `each` off a single one, under 0, for all structures together.
    """
    window, at = clean[max(0, index - 1) : index + 2], min(index, 1)
    if not each:
        return {0: surroundings(window)[at].copy()}
    return {structure: surroundings(_alone(window, structure))[at].copy() for structure in _structures(window)}


def without_islands(labels: Array, near: dict[int, Array]) -> Array:
    """Drop the islands of one slice that touch nothing.

    Args:
        labels: (A, B), the slice.
        near: Of this slice, as `near_regions` gives it.

    Returns:
        (A, B), the same type.
    """
    if 0 in near:
        return _touching(labels, near[0])
    kept = np.zeros_like(labels)
    for structure in _structures(labels):
        # One that the clean labels do not have near this slice touches nothing.
        if structure in near:
            kept |= _touching(_alone(labels, structure), near[structure])
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
