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
from vqseg.types import UNSURE

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
        {"dice": the mean over the structures, "dice_RV": ..., ...}, each a mean over the volumes whose labels show the structure. Voxels
        without a label are left out, and structures that no volume shows.

    Raises:
        ValueError: A volume has no labels.
    """
    device = next(model.parameters()).device
    context = model.config.context_slices if model.preprocess.neighbours else 0
    scores: dict[str, list[float]] = {}
    for volume in volumes:
        if volume.labels is None:
            raise ValueError("a validation volume has no labels")
        inputs = (volume.inputs(context, slice(start, start + _AT_ONCE)) for start in range(0, len(volume.images), _AT_ONCE))
        parts = [model.segment(part.to(device), quantize=quantize).argmax(1).cpu() for part in inputs]
        prediction, truth = torch.cat(parts).numpy(), volume.labels.numpy()
        if volume.drawn is not None:
            prediction, truth = prediction[volume.drawn.numpy()], truth[volume.drawn.numpy()]
        told = truth != UNSURE
        prediction, truth = prediction[told], truth[told]
        for label, name in enumerate(model.config.classes[1:], 1):
            if volume.labelled is None or volume.labelled[label]:
                scores.setdefault(name, []).append(dice(prediction == label, truth == label))
    means = {name: float(np.mean(scores[name])) for name in model.config.classes[1:] if name in scores}
    return {"dice": float(np.mean(list(means.values())))} | {f"dice_{name}": mean for name, mean in means.items()}
