"""What swaps under one codebook need at any reach: temperatures, and the codewords around each. One for all scans of a network."""

from __future__ import annotations

from threading import Lock

import torch
from torch import Tensor

from vqseg.quantization.perturbation import Neighbourhood, ReachScale

_KEPT = 1024


class Reaches:
    """A frozen codebook and how far its swaps may go. Safe to share between visitors."""

    def __init__(self, codewords: Tensor, temperature: float) -> None:
        """Take a codebook.

        Args:
            codewords: (K, D) float32 on the CPU.
            temperature: What the checkpoint itself divides squared distances by.
        """
        self.codewords, self._own = codewords, temperature
        self.neighbourhood = Neighbourhood(codewords)
        self._scale = ReachScale(codewords)
        self.own = self._scale.reach(temperature)
        """The checkpoint's own reach, in [1, K - 1]."""
        self._temperatures: dict[float, float] = {}
        self._lock = Lock()

    @property
    def farthest(self) -> int:
        """K - 1, the largest reach."""
        return len(self.codewords) - 1

    def temperature(self, reach: float | None) -> float:
        """What squared distances are divided by.

        Args:
            reach: In [1, K - 1]; None for the checkpoint's own.

        Raises:
            ValueError: The reach lies outside [1, K - 1].
        """
        if reach is None:
            return self._own
        with self._lock:
            if reach not in self._temperatures:
                if len(self._temperatures) >= _KEPT:
                    self._temperatures.pop(next(iter(self._temperatures)))
                with torch.inference_mode():
                    self._temperatures[reach] = float(self._scale.temperature(reach))
            return self._temperatures[reach]
