"""The anatomy behind the phantoms: a torso painted organ by organ, and a beating heart in it.

Lengths are in units of the slice's longer side, intensities in units of the blood pool's. Rows (u) run from the anterior chest
wall down, columns (v) from the lung across to the liver, z from base to apex: the look of the arrays of the ACDC challenge.
Knows nothing of scanners and files: noise, bias field and writing are in phantom.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from vqseg.types import Array

RV, MYO, LV = 1, 2, 3

SHORTENING = 0.07
"""Part of its length that the heart loses at end-systole."""


@dataclass(frozen=True)
class Contraction:
    """How far the heart has contracted.

    share: from 0 at end-diastole to 1 at end-systole. wall: area of the myocardium in a slice at full contraction, over that at
    end-diastole. squeeze: size of the right ventricle at full contraction, in the same sense; None draws it from the anatomy's numbers at
    end-systole, so that all that is drawn after it differs between the two phases.
    """

    share: float
    wall: float = 0.93
    squeeze: float | None = None

    def towards(self, full: float | Array) -> float | Array:
        """What is 1 at end-diastole and `full` at end-systole."""
        return (1.0 - self.share) + self.share * full


DIASTOLE, SYSTOLE = Contraction(0.0), Contraction(1.0)


@dataclass
class Canvas:
    """Intensity and fat fraction (X, Y, Z) float32 under construction, and what each voxel needs to know to be painted.

    u, v: coordinates, bent a little so that no organ keeps the outline of an ellipse. coarse, medium, fine: unit-variance textures.
    """

    image: Array
    fat: Array
    u: Array
    v: Array
    coarse: Array
    medium: Array
    fine: Array
    pixel: float

    def around(self, centre: tuple[float, float], reach: float) -> Canvas:
        """A window that paints into this canvas. Most organs are small, and painting the whole volume costs ten times as much.

        Args:
            centre: (u, v).
            reach: Half the side of the window, without a small margin.

        Returns:
            A canvas of views.
        """
        window = self.window(centre, reach)
        image, fat, u, v, coarse, medium, fine = (
            field[window] for field in (self.image, self.fat, self.u, self.v, self.coarse, self.medium, self.fine)
        )
        return Canvas(image, fat, u, v, coarse, medium, fine, self.pixel)

    def window(self, centre: tuple[float, float], reach: float) -> tuple[slice, slice]:
        """Rows and columns of the square around a place, with a small margin, cut at the canvas' edge.

        Args:
            centre: (u, v).
            reach: Half the side of the square.
        """
        low = [max(0, int((c - reach - 0.04) / self.pixel)) for c in centre]
        high = [max(1, int((c + reach + 0.04) / self.pixel)) for c in centre]
        return slice(min(low[0], self.image.shape[0] - 1), high[0]), slice(min(low[1], self.image.shape[1] - 1), high[1])

    def paint(self, distance: Array, intensity: float | Array, *, fat: float = 0.0, opacity: float | Array = 1.0) -> None:
        """Cover the inside of a shape; voxels on its edge are covered in part.

        Args:
            distance: (X, Y, Z), signed distance to the shape's edge, negative inside.
            intensity: A number, or one per voxel.
            fat: Fat fraction in [0, 1].
            opacity: In [0, 1]: a number, or one per voxel.
        """
        share = np.clip(0.5 - distance / self.pixel, 0.0, 1.0) * opacity
        self.image += share * (intensity - self.image)
        self.fat += share * (fat - self.fat)


def blank_canvas(rng: np.random.Generator, shape: tuple[int, int, int]) -> Canvas:
    """Air, before anything is painted.

    Args:
        rng: Draws how the coordinates bend, and the textures.
        shape: (X, Y, Z) in voxels.
    """
    longer = max(shape[:2])
    u = (np.arange(shape[0], dtype=np.float32) / longer)[:, None, None] + smooth_field(rng, shape, 6) * np.float32(0.013)
    v = (np.arange(shape[1], dtype=np.float32) / longer)[None, :, None] + smooth_field(rng, shape, 6) * np.float32(0.013)
    coarse, medium, fine = (smooth_field(rng, shape, waves, falloff=power) for waves, power in ((9, 0.8), (26, 0.6), (64, 0.3)))
    air, fat = np.full(shape, 0.012, np.float32), np.zeros(shape, np.float32)
    return Canvas(air, fat, u, v, coarse, medium, fine, 1.0 / longer)


def smooth_field(rng: np.random.Generator, shape: tuple[int, int, int], waves: int, *, falloff: float = 1.0) -> Array:
    """A random field of unit variance: a sum of cosine waves in plane that changes slowly across slices.

    Args:
        rng: Draws the amplitudes.
        shape: (X, Y, Z) in voxels.
        waves: Most half periods in plane.
        falloff: Power of the wave number by which the amplitude falls; 0 gives texture of one size, 2 is very smooth.

    Returns:
        (X, Y, Z) float32.
    """
    counts = (waves + 1, waves + 1, 4)
    bases = [
        np.cos(np.pi * np.outer((np.arange(n) + 0.5) / n, np.arange(k))).astype(np.float32) for n, k in zip(shape, counts, strict=True)
    ]
    size = np.hypot(*np.ogrid[: waves + 1, : waves + 1])[:, :, None]
    amplitude = np.where(size > 0, np.maximum(size, 1.0) ** -falloff, 0.0) / (1.0 + np.arange(4))
    coefficients = (rng.standard_normal(counts) * amplitude).astype(np.float32)
    field: Array = np.einsum("ia,jb,kc,abc->ijk", *bases, coefficients, optimize=True)
    field /= field.std()
    return field


def ellipse(
    canvas: Canvas, centre: tuple[float | Array, float | Array], radii: tuple[float | Array, float | Array], angle: float = 0.0
) -> Array:
    """Roughly the signed distance to an ellipse's edge, negative inside.

    Args:
        canvas: Has the coordinates.
        centre: (u, v), each a number or one per slice.
        radii: Along u and v before the turn, each a number or one per slice.
        angle: Radians from u towards v.

    Returns:
        (X, Y, Z) float32.
    """
    du, dv = canvas.u - np.float32(centre[0]), canvas.v - np.float32(centre[1])
    along, across = np.cos(angle) * du + np.sin(angle) * dv, np.cos(angle) * dv - np.sin(angle) * du
    a, b = np.float32(radii[0]), np.float32(radii[1])
    distance: Array = (np.hypot(along / a, across / b) - 1.0) * np.minimum(a, b)
    return distance


def draw_torso(rng: np.random.Generator, canvas: Canvas, heart: tuple[float, float]) -> None:
    """Paint the body's outline, fat, chest wall, lungs with vessels, and the organs below the diaphragm.

    Args:
        rng: Draws sizes, places and intensities.
        canvas: Painted in place.
        heart: (u, v) of the heart.
    """
    coarse, medium, fine = canvas.coarse, canvas.medium, canvas.fine
    centre = (heart[0] + rng.uniform(0.11, 0.16), heart[1] + rng.uniform(-0.01, 0.08))
    body = ellipse(canvas, centre, (rng.uniform(0.37, 0.42), rng.uniform(0.52, 0.66)), rng.uniform(-0.1, 0.25))
    rim = rng.uniform(0.015, 0.04) * (1.0 + 0.4 * coarse + rng.uniform(0.0, 1.2) * np.clip(4.0 * (canvas.u - heart[0]), 0.0, 1.0))
    canvas.paint(body, 1.15 + 0.1 * medium + 0.05 * fine, fat=1.0)
    muscle = np.maximum(rng.uniform(0.03, 0.05) * (1.0 + 0.25 * coarse), 0.012)
    canvas.paint(body + rim, 0.26 + 0.04 * medium + 0.04 * fine)
    canvas.paint(body + rim + 0.35 * muscle, 0.85 + 0.2 * fine, fat=1.0, opacity=np.clip(1.2 * medium + 0.3 * coarse, 0, 1))
    canvas.paint(body + rim + 0.6 * muscle, 0.3 + 0.06 * fine)
    # Fat on the inner side of the chest wall, broken up by the ribs.
    canvas.paint(body + rim + muscle, 0.9 + 0.1 * fine, fat=1.0, opacity=np.clip(0.5 + coarse, 0, 1))
    lung = body + rim + muscle + 0.008 * np.clip(1.0 + medium, 0.3, 3.0)
    canvas.paint(lung, rng.uniform(0.06, 0.12) * (1.0 + 0.2 * medium + 0.1 * coarse))
    canvas.paint(lung, 0.7, opacity=np.clip(1.3 * fine + 0.7 * medium - 2.5, 0, 0.9))
    # The heart does not float in the lung: fat and muscle tie it to the anterior wall, on the liver's side.
    at, radii = (heart[0] - rng.uniform(0.13, 0.17), heart[1] + rng.uniform(0.05, 0.1)), (rng.uniform(0.09, 0.13), rng.uniform(0.12, 0.2))
    tie = np.maximum(ellipse(canvas, at, radii, rng.uniform(-0.3, 0.3)) + 0.02 * coarse, lung - 0.006)
    canvas.paint(tie, 0.78 + 0.12 * medium, fat=1.0)
    canvas.paint(tie, 0.28 + 0.04 * fine, opacity=np.clip(0.9 * medium + 0.8 * coarse, 0, 1))
    _draw_abdomen(rng, canvas, heart, lung - 0.004)


def _draw_abdomen(rng: np.random.Generator, canvas: Canvas, heart: tuple[float, float], cavity: Array) -> None:
    # Towards the apex the dome of the diaphragm comes into the slice and pushes the lung aside.
    reach = rng.uniform(0.29, 0.36) + rng.uniform(0.05, 0.13) * np.linspace(0.0, 1.0, canvas.image.shape[2], dtype=np.float32)
    dome = np.maximum(
        ellipse(canvas, (heart[0] + 0.24, heart[1] + 0.33), (reach, reach + 0.06), rng.uniform(0.2, 0.7)) + 0.012 * canvas.coarse, cavity
    )
    canvas.paint(dome, 0.6 + 0.17 * canvas.coarse + 0.13 * canvas.medium + 0.06 * canvas.fine, fat=1.0)
    canvas.paint(dome + 0.01, 0.3, opacity=np.clip(canvas.medium - 0.4 * canvas.coarse - 0.3, 0, 1))

    def organ(at: tuple[float, float], radii: tuple[float, float], angle: float, size: float = 1.0) -> tuple[Canvas, Array]:
        centre = (heart[0] + at[0] + rng.normal(0, 0.012), heart[1] + at[1] + rng.normal(0, 0.012))
        a, b = (radius * size * rng.uniform(0.85, 1.15) for radius in radii)
        part = canvas.around(centre, max(a, b))
        outline = ellipse(part, centre, (a, b), angle + rng.normal(0, 0.15)) + 0.008 * part.coarse
        return part, np.maximum(outline, dome[canvas.window(centre, max(a, b))] + 0.004)

    solid = rng.uniform(0.28, 0.45)
    for at, radii, angle in (((0.02, 0.26), (0.085, 0.2), rng.uniform(0.1, 0.5)), ((0.32, -0.03), (0.055, 0.11), rng.uniform(-0.5, 0.2))):
        part, edge = organ(at, radii, angle)
        part.paint(edge, solid * (1.0 + 0.07 * part.medium + 0.05 * part.fine))
        part.paint(edge + 0.01, 0.75, opacity=np.clip(part.fine - 1.9, 0, 0.7))
    for _ in range(rng.integers(5, 10)):
        part, edge = organ((rng.uniform(0.12, 0.38), rng.uniform(0.06, 0.45)), (0.035, 0.06), rng.uniform(0, np.pi), rng.uniform(0.6, 1.4))
        part.paint(edge, 0.35)
        part.paint(edge + 0.007, rng.choice([0.05, 0.3, 0.45, 0.6]) + 0.08 * np.abs(part.coarse) + 0.12 * part.medium + 0.05 * part.fine)
    for at, radii, core in (((0.28, 0.16), (0.05, 0.07), 0.028), ((0.36, 0.3), (0.06, 0.07), 0.045)):
        part, edge = organ(at, radii, rng.uniform(0, np.pi))
        part.paint(edge, 0.45 + 0.08 * part.fine + 0.05 * part.medium)
        part.paint(edge + core, 0.85 + 0.15 * part.medium, opacity=0.8)
    _draw_vessels(rng, canvas, heart)


def _draw_vessels(rng: np.random.Generator, canvas: Canvas, heart: tuple[float, float]) -> None:
    """The descending aorta behind the heart, and smaller vessels about it; all of them run across the slices."""
    vessels = [((rng.uniform(0.17, 0.22), rng.uniform(-0.02, 0.07)), 0.025)]
    vessels += [((rng.uniform(0.12, 0.36), rng.uniform(0.02, 0.42)), rng.uniform(0.006, 0.014)) for _ in range(rng.integers(6, 12))]
    for at, radius in vessels:
        centre = (heart[0] + at[0], heart[1] + at[1])
        part = canvas.around(centre, 2 * radius)
        edge = ellipse(part, centre, (radius, radius * rng.uniform(0.9, 1.6)), rng.uniform(0, np.pi))
        part.paint(edge - 0.004, 0.25)
        part.paint(edge, rng.uniform(0.75, 1.1) * (1.0 + 0.06 * part.medium))


def draw_heart(rng: np.random.Generator, canvas: Canvas, heart: tuple[float, float], contraction: Contraction) -> Array:
    """Paint both ventricles.

    Args:
        rng: Draws the anatomy. In the same state it gives the same heart in every phase (see `Contraction.squeeze`).
        canvas: Painted in place.
        heart: (u, v) of the heart.
        contraction: Of the phase: it makes the cavities smaller and the wall thicker.

    Returns:
        Labels (X, Y, Z) uint8.
    """
    whole, window = canvas.image.shape, canvas.window(heart, 0.24)
    canvas = canvas.around(heart, 0.24)
    shape = canvas.image.shape
    grid = _HeartGrid(rng, canvas, heart, contraction)
    medium, fine = smooth_field(rng, shape, 30, falloff=0.3), smooth_field(rng, shape, 60, falloff=0.0)
    far = np.float32(1.0)
    lv = np.where(grid.endo > 0, grid.radius - grid.endo, far)
    myo = np.where(grid.depth < 1.0, grid.radius - grid.epi, far)
    rv = np.where(grid.rv_present, np.maximum(grid.rv, grid.epi - grid.radius), far)
    _draw_pericardium(rng, canvas, grid, np.minimum(myo, rv), medium)

    wall = rng.uniform(0.3, 0.42)
    canvas.paint(np.minimum(myo, rv - 0.007), wall * (1.0 + 0.1 * fine))
    blood = 1.0 + 0.12 * smooth_field(rng, shape, 8) + 0.04 * fine
    canvas.paint(rv, rng.uniform(0.85, 1.0) * blood)
    canvas.paint(rv, wall, opacity=np.clip(0.6 * medium - 0.45 + 10.0 * (rv + 0.02), 0.0, 0.75))
    canvas.paint(myo, wall * (1.0 + 0.09 * fine + 0.07 * medium))
    # Trabeculae roughen the border that is seen; the labelled one stays smooth, as readers draw it.
    ridges = np.clip(0.7 * medium + 0.6 * np.cos(rng.integers(9, 15) * grid.angle + 1.5 * medium), 0.0, 2.0)
    canvas.paint(np.where(grid.endo > 0, lv + 0.008 * ridges, far), blood)
    for sign in (-1.0, 1.0):
        angle, size = grid.septum + np.pi + sign * rng.uniform(0.7, 1.2), rng.uniform(0.17, 0.27) * contraction.towards(1.15)
        offset = rng.uniform(0.62, 0.8) * grid.endo
        blob = np.hypot(grid.du - offset * np.cos(angle), grid.dv - offset * np.sin(angle)) - size * grid.endo * (grid.depth > 0.15)
        canvas.paint(np.maximum(blob + 0.007 * medium, lv), wall * 1.05, opacity=0.85)

    labels = np.zeros(whole, np.uint8)
    part = labels[window]
    part[rv < 0], part[myo < 0], part[lv < 0] = RV, MYO, LV
    return labels


def _draw_pericardium(rng: np.random.Generator, canvas: Canvas, grid: _HeartGrid, heart: Array, medium: Array) -> None:
    """Fat in lobes about the heart, thickest away from the septum, with the thin dark pericardium over it."""
    lobes = 0.25 + 0.8 * np.cos(grid.angle - rng.uniform(-1.0, 1.5)) + 0.6 * np.cos(2 * grid.angle - rng.uniform(0, 6)) + 0.25 * medium
    thickness = rng.uniform(0.008, 0.02) * np.clip(lobes, 0.0, 1.6)
    canvas.paint(heart - thickness - 0.005, 0.3)
    canvas.paint(heart - thickness, 0.95 + 0.08 * medium, fat=1.0, opacity=np.clip(thickness / 0.004, 0, 1))


class _HeartGrid:
    """Polar coordinates about the left ventricle's axis and the borders of the chambers in each slice, all broadcastable to (X, Y, Z)."""

    def __init__(self, rng: np.random.Generator, canvas: Canvas, heart: tuple[float, float], contraction: Contraction) -> None:
        slices = canvas.image.shape[2]
        # The same numbers are drawn for both frames of a patient, so that systole shows the same heart.
        base, apex = rng.uniform(-0.6, 0.3), slices - 1 + rng.uniform(-1.2, 0.6)
        outer, thickness = rng.uniform(0.092, 0.126), rng.uniform(0.024, 0.036)
        ejection, drift, jitter = rng.uniform(0.56, 0.82), rng.normal(0, 0.016, 2), rng.normal(0, 0.002, (2, slices))
        self.septum = np.pi + rng.uniform(-0.75, -0.15)
        shortening = SHORTENING * contraction.share
        z = np.arange(slices, dtype=np.float32)
        self.depth = np.maximum((z - base) / (apex - base) + shortening * (z / slices), 0.0)
        axis = [heart[i] + drift[i] * (self.depth - 0.4) + jitter[i] for i in (0, 1)]
        self.du, self.dv = canvas.u - axis[0], canvas.v - axis[1]
        self.radius, self.angle = np.hypot(self.du, self.dv), np.arctan2(self.dv, self.du)

        wobble = 1.0 + sum(rng.normal(0, 0.022) * np.cos(k * self.angle - rng.uniform(0, 6)) for k in (2, 3, 4))
        taper = np.sqrt(np.clip(1.0 - 0.96 * self.depth**2.4, 0.0, 1.0))
        uneven = 1.0 + rng.uniform(0.0, 0.25) * np.cos(self.angle - self.septum)
        epi = outer * taper
        endo = np.clip(epi - thickness * (1.0 - 0.3 * self.depth), 0.0, None)
        if contraction.share > 0:
            wall_area = epi**2 - endo**2
            endo = endo * contraction.towards(ejection) * contraction.towards(1.0 - 0.25 * self.depth)
            epi = np.sqrt(endo**2 + contraction.towards(contraction.wall) * wall_area)
        endo = np.where(endo < 2.5 * canvas.pixel, 0.0, endo)
        self.epi = (epi * wobble).astype(np.float32)
        self.endo = np.clip(np.minimum((epi - (epi - endo) * uneven) * wobble, self.epi - 1.8 * canvas.pixel) * (endo > 0), 0.0, None)
        self._right_ventricle(rng, canvas, outer, taper, contraction)

    def _right_ventricle(self, rng: np.random.Generator, canvas: Canvas, outer: float, taper: Array, contraction: Contraction) -> None:
        """An ellipse behind the septum: what the left ventricle leaves of it is the crescent."""
        size = outer * rng.uniform(0.9, 1.15) * np.clip(1.0 - 0.55 * self.depth**1.3, 0.2, 1.0)
        full = contraction.squeeze
        if full is None:
            full = rng.uniform(0.74, 0.88) if contraction.share > 0 else 1.0
        squeeze = contraction.towards(full)
        bulge, height = rng.uniform(0.85, 1.1), rng.uniform(1.05, 1.25)
        distance = outer * taper * rng.uniform(0.68, 0.85)
        direction = self.septum + rng.normal(0, 0.06)
        along = np.cos(direction) * self.du + np.sin(direction) * self.dv - distance * (1.0 - (1.0 - squeeze) * 0.5)
        across = np.cos(direction) * self.dv - np.sin(direction) * self.du
        lean = across - rng.uniform(-0.25, 0.25) * along
        a, b = size * bulge * squeeze, size * height * squeeze
        angle = np.arctan2(lean, along)
        ripple = 1.0 + sum(rng.normal(0, 0.03) * np.cos(k * angle - rng.uniform(0, 6)) for k in (3, 4))
        self.rv = ((np.hypot(along / a, lean / b) / ripple - 1.0) * np.minimum(a, b)).astype(np.float32)
        self.rv_present = self.depth < rng.uniform(0.8, 0.95)


def chemical_shift(canvas: Canvas) -> Array:
    """The image (X, Y, Z) with the dark lines of balanced steady-state sequences, where a voxel holds both fat and water."""
    fat = ndimage.gaussian_filter(canvas.fat, (0.6, 0.6, 0.0), truncate=3.0)
    image: Array = np.clip(canvas.image, 0.01, None) * (1.0 - 2.8 * fat * (1.0 - fat))
    return image
