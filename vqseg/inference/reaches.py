"""What swaps under one codebook need at any reach: temperatures, and the codewords around each. One for all scans of a network."""

from __future__ import annotations

import math
from threading import Lock

import torch
from torch import Tensor

from vqseg.quantization.perturbation import Neighbourhood, ReachScale

_KEPT = 1024
# The search starts between two of the temperatures own * 2^k, and ends when the reach is right to this share.
_OCTAVES, _EXACT = 40, 1e-6


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
        # log reach at own * 2^k, by k.
        self._knots: dict[int, float] = {}
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
        # Whoever asks for a known reach does not wait while another one is solved.
        found = self._temperatures.get(reach)
        if found is not None:
            return found
        with self._lock:
            if reach not in self._temperatures:
                if len(self._temperatures) >= _KEPT:
                    self._temperatures.pop(next(iter(self._temperatures)))
                with torch.inference_mode():
                    self._temperatures[reach] = self._found(reach)
            return self._temperatures[reach]

    def _found(self, reach: float) -> float:
        """The temperature of a reach. A slider asks for one after another, so it takes five tries, not the thirty of a bisection.

        It starts from temperatures that do not depend on what was asked for before: a reach has one answer.
        """
        octave = self._octave_below(reach) if 1 < reach < self.farthest else None
        if octave is None:
            return float(self._scale.temperature(reach))
        goal, start = math.log(reach), math.log(self._own)
        low, high = (start + k * math.log(2) for k in (octave, octave + 1))
        # How much the reach is missed at either end; one end's counts half if it stays for long (the Illinois rule).
        below, above = (self._knot(k) - goal for k in (octave, octave + 1))
        kept = 0
        while high - low > _EXACT:
            middle = low - below * (high - low) / (above - below)
            missed = math.log(self._scale.reach(math.exp(middle))) - goal
            if abs(missed) <= _EXACT:
                return math.exp(middle)
            if missed < 0:
                low, below, above, kept = middle, missed, above / 2 if kept < 0 else above, -1
            else:
                high, above, below, kept = middle, missed, below / 2 if kept > 0 else below, 1
        return math.exp((low + high) / 2)

    def _octave_below(self, reach: float) -> int | None:
        """The k whose temperature is the last that gives less than the reach; None if none of them does."""
        goal, octave = math.log(reach), 0
        while self._knot(octave) >= goal and octave > -_OCTAVES:
            octave -= 1
        while self._knot(octave + 1) < goal and octave < _OCTAVES:
            octave += 1
        return octave if self._knot(octave) < goal <= self._knot(octave + 1) else None

    def _knot(self, octave: int) -> float:
        if octave not in self._knots:
            self._knots[octave] = math.log(self._scale.reach(self._own * 2.0**octave))
        return self._knots[octave]
