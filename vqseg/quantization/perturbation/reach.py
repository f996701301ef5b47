"""Reach: how many codewords a replaced token may effectively become, and the temperature of Eq. 4 that gives a wanted reach.

reach = mean over codewords i of exp(H(pi(. | i, j != i))), from 1 (the nearest codeword only) to K - 1 (any other, all alike). A strength
says how many tokens are replaced; the reach says how far. The temperature is found as t-SNE finds its bandwidth (van der Maaten and
Hinton, 2008): by bisection, since the entropy of exp(-d / T) rises with T.

Shapes: codewords (K, D), usage (K,).
"""

from __future__ import annotations

import torch
from torch import Tensor

from vqseg.quantization.perturbation.transitions import Temperature, check_codebook, squared_distances, temperature_of

# Codewords that the mean is taken over, and those of one block: 64 MB of distances at K = 65536.
_ROWS, _BLOCK = 512, 1 << 24
# The brackets of the bisection lie so far outside the distances that pi is one codeword below and uniform above.
_BELOW, _ABOVE = 1e-7, 1e4
# Halvings of log T: they leave less than a millionth of T.
_HALVINGS = 30
# Weights below e^-80 of the largest are lost in the sum anyway, and denormal results make exp ten times slower.
_LOST = 80.0


class ReachScale:
    """Reach as a function of the temperature for one codebook. Holds the distances from at most 512 codewords, (R, K) float32."""

    def __init__(self, codewords: Tensor, usage: Tensor | None = None) -> None:
        """Measure the distances. Nothing in here or in the methods waits for a value on an accelerator.

        Args:
            codewords: (K, D), K >= 2.
            usage: (K,), how often each codeword was chosen; None counts all alike.

        Raises:
            ValueError: The codebook is not (K, D) with K >= 2, or usage is not (K,).
        """
        check_codebook(codewords)
        if usage is not None and usage.shape != codewords.shape[:1]:
            raise ValueError(f"usage must be ({len(codewords)},), got {tuple(usage.shape)}")
        codewords = codewords.detach().float()
        rows, self._weights = _representatives(len(codewords), usage, codewords.device)
        parts, self._nearest = [], codewords.new_zeros(len(rows))
        step = max(1, _BLOCK // len(codewords))
        for first in range(0, len(rows), step):
            distances = squared_distances(rows[first : first + step], codewords)
            nearest = distances.amin(1, keepdim=True)
            self._nearest[first : first + step] = nearest.squeeze(1)
            # What lies nearer does not matter to pi, only how much farther the others are; infinity for the codeword itself.
            parts.append(distances.sub_(nearest))
        self._excess = parts

    def temperature(self, reach: float) -> Tensor:
        """The temperature that gives a reach: a scalar () float32 on the codewords' device.

        Raises ValueError for a reach outside [1, K - 1].
        """
        others = self._excess[0].shape[1] - 1
        if not 1.0 <= reach <= others:
            raise ValueError(f"reach must lie in [1, {others}], got {reach}")
        farthest = torch.stack([part.masked_fill(part.isinf(), 0).amax() for part in self._excess]).amax() + self._nearest.amax()
        farthest = farthest.clamp(min=1e-12).double()
        low = (self._nearest.median().double().maximum(farthest * 1e-9) * _BELOW).log()
        high = (farthest * _ABOVE).log()
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            enough = self._reach(middle.exp()) >= reach
            low, high = torch.where(enough, low, middle), torch.where(enough, middle, high)
        return ((low + high) / 2).exp().float()

    def reach(self, temperature: float | Tensor) -> float:
        """The reach at a temperature, in [1, K - 1]."""
        scale = torch.as_tensor(temperature, dtype=torch.float64, device=self._nearest.device)
        return float(self._reach(scale))

    def _reach(self, temperature: Tensor) -> Tensor:
        perplexities = torch.cat([_perplexity(part, temperature) for part in self._excess])
        return perplexities.double() @ self._weights


def temperature_for_reach(codewords: Tensor, reach: float, usage: Tensor | None = None) -> float:
    """The temperature at which a replaced token may effectively become `reach` other codewords.

    Deterministic and rising with the reach. The mean is taken over at most 512 codewords, spread evenly over the codebook, or over the
    tokens if usage is known. Where codewords lie equally far a smaller reach than their number cannot be had: the answer is then the
    lowest temperature tried.

    Args:
        codewords: (K, D), K >= 2.
        reach: From 1 (the nearest codeword only) to K - 1 (any other).
        usage: (K,), how often each codeword was chosen; None counts all alike.

    Returns:
        T > 0, which squared distances are divided by.

    Raises:
        ValueError: The reach lies outside [1, K - 1], or a shape is wrong.
    """
    return float(ReachScale(codewords, usage).temperature(reach))


def reach_of_temperature(codewords: Tensor, temperature: Temperature, usage: Tensor | None = None) -> float:
    """The reach that a temperature amounts to; the inverse of `temperature_for_reach`.

    Args:
        codewords: (K, D), K >= 2.
        temperature: Divides the squared distances; a positive number, or "adaptive".
        usage: As for `temperature_for_reach`.

    Returns:
        In [1, K - 1].

    Raises:
        ValueError: The temperature is not positive, or a shape is wrong.
    """
    return ReachScale(codewords, usage).reach(temperature_of(codewords, temperature))


def effective_candidates(codewords: Tensor, codes: Tensor, temperature: float) -> Tensor:
    """How many codewords a token of each code may effectively become where it is replaced: exp(H(pi(. | i, j != i))).

    Their mean over the codebook is the reach at this temperature.

    Args:
        codewords: (K, D), K >= 2.
        codes: (n,) int64, the codes i.
        temperature: Divides the squared distances; positive.

    Returns:
        (n,) float32, each in [1, K - 1].

    Raises:
        ValueError: The codebook is not (K, D) with K >= 2.
    """
    check_codebook(codewords)
    codewords, scale = codewords.detach().float(), torch.as_tensor(temperature, dtype=torch.float64, device=codewords.device)
    found = []
    for rows in codes.split(max(1, _BLOCK // len(codewords))):
        distances = squared_distances(rows, codewords)
        found.append(_perplexity(distances.sub_(distances.amin(1, keepdim=True)), scale))
    return torch.cat(found) if found else codewords.new_zeros(0)


def _representatives(size: int, usage: Tensor | None, device: torch.device) -> tuple[Tensor, Tensor]:
    """Codewords that stand for all, (R,) int64, and their weights in the mean, (R,) float64."""
    if usage is None:
        rows = torch.linspace(0, size - 1, min(size, _ROWS), device=device).long()
        return rows, torch.full((len(rows),), 1 / len(rows), dtype=torch.float64, device=device)
    weights = usage.to(device).double().clamp(min=0)
    # A codebook that was never used is one whose usage is not known.
    weights = torch.where(weights.sum() > 0, weights, torch.ones_like(weights))
    weights = weights / weights.sum()
    if size <= _ROWS:
        return torch.arange(size, device=device), weights
    # Every 512th part of the tokens names the codeword in its middle.
    places = (torch.arange(_ROWS, dtype=torch.float64, device=device) + 0.5) / _ROWS
    rows = torch.searchsorted(weights.cumsum(0), places).clamp(max=size - 1)
    return rows, torch.full((_ROWS,), 1 / _ROWS, dtype=torch.float64, device=device)


def _perplexity(excess: Tensor, temperature: Tensor) -> Tensor:
    """exp(H) of softmax(-excess / temperature) for every row: (R, K), () -> (R,). Infinite entries have no part in it."""
    exponents = (excess / temperature.to(excess.dtype)).clamp_(max=_LOST)
    weights = exponents.neg().exp_().masked_fill_(excess.isinf(), 0)
    total = weights.sum(1)
    # The mean of a row's exponents is the entropy without log Z.
    return total * (weights.mul_(exponents).sum(1) / total).exp()
