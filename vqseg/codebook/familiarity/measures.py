"""What is measured of an encoded scan, slice by slice, to tell whether its checkpoint knows such scans.

Shapes: S slices, (S, P, P, D) features averaged over a coarse grid of the slice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from vqseg.types import Array, Scan

LAYOUT = 4
"""Cells along each side of a slice over which its layout is told."""
# Tokens of a slice that are looked at: a share needs no more.
_TOKENS = 4096
_AT_ONCE = 16


class ReadScan(Protocol):
    """A scan as a network has read it: a `vqseg.inference.SegmentedScan`, for example."""

    @property
    def scan(self) -> Scan: ...
    @property
    def axis(self) -> int: ...
    @property
    def distances(self) -> Array: ...
    @property
    def pooled(self) -> Array: ...
    @property
    def normalised(self) -> Array: ...
    @property
    def reconstruction(self) -> Array: ...


class PicturedScan(Protocol):
    """A scan whose slices are reconstructed when they are asked for: a `vqseg.inference.LabelledScan`."""

    @property
    def scan(self) -> Scan: ...
    @property
    def axis(self) -> int: ...
    @property
    def distances(self) -> Array: ...
    @property
    def pooled(self) -> Array: ...
    def images(self, wanted: Sequence[int]) -> Array: ...
    def pictures(self, wanted: Sequence[int]) -> Array: ...


@dataclass(frozen=True)
class SliceMeasures:
    """Of every slice: psnr (S,) dB; distances (S, n), of tokens from their codewords; texture (S, D), mean z; layout (S, L, L, D)."""

    psnr: Array
    distances: Array
    texture: Array
    layout: Array

    def __len__(self) -> int:
        return len(self.psnr)

    def of(self, picks: Array) -> SliceMeasures:
        """The measures of some slices."""
        return SliceMeasures(self.psnr[picks], self.distances[picks], self.texture[picks], self.layout[picks])

    @classmethod
    def joined(cls, parts: Sequence[SliceMeasures]) -> SliceMeasures:
        """The measures of slices that were measured in parts, at least one, in their order."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("psnr", "distances", "texture", "layout")))


def measure(read: ReadScan) -> SliceMeasures:
    """Measure a scan that was read. Nothing is encoded or decoded again."""
    pictures, images = (np.moveaxis(volume, read.axis, 0) for volume in (read.reconstruction, read.normalised))
    return slice_measures(read.distances, read.pooled, pictures, images)


def measure_in_parts(read: PicturedScan) -> SliceMeasures:
    """Measure a scan whose slices are decoded for it, a few at a time, so that none of its pictures are kept."""
    count, parts = len(read.distances), []
    for start in range(0, count, _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        wanted = range(count)[part]
        parts.append(slice_measures(read.distances[part], read.pooled[part], read.pictures(wanted), read.images(wanted)))
    return SliceMeasures.joined(parts)


def slice_measures(distances: Array, pooled: Array, pictures: Array, images: Array) -> SliceMeasures:
    """Measure slices.

    Args:
        distances: (S, h, w), as in `vqseg.types.Encoded`.
        pooled: (S, P, P, D), likewise.
        pictures: (S, A, B), the reconstruction.
        images: (S, A, B), the normalised slices.
    """
    return replace(slice_measures_without_pictures(distances, pooled), psnr=slice_psnr(pictures, images))


def slice_measures_without_pictures(distances: Array, pooled: Array, psnr: float = np.nan) -> SliceMeasures:
    """Measure slices that were not reconstructed.

    Args:
        distances: As for `slice_measures`.
        pooled: As for `slice_measures`.
        psnr: What is taken as the PSNR of every slice.
    """
    tokens = distances.reshape(len(distances), -1)
    return SliceMeasures(
        psnr=np.full(len(distances), psnr, np.float32),
        distances=tokens[:, :: -(-tokens.shape[1] // _TOKENS)].astype(np.float32),
        texture=pooled.mean((1, 2), dtype=np.float32),
        layout=layouts(pooled),
    )


def layouts(pooled: Array) -> Array:
    """Coarse features (S, P, P, D) -> coarser ones (S, L, L, D)."""
    parts = pooled.shape[1] // LAYOUT
    shape = (len(pooled), LAYOUT, parts, LAYOUT, parts, pooled.shape[-1])
    coarser: Array = pooled.astype(np.float32).reshape(shape).mean((2, 4))
    return coarser


def slice_psnr(pictures: Array, images: Array) -> Array:
    """PSNR of every slice, (S,) dB, at most 100.

    Args:
        pictures: (S, A, B) in [0, 1].
        images: The same.
    """
    # One slice after the other: a large volume would not fit a third time.
    errors = [float(np.mean(np.square(one - other))) for one, other in zip(pictures, images, strict=True)]
    decibels: Array = np.minimum(100.0, -10 * np.log10(np.maximum(errors, 1e-10))).astype(np.float32)
    return decibels
