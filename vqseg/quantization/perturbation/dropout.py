"""Feature dropout in the QPM's place, for comparison (Eq. 1): zeroes post-VQ features instead of swapping codes."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from vqseg.quantization.perturbation.effect import dropout_effect
from vqseg.quantization.perturbation.kind import WHOLE, FeaturePerturbation, PostVQ
from vqseg.quantization.perturbation.radius import dropout_radii
from vqseg.transfer import to_device
from vqseg.types import Share


class FeatureDropout(nn.Module):
    """Zeroes a share `rate` of the features and scales the others by 1 / (1 - rate); at rate 1 nothing is left.

    channels: drop whole channels of an image (as UniMatch does) rather than single features.
    Sampling is coupled like the QPM's: with the same seed a larger rate only drops more.
    """

    def __init__(self, *, channels: bool = False) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, features: Tensor, rate: float, generator: Generator | None = None, share: Share = WHOLE) -> Tensor:
        """Drop features of a batch.

        Args:
            features: (B, D, h, w), with or without a codebook behind them.
            rate: p in [0, 1].
            generator: Of the random numbers; the global one if None.
            share: Rank and world size. The random numbers of the whole batch are drawn, and this rank uses its part.

        Returns:
            (B, D, h, w).

        Raises:
            ValueError: If the rate lies outside [0, 1].
        """
        if not 0.0 <= rate <= 1.0:
            raise ValueError(f"rate must lie in [0, 1], got {rate}")
        return kept_features(features, self.draw(features, generator, share) >= rate, rate)

    def draw(self, features: Tensor, generator: Generator | None = None, share: Share = WHOLE) -> Tensor:
        """The rates at which features begin to be dropped: (B, D, h, w) in [0, 1), or (B, D, 1, 1). Arguments as of `forward`."""
        shape = (len(features) * share.count, features.shape[1], *((1, 1) if self.channels else features.shape[2:]))
        draw_on = generator.device if generator is not None else features.device
        return to_device(torch.rand(shape, generator=generator, device=draw_on)[share.rows(len(features))], features.device)


def kept_features(features: Tensor, kept: Tensor, rate: float) -> Tensor:
    """Zero what is dropped and scale what is kept.

    Args:
        features: (B, D, h, w).
        kept: bool, of a shape that broadcasts to it.
        rate: The share that is dropped, p in [0, 1]; at 1 nothing is left.

    Returns:
        (B, D, h, w).
    """
    return torch.where(kept, features / max(1.0 - rate, 1e-6), 0.0) if rate < 1 else torch.zeros_like(features)


def _dropout(name: str, title: str, *, channels: bool, tabled: bool) -> FeaturePerturbation:
    drop = FeatureDropout(channels=channels)

    def change(tokens: PostVQ, rate: float, generator: Generator | None, share: Share) -> Tensor:
        return drop.forward(tokens.features, rate, generator, share)

    return FeaturePerturbation(
        name=name,
        title=title,
        change=change,
        closed_form=dropout_effect,
        radius=dropout_radii,
        amount="rate",
        symbol="p",
        coupled=True,
        tabled=tabled,
    )


DROPOUT = _dropout("dropout", "dropout", channels=False, tabled=True)
# The published table of strengths was measured without it.
CHANNEL_DROPOUT = _dropout("channel_dropout", "dropout of channels", channels=True, tabled=False)
