"""Procedural short-axis cardiac cine MRI with its truth: licence-free examples and test data, drawn from a seed.

Each voxel comes from formulas and random numbers; no scan of a patient is stored, copied or deformed. The look follows the ACDC
challenge (array order, size of the heart, intensities, dark lines between fat and water); the anatomy is only a likeness.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import nibabel as nib
import numpy as np
from scipy import ndimage

from vqseg.data.datasets import DatasetError
from vqseg.data.phantom_anatomy import DIASTOLE, SYSTOLE, blank_canvas, chemical_shift, draw_heart, draw_torso, smooth_field
from vqseg.outputs import Outputs
from vqseg.types import Array

CLASSES = ("background", "RV", "MYO", "LV")
FRAMES: tuple[Literal["ED", "ES"], ...] = ("ED", "ES")
SHARES = {"5%": 0.05, "10%": 0.1, "20%": 0.2, "50%": 0.5}

_SHAPES = ((216, 256), (208, 256), (232, 256), (256, 256), (224, 240), (174, 208))


def phantom_volume(seed: int, frame: Literal["ED", "ES"] = "ED") -> tuple[Array, Array, Array]:
    """One frame of a cardiac phantom.

    Args:
        seed: From 0; the same seed gives the same patient.
        frame: "ED" for end-diastole, "ES" for end-systole.

    Returns:
        Image (X, Y, Z) int16, labels (X, Y, Z) uint8 (0 background, 1 RV, 2 MYO, 3 LV) and affine (4, 4) in millimetres. Z is 7 to 12, base
        first.

    Raises:
        ValueError: The seed is negative or the frame is unknown.
    """
    if frame not in FRAMES or seed < 0:
        raise ValueError(f"no phantom with seed {seed} and frame {frame!r}; expected a seed from 0 and 'ED' or 'ES'")
    # Independent streams: what one part draws does not move the others, and both frames share the anatomy.
    scanner, torso, anatomy = (np.random.default_rng([seed, stream]) for stream in range(3))
    noise = np.random.default_rng([seed, 3 + FRAMES.index(frame)])
    shape = (*_SHAPES[scanner.integers(len(_SHAPES))], int(scanner.integers(7, 13)))
    heart = _heart_position(scanner, shape)
    canvas = blank_canvas(torso, shape)
    draw_torso(torso, canvas, heart)
    labels = draw_heart(anatomy, canvas, heart, SYSTOLE if frame == "ES" else DIASTOLE)
    return _acquire(scanner, noise, chemical_shift(canvas), heart), labels, _affine(scanner, shape)


def write_phantoms(folder: str | Path | Outputs, patients: int, seed: int) -> None:
    """Write an nnU-Net folder of phantoms: two frames per patient, dataset.json and splits.json.

    About 15% of the patients, and at least one if there are two, go to val, the others to train.

    Args:
        folder: Made if missing.
        patients: How many, at least 1.
        seed: Of the first patient; the next one has seed + 1, and so on.

    Raises:
        DatasetError: Fewer than one patient is asked for.
        OutputError: A file that lies there was not written as a phantom's; nothing is written then.
    """
    if patients < 1:
        raise DatasetError(f"cannot write {patients} phantom patients; expected at least 1")
    outputs = folder if isinstance(folder, Outputs) else Outputs(folder, "phantom")
    names = [f"phantom{number:03d}" for number in range(1, patients + 1)]
    pairs = [(number, index, _pair(outputs.folder, name, index)) for number, name in enumerate(names) for index in range(len(FRAMES))]
    lists = [outputs.folder / "dataset.json", outputs.folder / "splits.json"]
    outputs.claim(*(path for _, _, pair in pairs for path in pair), *lists)
    for number, index, pair in pairs:
        image, labels, affine = phantom_volume(seed + number, FRAMES[index])
        for voxels, path in zip((image, labels), pair, strict=True):
            with outputs.writing(path, claimed=True) as part:
                _save(voxels, affine, part)
    for path, content in zip(lists, (_description(patients, seed), _splits(names)), strict=True):
        with outputs.writing(path, claimed=True) as part:
            part.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _pair(folder: Path, name: str, frame: int) -> tuple[Path, Path]:
    """The files of one volume and of its labels."""
    case = f"{name}_frame{frame + 1:02d}"
    return folder / "imagesTr" / f"{case}_0000.nii.gz", folder / "labelsTr" / f"{case}.nii.gz"


def _heart_position(rng: np.random.Generator, shape: tuple[int, int, int]) -> tuple[float, float]:
    """(u, v) of the left ventricle: a little below and beside the centre of both ventricles, which lies near (0.43, 0.49)."""
    longer = max(shape[:2])
    return float((0.465 + rng.normal(0, 0.022)) * shape[0] / longer), float((0.47 + rng.normal(0, 0.03)) * shape[1] / longer)


def _acquire(scanner: np.random.Generator, noise: np.random.Generator, tissue: Array, heart: tuple[float, float]) -> Array:
    """Point spread, the surface coil's fall-off from the anterior wall, Rician noise, and an arbitrary scale as int16."""
    longer = max(tissue.shape[:2])
    depth = np.arange(tissue.shape[0], dtype=np.float32)[:, None, None] / longer - heart[0]
    coil = np.exp(-scanner.uniform(0.5, 2.1) * depth + scanner.uniform(0.1, 0.22) * smooth_field(scanner, tissue.shape, 3, falloff=2.0))
    sigma = scanner.uniform(0.35, 0.65)
    signal = ndimage.gaussian_filter(tissue, (sigma, sigma, 0.0), truncate=3.0) * coil
    level = scanner.uniform(0.012, 0.035)
    real, imaginary = (level * noise.standard_normal(tissue.shape, dtype=np.float32) for _ in range(2))
    scale = float(np.exp(scanner.uniform(np.log(80.0), np.log(500.0))))
    magnitude: Array = np.rint(np.hypot(signal + real, imaginary) * scale)
    return magnitude.astype(np.int16)


def _affine(rng: np.random.Generator, shape: tuple[int, int, int]) -> Array:
    """Heart of normal size at 1.4 to 1.6 mm a pixel of 256; slices 8 to 10 mm apart."""
    in_plane = round(float(rng.uniform(1.37, 1.6)) * 256 / max(shape[:2]), 3)
    return np.diag([-in_plane, -in_plane, float(rng.choice([8.0, 9.0, 10.0])), 1.0])


def _save(voxels: Array, affine: Array, path: Path) -> None:
    image = nib.Nifti1Image(voxels, affine)
    image.header.set_xyzt_units("mm")
    image.to_filename(path)


def _splits(names: list[str]) -> dict[str, object]:
    held_out = max(1, round(0.15 * len(names))) if len(names) > 1 else 0
    train = names[: len(names) - held_out]
    shares = {share: train[: max(1, round(part * len(train)))] for share, part in SHARES.items()}
    return {"train": train, "val": names[len(train) :], "labeled": shares}


def _description(patients: int, seed: int) -> dict[str, object]:
    return {
        "name": "Cardiac phantoms",
        "channel_names": {"0": "cineMRI"},
        "labels": {name: value for value, name in enumerate(CLASSES)},
        "file_ending": ".nii.gz",
        "licence": "CC0-1.0",
        "reference": f"procedural, seeds {seed} to {seed + patients - 1}; no patient's data",
        "numTraining": patients * len(FRAMES),
    }
