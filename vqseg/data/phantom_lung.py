"""A procedural piece of chest CT with a lung nodule and its truth: a licence-free example for networks that look for nodules.

Drawn from a seed; no scan of a patient is stored, copied or deformed. The look follows 8-bit crops of 128 pixels around a nodule
(LIDC-IDRI); the anatomy is only a likeness.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from vqseg.data.phantom_anatomy import smooth_field
from vqseg.types import Array

LUNG_CLASSES = ("background", "nodule")

_SIDE, _SLICES = 128, 9
# Millimetres: in plane, and from slice to slice.
_PIXEL, _SPACING = 0.7, 2.5
_LUNG, _MUSCLE, _FAT, _BONE, _BLOOD = 14.0, 128.0, 96.0, 205.0, 120.0


def lung_phantom(seed: int) -> tuple[Array, Array, Array]:
    """image (128, 128, 9) uint8, labels (128, 128, 9) uint8 (0 background, 1 nodule) and affine (4, 4) in millimetres.

    The nodule lies off the middle. Raises ValueError for a negative seed.
    """
    if seed < 0:
        raise ValueError(f"no phantom with seed {seed}; expected a seed from 0")
    rng = np.random.default_rng([seed, 7])
    shape = (_SIDE, _SIDE, _SLICES)
    rows, columns, depth = np.meshgrid(*(np.arange(n, dtype=np.float32) - (n - 1) / 2 for n in shape), indexing="ij")
    at = (rows, columns, depth * (_SPACING / _PIXEL))
    inside = _to_chest_wall(rng, at)
    image = _chest(rng, at, inside)
    image = np.maximum(image, _vessels(rng, at, inside))
    edge = _to_nodule(rng, at, inside)
    image += np.clip(0.5 - edge / 1.5, 0, 1) * np.maximum(0, rng.uniform(95, 125) - image)
    blurred = ndimage.gaussian_filter(image, (0.65, 0.65, 0.3))
    noise = ndimage.gaussian_filter(rng.standard_normal(shape), (0.5, 0.5, 0)) * rng.uniform(5, 9)
    affine = np.diag([-_PIXEL, -_PIXEL, _SPACING, 1.0])
    return np.clip(blurred + noise, 0, 255).round().astype(np.uint8), (edge < 0).astype(np.uint8), affine


def _to_chest_wall(rng: np.random.Generator, at: tuple[Array, Array, Array]) -> Array:
    """Pixels from each voxel to the chest wall, positive in the lung: the inside of a large, slightly bent oval."""
    angle, radii = rng.uniform(-0.6, 0.6), (rng.uniform(80, 100), rng.uniform(70, 90))
    centre = (-rng.uniform(25, 45), rng.uniform(-25, 25))
    u, v = at[0] - centre[0] + 0.15 * at[2], at[1] - centre[1]
    along, across = np.cos(angle) * u + np.sin(angle) * v, np.cos(angle) * v - np.sin(angle) * u
    bend = 1.5 * smooth_field(rng, u.shape, 5)
    inside: Array = (1 - np.hypot(along / radii[0], across / radii[1])) * min(radii) + bend
    return inside


def _chest(rng: np.random.Generator, at: tuple[Array, Array, Array], inside: Array) -> Array:
    """Lung, and outside of it muscle and fat in layers with ribs across the slices."""
    coarse, fine = smooth_field(rng, inside.shape, 8), smooth_field(rng, inside.shape, 50, falloff=0.3)
    lung = _LUNG + 3 * coarse + 4 * fine
    wall = _MUSCLE + (_FAT - _MUSCLE) * np.clip((-inside - 14 + 4 * coarse) / 2, 0, 1) + 3 * fine
    image: Array = np.where(inside > 0, lung, wall)
    around = np.arctan2(at[0] + 35, at[1])
    for centre in rng.uniform(0.1, 0.5) + np.arange(4) * rng.uniform(0.75, 0.95):
        # A rib is cut at a slant: long in the slice, and further along the wall in the next.
        along, across = 90 * (around - centre - 0.006 * at[2]), -inside - 7
        rib = np.hypot(along / 14, across / 4.5)
        image += np.clip((1.15 - rib) * 4, 0, 1) * (_BONE - image)
        image += np.clip((0.65 - rib) * 4, 0, 1) * (_MUSCLE + 20 - image)
    return image


def _vessels(rng: np.random.Generator, at: tuple[Array, Array, Array], inside: Array) -> Array:
    """A tree that grows from the hilum and thins out before the wall, as grey values; zero elsewhere."""
    drawn = np.zeros(inside.shape, np.float32)
    stems = [(np.array([-70.0, rng.uniform(-30, 30), rng.uniform(-8, 8)]), rng.normal(0, 0.5), rng.uniform(2.2, 3.2)) for _ in range(5)]
    while stems:
        point, heading, radius = stems.pop()
        while radius > 0.55:
            step = rng.uniform(5, 8)
            slope = rng.normal(0, 0.25)
            onward = point + step * np.array([np.cos(heading), np.sin(heading), slope])
            _draw_segment(drawn, at, point, onward, radius)
            point, heading, radius = onward, heading + rng.normal(0, 0.2), radius * rng.uniform(0.9, 0.97)
            if rng.random() < 0.35:
                turn = rng.choice([-1, 1]) * rng.uniform(0.4, 1.0)
                stems.append((point, heading + turn, radius * rng.uniform(0.6, 0.8)))
    return drawn * np.clip((inside - 3) / 3, 0, 1)


def _draw_segment(drawn: Array, at: tuple[Array, Array, Array], start: Array, end: Array, radius: float) -> None:
    low = [max(0, int(min(a, b) + (_SIDE - 1) / 2 - radius - 3)) for a, b in zip(start[:2], end[:2], strict=True)]
    high = [max(0, int(max(a, b) + (_SIDE - 1) / 2 + radius + 4)) for a, b in zip(start[:2], end[:2], strict=True)]
    window = (slice(low[0], high[0]), slice(low[1], high[1]))
    offsets = [field[window] - s for field, s in zip(at, start, strict=True)]
    if offsets[0].size == 0:
        return
    direction = end - start
    share = np.clip(sum(o * d for o, d in zip(offsets, direction, strict=True)) / (direction @ direction), 0, 1)
    distance = np.sqrt(sum((o - share * d) ** 2 for o, d in zip(offsets, direction, strict=True)))
    # Slices average over their thickness: thin vessels are paler.
    value = min(1.0, 0.45 + 0.3 * radius) * _BLOOD
    drawn[window] = np.maximum(drawn[window], np.clip(0.5 + (radius - distance) / 1.5, 0, 1) * value)


def _to_nodule(rng: np.random.Generator, at: tuple[Array, Array, Array], inside: Array) -> Array:
    """Roughly the signed distance in pixels to the edge of a lobulated nodule that lies wholly in the lung."""
    radius = rng.uniform(5.5, 8.5)
    middle = inside.shape[2] // 2
    free = (inside[..., middle] > radius + 4) & (np.hypot(at[0], at[1])[..., middle] < 32) & (np.hypot(at[0], at[1])[..., middle] > 10)
    candidates = np.argwhere(free)
    row, column = candidates[rng.integers(len(candidates))]
    du, dv, dw = at[0] - at[0][row, column, middle], at[1] - at[1][row, column, middle], at[2]
    squeeze = rng.uniform(0.85, 1.15)
    distance = np.sqrt((du * squeeze) ** 2 + (dv / squeeze) ** 2 + dw**2)
    angle = np.arctan2(dv, du)
    lobes = 1 + 0.1 * np.cos(3 * angle + rng.uniform(0, 6)) + 0.06 * np.cos(5 * angle + rng.uniform(0, 6))
    edge: Array = distance - radius * lobes
    return edge
