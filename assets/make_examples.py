"""Make the bundled examples: procedural phantoms with truth, written to assets/examples (python assets/make_examples.py).

They show no person and are free of any licence (CC0). The seeds lie outside those of the training phantoms.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

import nibabel as nib
import numpy as np
from scipy import ndimage

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from vqseg.data.phantom import phantom_volume  # noqa: E402

EXAMPLES: dict[str, tuple[int, Literal["ED", "ES"]]] = {
    "phantom_dilated-left-ventricle": (2000, "ED"),
    "phantom_end-systole-thick-wall": (2011, "ES"),
    "phantom_small-heart-low-contrast": (2005, "ES"),
    "phantom_wide-right-ventricle": (2007, "ES"),
    "phantom_trap-second-ring": (2010, "ED"),
}
TRAP = "phantom_trap-second-ring"
# Where the trap's centre lies and how large it is, as shares of the longer side: inside the liver, about as large as a ventricle.
_TRAP_CENTRE, _TRAP_RADIUS, _TRAP_WALL = (0.47, 0.70), 0.04, 0.022


def with_trap(image: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """A bright disc with a dark wall, like a ventricle, where no heart is: the truth does not change, the model is tempted."""
    longer = max(image.shape[:2])
    rows, columns = np.indices(image.shape[:2]) / longer
    distance = np.hypot(rows - _TRAP_CENTRE[0], columns - _TRAP_CENTRE[1])
    trapped = image.astype(np.float32)
    for index in range(image.shape[2] // 4, image.shape[2] * 3 // 4 + 1):
        blood = np.median(image[:, :, index][labels[:, :, index] == 3]) if (labels[:, :, index] == 3).any() else image.max() / 2
        wall = np.median(image[:, :, index][labels[:, :, index] == 2]) if (labels[:, :, index] == 2).any() else blood / 3
        for radius, value in ((_TRAP_RADIUS + _TRAP_WALL, wall), (_TRAP_RADIUS, blood)):
            share = np.clip(0.5 + (radius - distance) * longer, 0, 1)
            # The noise that is there stays, as over any other organ.
            grain = image[:, :, index] - ndimage.gaussian_filter(image[:, :, index].astype(np.float32), 2)
            trapped[:, :, index] += share * (value + grain - trapped[:, :, index])
    return trapped.round().astype(image.dtype)


def main() -> None:
    folder = ROOT / "assets" / "examples"
    folder.mkdir(parents=True, exist_ok=True)
    for name, (seed, frame) in EXAMPLES.items():
        image, labels, affine = phantom_volume(seed, frame)
        if name == TRAP:
            image = with_trap(image, labels)
        for array, ending in ((image, ".nii.gz"), (labels, "_truth.nii.gz")):
            volume = nib.Nifti1Image(array, affine)
            volume.header.set_xyzt_units("mm")
            volume.set_qform(affine, 1)
            volume.set_sform(affine, 1)
            nib.save(volume, folder / (name + ending))


if __name__ == "__main__":
    main()
