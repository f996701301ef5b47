"""Validation during training: mean Dice on the network's own grid.

For the log only. The reported numbers come from `vqseg.evaluation`, on the scans' own grids.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from vqseg.data.loaders import Volume
from vqseg.metrics import dice
from vqseg.models.vqseg import VQSeg

# Slices that are in the network at once.
_AT_ONCE = 4


@torch.inference_mode()
def validation_dice(model: VQSeg, volumes: Sequence[Volume], *, quantize: bool = True) -> dict[str, float]:
    """Dice over whole volumes.

    Args:
        model: The network, in evaluation mode.
        volumes: With their labels.
        quantize: False bypasses the codebook, as training does before it is placed.

    Returns:
        {"dice": the mean over the structures, "dice_RV": ..., ...}, each a mean over the volumes.

    Raises:
        ValueError: A volume has no labels.
    """
    device = next(model.parameters()).device
    context = model.config.context_slices if model.preprocess.neighbours else 0
    scores: list[list[float]] = []
    for volume in volumes:
        if volume.labels is None:
            raise ValueError("a validation volume has no labels")
        inputs = (volume.inputs(context, slice(start, start + _AT_ONCE)) for start in range(0, len(volume.images), _AT_ONCE))
        parts = [model.segment(part.to(device), quantize=quantize).argmax(1).cpu() for part in inputs]
        prediction, truth = torch.cat(parts).numpy(), volume.labels.numpy()
        if volume.drawn is not None:
            prediction, truth = prediction[volume.drawn.numpy()], truth[volume.drawn.numpy()]
        scores.append([dice(prediction == label, truth == label) for label in range(1, len(model.config.classes))])
    means = np.mean(scores, axis=0)
    return {"dice": float(means.mean())} | {f"dice_{name}": float(mean) for name, mean in zip(model.config.classes[1:], means, strict=True)}
