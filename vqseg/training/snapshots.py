"""The codebook at a few moments of training: mapped codewords and how often each is chosen on a fixed set of slices.

File snapshots.npz: steps (S,) int64, codewords (S, K, D) float16, counts (S, K) int32. Where K changed during training, it is the
largest; rows that a moment lacked repeat its last codeword and count zero.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from vqseg.models.vqseg import VQSeg
from vqseg.types import Array

FILE = "snapshots.npz"


@torch.inference_mode()
def take_snapshot(model: VQSeg, images: Tensor, step: int, folder: Path) -> Tensor:
    """Write the codebook's state after `step`; images (N, 1, H, W) are the same at every moment. -> counts (K,)."""
    folder.mkdir(parents=True, exist_ok=True)
    counts = torch.zeros(model.config.codebook_size, dtype=torch.int64, device=images.device)
    for part in images.split(8):
        indices = model.quantizer(model.split_levels(model.encode(part.float()))[1]).indices
        counts += torch.bincount(indices.flatten(), minlength=len(counts))
    # The name carries no ".npz" while the file grows: a run that is cut off leaves no half snapshot behind.
    part_file = folder / f"step_{step:07d}.part"
    with part_file.open("wb") as file:
        np.savez_compressed(
            file,
            step=np.int64(step),
            codewords=model.quantizer.codewords().cpu().numpy().astype(np.float16),
            counts=counts.cpu().numpy().astype(np.int32),
        )
    part_file.replace(folder / f"step_{step:07d}.npz")
    return counts


def gather_snapshots(folder: Path, target: Path) -> int:
    """Join the snapshots of a run into one snapshots.npz in the target folder. -> how many there were."""
    files = sorted(folder.glob("step_*.npz"))
    if not files:
        return 0
    taken = [np.load(file, allow_pickle=False) for file in files]
    size = max(len(one["counts"]) for one in taken)
    np.savez_compressed(
        target / FILE,
        steps=np.array([int(one["step"]) for one in taken]),
        codewords=np.stack([_padded(one["codewords"], size, "edge") for one in taken]),
        counts=np.stack([_padded(one["counts"], size, "constant") for one in taken]),
    )
    return len(files)


def _padded(rows: Array, size: int, mode: Literal["edge", "constant"]) -> Array:
    return np.pad(rows, [(0, size - len(rows))] + [(0, 0)] * (rows.ndim - 1), mode=mode)
