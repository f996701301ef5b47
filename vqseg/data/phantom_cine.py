"""A phantom that beats: a procedural cine of one heart cycle with its truth, as small as a bundled example has to be.

The anatomy is that of `phantom_volume` under the same seed; how far it has contracted follows the phases of a heart cycle. The true volumes
are those of the labels' voxels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy import ndimage

from vqseg.data.datasets import DatasetError
from vqseg.data.phantom_anatomy import SHORTENING, Canvas, Contraction, blank_canvas, chemical_shift, draw_heart, draw_torso, smooth_field
from vqseg.outputs import Outputs
from vqseg.types import Array

_SECONDS = 1.0
"""One heart cycle: 60 beats a minute."""
_SYSTOLE, _FILLED, _ATRIAL = 0.36, 0.66, 0.86
"""Shares of the cycle: the end of ejection, of early filling, and of rest before the atria contract."""
_EARLY = 0.78
"""Part of the stroke volume that has come back when early filling ends."""
_FIELD_MM = 380.0
"""The longer side of the picture."""


@dataclass(frozen=True)
class CinePhantom:
    """image (X, Y, Z, T) uint8, labels (X, Y, Z, T) uint8 (0 background, 1 RV, 2 MYO, 3 LV), affine (4, 4) in millimetres."""

    image: Array
    labels: Array
    affine: Array
    frame_seconds: float


def contraction_at(time: float) -> float:
    """How far the heart has contracted, 0 to 1.

    Ejection, early filling, rest and the atria's contraction follow each other without a corner.

    Args:
        time: Share of the cycle since end-diastole; 1 is the next end-diastole.
    """
    time %= 1.0
    if time < _SYSTOLE:
        return _smooth(time / _SYSTOLE)
    if time < _FILLED:
        return 1.0 - _EARLY * _smooth((time - _SYSTOLE) / (_FILLED - _SYSTOLE))
    rest = 1.0 - _EARLY
    return rest if time < _ATRIAL else rest * (1.0 - _smooth((time - _ATRIAL) / (1.0 - _ATRIAL)))


def phantom_cine(seed: int, phases: int = 20, *, side: int = 112, slices: int = 8) -> CinePhantom:
    """A beating phantom.

    Args:
        seed: From 0; the same seed gives the same patient.
        phases: How many frames one cycle has, at least 2. The first is end-diastole.
        side: Pixels of the picture's longer side.
        slices: How many, base first, 8 to 10 mm apart.

    Raises:
        ValueError: The seed is negative, or there are fewer than 2 phases, 64 pixels or 4 slices.
    """
    if seed < 0 or phases < 2 or side < 64 or slices < 4:
        raise ValueError(
            f"no beating phantom with seed {seed}, {phases} phases, {side} pixels and {slices} slices; expected at least 0, 2, 64 and 4"
        )
    scanner, torso, anatomy, noise = (np.random.default_rng([seed, stream]) for stream in (0, 1, 2, 5))
    shape = (round(side * 0.86), side, slices)
    heart = 0.40 + float(scanner.normal(0, 0.01)), 0.47 + float(scanner.normal(0, 0.01))
    body = blank_canvas(torso, shape)
    draw_torso(torso, body, heart)
    drawn = anatomy.bit_generator.state
    squeeze, coil = float(scanner.uniform(0.74, 0.8)), _coil(scanner, shape, heart[0])
    images, labels = [], []
    for phase in range(phases):
        # Every phase draws the same heart.
        anatomy.bit_generator.state = drawn
        # The wall grows in a slice by what the heart loses in length: muscle cannot be compressed.
        contraction = Contraction(contraction_at(phase / phases), wall=1.0 / (1.0 - SHORTENING), squeeze=squeeze)
        canvas = Canvas(body.image.copy(), body.fat.copy(), body.u, body.v, body.coarse, body.medium, body.fine, body.pixel)
        labels.append(draw_heart(anatomy, canvas, heart, contraction))
        images.append(_acquire(noise, chemical_shift(canvas) * coil))
    thickness = float(scanner.choice([8.0, 9.0, 10.0]))
    affine = np.diag([-_FIELD_MM / side, -_FIELD_MM / side, thickness, 1.0])
    return CinePhantom(np.stack(images, -1), np.stack(labels, -1), affine, _SECONDS / phases)


def write_cine(cine: CinePhantom, path: str | Path) -> None:
    """Write a beating phantom into PATH.nii.gz and PATH_truth.nii.gz.

    Args:
        cine: The phantom.
        path: Without an ending, in a folder that exists.
    """
    for array, file in zip((cine.image, cine.labels), _files(Path(path)), strict=True):
        _save(cine, array, file)


def write_cines(folder: str | Path | Outputs, patients: int, seed: int, phases: int = 20) -> None:
    """Write beating phantoms, phantom001.nii.gz with its truth phantom001_truth.nii.gz and so on.

    Args:
        folder: Made if missing.
        patients: How many, at least 1.
        seed: Of the first patient; the next one has seed + 1, and so on.
        phases: Frames of one heart cycle, at least 2.

    Raises:
        DatasetError: Fewer than one patient or two phases are asked for, or the seed is negative.
        OutputError: A file that lies there was not written as a phantom's; nothing is written then.
    """
    if patients < 1 or phases < 2 or seed < 0:
        raise DatasetError(f"cannot write {patients} cines of {phases} phases from seed {seed}; expected at least 1, 2 and 0")
    outputs = folder if isinstance(folder, Outputs) else Outputs(folder, "phantom")
    pairs = [_files(outputs.folder / f"phantom{number + 1:03d}") for number in range(patients)]
    outputs.claim(*(file for pair in pairs for file in pair))
    for number, pair in enumerate(pairs):
        cine = phantom_cine(seed + number, phases)
        for array, file in zip((cine.image, cine.labels), pair, strict=True):
            with outputs.writing(file, claimed=True) as part:
                _save(cine, array, part)


def _files(path: Path) -> tuple[Path, Path]:
    """The files of a cine and of its truth, by their common name without an ending."""
    return path.with_name(f"{path.name}.nii.gz"), path.with_name(f"{path.name}_truth.nii.gz")


def _save(cine: CinePhantom, array: Array, file: Path) -> None:
    volume = nib.Nifti1Image(array, cine.affine)
    volume.header.set_xyzt_units("mm", "sec")
    volume.header["pixdim"][4] = cine.frame_seconds
    volume.set_qform(cine.affine, 1)
    volume.set_sform(cine.affine, 1)
    volume.to_filename(file)


def _smooth(share: float) -> float:
    """From 0 to 1 without a corner at either end."""
    return float(0.5 - 0.5 * np.cos(np.pi * share))


def _coil(scanner: np.random.Generator, shape: tuple[int, int, int], heart: float) -> Array:
    """The surface coil's fall-off from the anterior wall, (X, Y, Z)."""
    depth = np.arange(shape[0], dtype=np.float32)[:, None, None] / max(shape[:2]) - heart
    coil: Array = np.exp(-scanner.uniform(0.6, 1.2) * depth + 0.12 * smooth_field(scanner, shape, 3, falloff=2.0))
    return coil


def _acquire(noise: np.random.Generator, signal: Array) -> Array:
    """Point spread and Rician noise. Few grey levels and little noise: most of a packed file is noise."""
    blurred = ndimage.gaussian_filter(signal, (0.4, 0.4, 0.0), truncate=3.0)
    real, imaginary = (0.01 * noise.standard_normal(signal.shape, dtype=np.float32) for _ in range(2))
    magnitude: Array = np.rint(np.hypot(blurred + real, imaginary) * 80.0)
    return magnitude.clip(0, 255).astype(np.uint8)
