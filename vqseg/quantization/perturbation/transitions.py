"""How likely one code replaces another: pi(j|i), Eq. 4, from the distances between codewords and a temperature.

Never holds a K x K matrix. Shapes: codewords (K, D), rows (R,) int64.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

_TEMPERATURE_ROWS = 512
_SQUARED_AT_ONCE = 1024

Temperature = float | Literal["adaptive"] | Tensor
"""Divides squared distances: a positive number, or "adaptive" for `adaptive_temperature`; or a number solved before, a scalar () on the
codewords' device, which is not checked, as the host would wait for it."""


def check_codebook(codewords: Tensor, strength: float = 0.0) -> None:
    """Refuse what Eq. 4 is not defined for.

    Args:
        codewords: What should be (K, D), K >= 2.
        strength: What should lie in [0, 1].

    Raises:
        ValueError: If either is otherwise.
    """
    if codewords.dim() != 2 or len(codewords) < 2:
        raise ValueError(f"expected at least two codewords as a (K, D) matrix, got {tuple(codewords.shape)}")
    if not 0.0 <= strength <= 1.0:
        raise ValueError(f"strength must lie in [0, 1], got {strength}")


class CodewordDistances:
    """Squared Euclidean distances from codewords to all codewords, for several blocks of rows.

    Distances are taken after centring, so that codewords far from the origin but close together keep their differences. norms: (K,), the
    squared lengths of the centred codewords.
    """

    def __init__(self, codewords: Tensor) -> None:
        """Take a codebook (K, D)."""
        self._centred = codewords - codewords.mean(0, keepdim=True)
        # A few rows at a time: new memory for the squares of all would take longer than the squares.
        self.norms = torch.cat([part.square().sum(1) for part in self._centred.split(_SQUARED_AT_ONCE)])

    def products(self, rows: Tensor, out: Tensor | None = None) -> Tensor:
        """|c_j|^2 - 2 c_i.c_j for codewords i (R,) and all j: (R, K), for `finish_`; in the memory of `out` if given."""
        return torch.addmm(self.norms, self._centred[rows], self._centred.T, alpha=-2, out=out)

    def finish_(self, products: Tensor, rows: Tensor) -> Tensor:
        """Turn some rows of `products`, those of the codewords `rows` (R,), into distances; that to the codeword itself is +inf."""
        return products.add_(self.norms[rows, None]).clamp_(min=0).scatter_(1, rows[:, None], math.inf)


def squared_distances(rows: Tensor, codewords: Tensor) -> Tensor:
    """Squared Euclidean distances from some codewords to all, as of `CodewordDistances`.

    Args:
        rows: (R,) int64, the codewords from which.
        codewords: (K, D).

    Returns:
        (R, K); that to the codeword itself is +inf.
    """
    distances = CodewordDistances(codewords)
    return distances.finish_(distances.products(rows), rows)


def adaptive_temperature(codewords: Tensor) -> float:
    """Median squared distance to the nearest other codeword, over at most 512 evenly spread codewords (K, D).

    With it exp(-d / temperature) has the same spread whatever the codebook's scale. Never zero.
    """
    return float(_adaptive_temperature(codewords))


def _adaptive_temperature(codewords: Tensor) -> Tensor:
    size = len(codewords)
    rows = torch.linspace(0, size - 1, min(size, _TEMPERATURE_ROWS), device=codewords.device).long()
    return squared_distances(rows, codewords).amin(1).median().clamp(min=1e-12)


def check_temperature(temperature: Temperature) -> None:
    """Raises ValueError unless the temperature is positive or "adaptive"."""
    if isinstance(temperature, Tensor) or temperature == "adaptive":
        return
    if isinstance(temperature, str) or not float(temperature) > 0:
        raise ValueError(f"temperature must be positive or 'adaptive', got {temperature!r}")


def temperature_of(codewords: Tensor, temperature: Temperature) -> Tensor:
    """The number that squared distances are divided by, left on the device: read as a number it would make the host wait.

    Args:
        codewords: (K, D).
        temperature: As set.

    Returns:
        A scalar () on the codewords' device.

    Raises:
        ValueError: If the temperature is a number that is not positive.
    """
    check_temperature(temperature)
    if isinstance(temperature, Tensor):
        return temperature.to(codewords)
    return _adaptive_temperature(codewords) if temperature == "adaptive" else codewords.new_full((), float(temperature))


def transition_probabilities(codewords: Tensor, strength: float, rows: Tensor | None = None, temperature: Temperature = 1.0) -> Tensor:
    """Rows of pi(j|i), Eq. 4: 1 - strength that a code stays, the rest by exp(-d / temperature).

    Args:
        codewords: (K, D), K >= 2.
        strength: epsilon in [0, 1].
        rows: (R,) int64, the codes i; all K if None.
        temperature: Divides the squared distances d.

    Returns:
        (R, K), each row sums to 1.

    Raises:
        ValueError: For fewer than two codewords, a strength outside [0, 1] or a temperature that is not positive.
    """
    check_codebook(codewords, strength)
    if rows is None:
        rows = torch.arange(len(codewords), device=codewords.device)
    scale = temperature_of(codewords, temperature)
    weights = torch.softmax(squared_distances(rows, codewords).div_(-scale), dim=1).mul_(strength)
    return weights.scatter_(1, rows[:, None], 1.0 - strength)
