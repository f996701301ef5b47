"""The codebook at a few moments of training: mapped codewords and how often each is chosen on a fixed set of slices.

File snapshots.npz: steps (S,) int64, codewords (S, K, D) float16, counts (S, K) int32. Where K changed during training, it is the
largest; rows that a moment lacked repeat its last codeword and count -1.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vqseg.models.vqseg import VQSeg
from vqseg.types import Array

FILE = "snapshots.npz"
# A run that starts from another's checkpoint keeps the earlier moments, too. More moments would make the file larger and show little more.
_MOST = 8


@torch.inference_mode()
def take_snapshot(model: VQSeg, images: Tensor, step: int, folder: Path) -> Tensor:
    """Write the codebook's state at one moment.

    Args:
        model: The teacher's network.
        images: (N, C_in, H, W) in [0, 1], the same at every moment.
        step: Steps done.
        folder: Of the run's snapshots.

    Returns:
        (K,) int64, how often each codeword is chosen on the images.
    """
    folder.mkdir(parents=True, exist_ok=True)
    counts = count_codes(model, images)
    # Written under another name first, so that a run that is cut off leaves no half snapshot behind.
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


@torch.inference_mode()
def count_codes(model: VQSeg, images: Tensor) -> Tensor:
    """How often each codeword is chosen.

    Args:
        model: In evaluation mode.
        images: (N, C_in, H, W) in [0, 1].

    Returns:
        (K,) int64.
    """
    counts = torch.zeros(model.config.codebook_size, dtype=torch.int64, device=images.device)
    for part in torch.split(images, 8):
        indices = model.quantizer(model.split_levels(model.encode(part.float()))[1]).indices
        counts += torch.bincount(indices.flatten(), minlength=len(counts))
    return counts


def gather_snapshots(folder: Path, target: Path, earlier: Path | None = None) -> int:
    """Join the snapshots of a run into one snapshots.npz. Of more than 8 moments 8 are kept, denser at the beginning.

    Args:
        folder: Of the run's snapshots.
        target: Folder to write into.
        earlier: The snapshots.npz of the checkpoint that the run started from; its moments come first, and its last step is added to the
            run's own.

    Returns:
        How many moments the file holds; it is not written if that is 0.
    """
    taken: list[tuple[int, Array, Array]] = []
    if earlier is not None and earlier.is_file():
        with np.load(earlier, allow_pickle=False) as before:
            taken = [
                (int(step), codewords[counts >= 0], counts[counts >= 0])
                for step, codewords, counts in zip(before["steps"], before["codewords"], before["counts"], strict=True)
            ]
    offset = taken[-1][0] if taken else 0
    for file in sorted(folder.glob("step_*.npz")):
        with np.load(file, allow_pickle=False) as one:
            taken.append((offset + int(one["step"]), one["codewords"], one["counts"]))
    if not taken:
        return 0
    while len(taken) > _MOST:
        # Evenly spaced in the root of the step, as within a run. Spaced by number, every further run would halve the moments of the first.
        places = np.sqrt([step - taken[0][0] for step, _, _ in taken])
        del taken[1 + int((places[2:] - places[:-2]).argmin())]
    size = max(len(counts) for _, _, counts in taken)
    np.savez_compressed(
        target / FILE,
        steps=np.array([step for step, _, _ in taken]),
        codewords=np.stack([np.pad(codewords, [(0, size - len(codewords)), (0, 0)], mode="edge") for _, codewords, _ in taken]),
        counts=np.stack([np.pad(counts, (0, size - len(counts)), constant_values=-1) for _, _, counts in taken]),
    )
    return len(taken)
