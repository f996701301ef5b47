"""Tiny cines for the tests of the app: a bright disc that contracts and fills again, with three structures for the fake segmenter."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

SHAPE = (40, 48, 6)
AFFINE = np.diag([-1.5, -1.5, 8.0, 1.0])
SECONDS = 0.1


def beating(frames: int = 5) -> np.ndarray:
    """(X, Y, Z, T) int16: the left ventricle is largest in frame 0 and smallest in the middle."""
    x, y, _ = np.meshgrid(*(np.linspace(-1, 1, n) for n in SHAPE), indexing="ij")
    radius = np.hypot(x, 0.8 * y)
    phases = 1 - 0.5 * np.sin(np.pi * np.arange(frames) / frames)
    return np.stack([400 * (radius < 0.75) + 160 * (radius < 0.6) + 240 * (radius < 0.5 * phase) for phase in phases], -1).astype(np.int16)


def save_cine(path: Path, voxels: np.ndarray | None = None, seconds: float = SECONDS) -> Path:
    """A 4D NIfTI with spacing and time; or a single frame, if the voxels are 3D."""
    voxels = beating() if voxels is None else voxels
    image = nib.Nifti1Image(voxels, AFFINE)
    image.header.set_xyzt_units("mm", "sec")
    if voxels.ndim == 4:
        image.header["pixdim"][4] = seconds
    image.to_filename(path)
    return path
