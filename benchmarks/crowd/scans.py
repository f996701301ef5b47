"""Scans of the visitors' own."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib

from vqseg.data.phantom import phantom_volume

_FIRST_SEED = 7000


def write_scans(folder: Path, count: int) -> list[Path]:
    """Write phantoms of ACDC's size, another one for each visitor, and return their files."""
    paths = []
    for number in range(count):
        image, _, affine = phantom_volume(_FIRST_SEED + number)
        paths.append(folder / f"own_{number:02d}.nii.gz")
        nib.Nifti1Image(image, affine).to_filename(paths[-1])
    return paths
