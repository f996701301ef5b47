"""Write the bundled examples into assets/examples, and the cine into assets/cine: python assets/make_examples.py [--data ../shared/data]

- Sunnybrook hearts (CC0) and crops of LIDC-IDRI (CC BY 3.0) from the folder of data sets, where they are validation patients. Without that
  folder they stay as they are. Voxels are taken over unchanged; the headers are new and hold the geometry alone.
- Procedural phantoms with their ground truth (CC0). Their seeds differ from those of the training phantoms.
- A thumbnail for each case of examples.json, around its ground truth.

The same version writes the same bytes. assets/examples/README.md names the sources.
"""

from __future__ import annotations

import argparse
import gzip
import shutil
import sys
from pathlib import Path
from typing import Literal

import nibabel as nib
import numpy as np
from PIL import Image
from scipy import ndimage

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from app.scan.planes import plane_views  # noqa: E402
from app.visit.manifest import Example, read_manifest  # noqa: E402
from vqseg.data.phantom import phantom_volume  # noqa: E402
from vqseg.data.phantom_cine import phantom_cine, write_cine  # noqa: E402
from vqseg.data.phantom_lung import lung_phantom  # noqa: E402
from vqseg.data.scan import read_numbers, read_scan  # noqa: E402
from vqseg.types import Array  # noqa: E402

FOLDER = ROOT / "assets" / "examples"
# Validation patients of ../shared/data/SCD, one of each group; both phases of each.
HEARTS = ("schfi05", "scn05", "schyp06", "schfni07")
# Slices of validation patients of ../shared/data/LIDC.
NODULES = ("lidc0082_n0_s4", "lidc0160_n1_s1")
EXAMPLES: dict[str, tuple[int, Literal["ED", "ES"]]] = {
    "phantom_dilated-left-ventricle": (2000, "ED"),
    "phantom_end-systole-thick-wall": (2011, "ES"),
    "phantom_small-heart-low-contrast": (2005, "ES"),
    "phantom_wide-right-ventricle": (2007, "ES"),
    "phantom_trap-cyst-beside-the-heart": (2010, "ED"),
}
CINES, CINE, CINE_SEED = ROOT / "assets" / "cine", "phantom_beating-heart", 3033
NODULE, NODULE_SEED = "phantom_lung-nodule", 2001
TRAP = "phantom_trap-cyst-beside-the-heart"
# Pixels of a thumbnail's side, and the side of what it shows in those of the structures.
THUMBNAIL, ROOM_OF_ALL, ROOM_OF_ONE = 160, 1.6, 2.7
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
    """Write the examples and their thumbnails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    data: Path = parser.parse_args().data
    FOLDER.mkdir(parents=True, exist_ok=True)
    if (data / "SCD").is_dir():
        write_hearts(data / "SCD")
    if (data / "LIDC").is_dir():
        write_nodules(data / "LIDC")
    write_phantoms()
    write_thumbnails()


def write_hearts(data: Path) -> None:
    """Write both phases of the Sunnybrook hearts with the contours of the left ventricle's cavity."""
    for name in HEARTS:
        for phase in ("ed", "es"):
            scan, truth = (nib.load(data / part) for part in (f"imagesTr/{name}_{phase}_0000.nii.gz", f"labelsTr/{name}_{phase}.nii.gz"))
            write(FOLDER / f"sunnybrook_{name}_{phase}", np.asarray(scan.dataobj), np.asarray(truth.dataobj), scan.affine)


def write_nodules(data: Path) -> None:
    """Copy the crops of LIDC-IDRI and their masks, which are PNG files without any text in them."""
    for name in NODULES:
        target = FOLDER / f"lidc_{name.removeprefix('lidc')}.png"
        shutil.copyfile(data / "images" / f"{name}.png", target)
        shutil.copyfile(data / "labels" / f"{name}.png", target.with_name(f"{target.stem}_truth.png"))


def write_phantoms() -> None:
    """Write the phantoms."""
    for name, (seed, frame) in EXAMPLES.items():
        image, labels, affine = phantom_volume(seed, frame)
        if name == TRAP:
            image = with_cyst(image, labels)
        write(FOLDER / name, image, labels, affine)
    write(FOLDER / NODULE, *lung_phantom(NODULE_SEED))
    CINES.mkdir(exist_ok=True)
    write_cine(phantom_cine(CINE_SEED), CINES / CINE)


def write(path: Path, image: Array, labels: Array, affine: Array) -> None:
    """Write a scan into PATH.nii.gz and its ground truth into PATH_truth.nii.gz, unless the same voxels are there already.

    Args:
        path: Without an ending.
        image: (X, Y, Z).
        labels: (X, Y, Z), the ground truth.
        affine: (4, 4), from voxel indices to millimetres.
    """
    for array, ending in ((image, ".nii.gz"), (labels, "_truth.nii.gz")):
        file = path.with_name(path.name + ending)
        # Another version of zlib packs the same voxels into other bytes, and the history of the project would keep both.
        if file.exists() and np.array_equal(np.asarray(nib.load(file).dataobj), array):
            continue
        volume = nib.Nifti1Image(array, affine)
        volume.header.set_xyzt_units("mm")
        volume.set_qform(affine, 1)
        volume.set_sform(affine, 1)
        file.write_bytes(gzip.compress(volume.to_bytes(), 9, mtime=0))


def write_thumbnails() -> None:
    """Write the picture of each case: its first file, the slice that the page shows first, cut out around the ground truth."""
    written: set[str] = set()
    for example in (*read_manifest(FOLDER), *read_manifest(CINES)):
        if example.name in written:
            continue
        written.add(example.name)
        example.thumbnail.parent.mkdir(exist_ok=True)
        picture = Image.fromarray(thumbnail(example)).resize((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
        picture.save(example.thumbnail, quality=82, method=6)


def thumbnail(example: Example) -> Array:
    """A square part of a slice, uint8: the structures of its ground truth in their surroundings.

    Args:
        example: One with a ground truth.

    Returns:
        (side, side), as the page would show it.
    """
    scan, labels = read_scan(example.path), read_numbers(example.truth, 0).voxels
    view = plane_views(scan)["axial"]
    index = view.middle if example.opening.index is None else example.opening.index
    picture, found = view.cut(scan.voxels, index), np.argwhere(view.cut(labels, index) > 0)
    low, high = found.min(0), found.max(0) + 1
    # A truth of the cavity alone, or of a nodule, shows little of what lies around it.
    room = ROOM_OF_ALL if len(example.classes or ()) > 2 else ROOM_OF_ONE
    side = min(int(room * (high - low).max()), *picture.shape)
    top, left = (int(np.clip((low + high)[axis] // 2 - side // 2, 0, picture.shape[axis] - side)) for axis in (0, 1))
    part = picture[top : top + side, left : left + side]
    black, white = np.percentile(part, (1, 98))
    return (255 * np.clip((part - black) / max(white - black, 1e-6), 0, 1)).astype(np.uint8)


if __name__ == "__main__":
    main()
