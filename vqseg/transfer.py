"""Values drawn on the CPU -> the device that needs them."""

from __future__ import annotations

import torch
from torch import Tensor


def to_device(values: Tensor, device: torch.device) -> Tensor:
    """Bring values to a device.

    A GPU gets values of the CPU through pinned memory: a plain copy would wait until the GPU has done all its work so far.

    Args:
        values: Of any shape, on any device.
        device: Where they are needed.
    """
    if device.type != "cuda" or values.device.type != "cpu":
        return values.to(device)
    return values.pin_memory().to(device, non_blocking=True)
