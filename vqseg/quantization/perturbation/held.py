"""The temperature of a network's swaps: solved from its settings now and then, and held in between."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vqseg.quantization.perturbation.reach import ReachScale
from vqseg.quantization.perturbation.transitions import Temperature, check_temperature, temperature_of


class HeldTemperature(nn.Module):
    """The number that squared distances are divided by, on the network's device.

    "adaptive" and a reach depend on the codewords, and cost more than the swaps. In training, where codewords move a little at every step,
    the number is solved when the trainer asks for it; in evaluation, whenever the weights have changed. Neither waits for an accelerator.
    """

    value: Tensor

    def __init__(self, temperature: Temperature | None, reach: float | None) -> None:
        """Take the settings, of which exactly one is given.

        Args:
            temperature: A positive number, or "adaptive".
            reach: At least 1; a codebook with fewer codewords takes its K - 1.

        Raises:
            ValueError: Neither or both are given, or one is out of range.
        """
        super().__init__()
        if (temperature is None) == (reach is None):
            raise ValueError(f"give exactly one of temperature and reach, got {temperature!r} and {reach!r}")
        if temperature is not None:
            check_temperature(temperature)
        if reach is not None and not reach >= 1:
            raise ValueError(f"reach must be at least 1, got {reach}")
        self.temperature, self.reach = temperature, reach
        # Follows from the weights, so it is no part of them.
        self.register_buffer("value", torch.full((), torch.nan), persistent=False)
        self._stamp: object = None

    @torch.no_grad()
    def solve(self, codewords: Tensor) -> None:
        """Solve the number for a codebook (K, D), and hold it."""
        self.hold(self._solved(codewords.detach().float()))

    @torch.no_grad()
    def hold(self, value: Tensor) -> None:
        """Hold a number that was solved before, a scalar ()."""
        self.value.copy_(value)
        self._stamp = ()

    def forward(self, codewords: Tensor, stamp: object) -> Tensor:
        """The number to divide by.

        Args:
            codewords: (K, D).
            stamp: What changes with the weights, from `VectorQuantizer.stamp`.

        Returns:
            A scalar ().
        """
        if self._stamp is None or (not self.training and stamp != self._stamp):
            self.solve(codewords)
            self._stamp = stamp
        return self.value

    def _solved(self, codewords: Tensor) -> Tensor:
        if self.temperature is not None:
            return temperature_of(codewords, self.temperature)
        return ReachScale(codewords).temperature(min(self.reach or 1.0, len(codewords) - 1))
