"""Write the bundled examples into assets/examples, and the cine into assets/cine: python assets/make_examples.py

They are procedural phantoms with their ground truth. They show no person and may be used for anything (CC0). Their seeds differ from
those of the training phantoms.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Literal

import nibabel as nib
import numpy as np
from scipy import ndimage

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from vqseg.data.phantom import CLASSES, phantom_volume  # noqa: E402
from vqseg.data.phantom_cine import phantom_cine, write_cine  # noqa: E402
from vqseg.data.phantom_lung import LUNG_CLASSES, lung_phantom  # noqa: E402
from vqseg.types import Array  # noqa: E402

EXAMPLES: dict[str, tuple[int, Literal["ED", "ES"]]] = {
    "phantom_dilated-left-ventricle": (2000, "ED"),
    "phantom_end-systole-thick-wall": (2011, "ES"),
    "phantom_small-heart-low-contrast": (2005, "ES"),
    "phantom_wide-right-ventricle": (2007, "ES"),
    "phantom_trap-cyst-beside-the-heart": (2010, "ED"),
}
CINE, CINE_SEED = "phantom_beating-heart", 3033
NODULE, NODULE_SEED = "phantom_lung-nodule", 2001
TRAP = "phantom_trap-cyst-beside-the-heart"
# The cyst of the trap: offset of its centre from the left ventricle's, radius and thickness of the wall, as shares of the longer side.
_CYST_AT, _CYST_RADIUS, _CYST_WALL = (0.0, 0.22), 0.11, 0.035


def with_cyst(image: Array, labels: Array) -> Array:
    """Add a round lesion beside the heart. It is as bright as blood, with a wall as dark as muscle. No voxel of the heart changes.

    Args:
        image: (X, Y, Z) of the phantom.
        labels: (X, Y, Z) of the phantom, with 2 for myocardium and 3 for the left ventricle.

    Returns:
        The image with the lesion, of the same type.
    """
    longer, slices = max(image.shape[:2]), image.shape[2]
    rows, columns = (index / longer for index in np.indices(image.shape[:2]))
    blood, wall = (float(np.median(image[labels == label])) for label in (3, 2))
    heart = np.array(ndimage.center_of_mass(labels >= 2))[:2] / longer
    distance = np.hypot(rows - heart[0] - _CYST_AT[0], columns - heart[1] - _CYST_AT[1])
    noise = np.random.default_rng(0).normal(0, image[labels == 2].std() / 4, image.shape)
    trapped = image.astype(np.float32)
    for index in range(slices):
        # The radius shrinks towards the first and the last slice, as that of a real lesion does.
        radius = _CYST_RADIUS * np.sqrt(max(0.0, 1 - (2 * (index + 0.5) / slices - 1) ** 4))
        for edge, value in ((radius + _CYST_WALL, wall), (radius, blood)):
            share = np.clip(0.5 + (edge - distance) * longer, 0, 1) * (labels[:, :, index] == 0)
            trapped[:, :, index] += share * (value + noise[:, :, index] - trapped[:, :, index])
    # Only the painted voxels are blurred, as a scanner would blur them.
    blurred = ndimage.gaussian_filter(trapped, (0.5, 0.5, 0))
    return np.where((trapped == image) | (labels > 0), image, blurred).round().astype(image.dtype)


def main() -> None:
    """Write all examples, and classes.json with the classes of each."""
    folder = ROOT / "assets" / "examples"
    folder.mkdir(parents=True, exist_ok=True)
    for name, (seed, frame) in EXAMPLES.items():
        image, labels, affine = phantom_volume(seed, frame)
        if name == TRAP:
            image = with_cyst(image, labels)
        write(folder / name, image, labels, affine)
    write(folder / NODULE, *lung_phantom(NODULE_SEED))
    classes = dict.fromkeys(EXAMPLES, CLASSES) | {NODULE: LUNG_CLASSES}
    (folder / "classes.json").write_text(json.dumps(classes, indent=2) + "\n", encoding="utf-8")
    cines = ROOT / "assets" / "cine"
    cines.mkdir(exist_ok=True)
    write_cine(phantom_cine(CINE_SEED), cines / CINE)


def write(path: Path, image: Array, labels: Array, affine: Array) -> None:
    """Write a phantom into PATH.nii.gz and PATH_truth.nii.gz.

    Args:
        path: Without an ending.
        image: (X, Y, Z).
        labels: (X, Y, Z), the ground truth.
        affine: (4, 4), from voxel indices to millimetres.
    """
    for array, ending in ((image, ".nii.gz"), (labels, "_truth.nii.gz")):
        volume = nib.Nifti1Image(array, affine)
        volume.header.set_xyzt_units("mm")
        volume.set_qform(affine, 1)
        volume.set_sform(affine, 1)
        nib.save(volume, path.with_name(path.name + ending))


if __name__ == "__main__":
    main()
