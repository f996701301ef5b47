"""Values drawn on the processor -> the device that needs them."""

from __future__ import annotations

import torch
from torch import Tensor


def to_device(values: Tensor, device: torch.device) -> Tensor:
    """The values on the device, any shape. A GPU gets them through pinned memory: a plain copy would wait for all it has still to do."""
    if device.type != "cuda" or values.device.type != "cpu":
        return values.to(device)
    return values.pin_memory().to(device, non_blocking=True)
