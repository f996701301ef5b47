"""Small phantoms of several channels, whose structure no single grey channel shows."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
from PIL import Image

SIDE = 64
_SHIFT = np.array([58.7, -29.9, 0.0]) * 0.6
"""Redder and less green by as much as leaves the luminance (ITU-R BT.601) where it is."""


def coloured(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture (SIDE, SIDE, 3) uint8 with a disc of another hue and the same grey, and its labels (SIDE, SIDE) uint8."""
    rng = np.random.default_rng(seed)
    grey = 128 + 25 * np.kron(rng.uniform(-1, 1, (8, 8)), np.ones((SIDE // 8, SIDE // 8)))
    row, column = rng.uniform(20, 44, 2)
    places = np.indices((SIDE, SIDE))
    inside = (places[0] - row) ** 2 + (places[1] - column) ** 2 < rng.uniform(9, 14) ** 2
    picture = grey[..., None] + np.where(inside[..., None], _SHIFT, -_SHIFT) + rng.normal(0, 2, (SIDE, SIDE, 1))
    return picture.clip(0, 255).round().astype(np.uint8), inside.astype(np.uint8)


def write_coloured(folder: Path, count: int) -> Path:
    """Pictures p0_a.png and so on with their labels; the last quarter validates, half of the others are labelled for training."""
    for place in ("images", "labels"):
        (folder / place).mkdir(parents=True)
    for seed in range(count):
        picture, labels = coloured(seed)
        Image.fromarray(picture).save(folder / "images" / f"p{seed}_a.png")
        Image.fromarray(labels).save(folder / "labels" / f"p{seed}_a.png")
    names = [f"p{seed}" for seed in range(count)]
    train, val = names[: 3 * count // 4], names[3 * count // 4 :]
    return _described(folder, train, val, {"0": "red", "1": "green", "2": "blue"})


def write_modalities(folder: Path, count: int, *, one_file: bool = False) -> Path:
    """Volumes of two channels in nnU-Net's layout, two files a case; or one 4D file each, as MSD has them."""
    for place in ("imagesTr", "labelsTr"):
        (folder / place).mkdir(parents=True)
    affine = np.diag([1.5, 1.5, 8.0, 1.0])
    for seed in range(count):
        slices = [coloured(10 * seed + index) for index in range(3)]
        # Each channel has units of its own.
        channels = np.stack([np.stack([4.0 * picture[..., 0], 1000.0 + picture[..., 1]], -1) for picture, _ in slices], 2).astype(np.int16)
        labels = np.stack([inside for _, inside in slices], 2)
        if one_file:
            nib.Nifti1Image(channels, affine).to_filename(folder / "imagesTr" / f"p{seed}_a.nii.gz")
        else:
            for channel in range(2):
                nib.Nifti1Image(channels[..., channel], affine).to_filename(folder / "imagesTr" / f"p{seed}_a_{channel:04d}.nii.gz")
        nib.Nifti1Image(labels, affine).to_filename(folder / "labelsTr" / f"p{seed}_a.nii.gz")
    names = [f"p{seed}" for seed in range(count)]
    return _described(folder, names[:-1], names[-1:], {"0": "T1", "1": "T2"})


def _described(folder: Path, train: list[str], val: list[str], channels: dict[str, str]) -> Path:
    told = {"labels": {"background": 0, "disc": 1}, "channel_names": channels}
    splits = {"train": train, "val": val, "labeled": {"50%": train[: (len(train) + 1) // 2]}}
    (folder / "dataset.json").write_text(json.dumps(told))
    (folder / "splits.json").write_text(json.dumps(splits))
    return folder
