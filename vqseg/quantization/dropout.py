"""Feature dropout in the QPM's place, for comparison (Eq. 1): zeroes features instead of swapping indices.

Strength, generator and share are those of the QPM; it reads features, as there may be no indices. `VQSeg.forward` takes either by name."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vqseg.transfer import to_device
from vqseg.types import Share

_WHOLE = Share()


class FeatureDropout(nn.Module):
    """Zeroes a share `rate` of the features and scales the others by 1 / (1 - rate); at rate 1 nothing is left.

    channels: drop whole channels of an image (as UniMatch does) rather than single features.
    Sampling is coupled like the QPM's: with the same seed a larger rate only drops more.
    """

    def __init__(self, *, channels: bool = False) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, features: Tensor, rate: float, generator: torch.Generator | None = None, share: Share = _WHOLE) -> Tensor:
        """features (B, D, h, w), rate in [0, 1] -> the same shape. share: as the QPM's."""
        if not 0.0 <= rate <= 1.0:
            raise ValueError(f"rate must lie in [0, 1], got {rate}")
        shape = (len(features) * share.count, features.shape[1], *((1, 1) if self.channels else features.shape[2:]))
        draw_on = generator.device if generator is not None else features.device
        uniform = to_device(torch.rand(shape, generator=generator, device=draw_on)[share.rows(len(features))], features.device)
        return torch.where(uniform >= rate, features / max(1.0 - rate, 1e-6), 0.0) if rate < 1 else torch.zeros_like(features)
