"""The two radii on one loaded codebook: how far feature dropout at a rate p and the QPM at a strength epsilon move a distribution.

KL in nats: dropout's by moment matching (Eq. 1) grows without bound as p -> 1; the QPM's (Eq. 6) is finite at every strength, and
stays within the bounds of Appendix B.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from vqseg.quantization.perturbation import (
    Temperature,
    adaptive_temperature,
    distance_range,
    dropout_radius,
    perturbation_radii,
    radius_bounds,
)
from vqseg.types import Array

_STEPS = tuple(round(0.025 * step, 3) for step in range(41))


@dataclass(frozen=True)
class Radii:
    """Arrays for one plot: all (n,) float64, in nats; `dropout` is infinite at rate 1.

    strengths: the epsilons, and the rates, that the arrays belong to. lower, upper: the bounds on `perturbation`.
    nearest, farthest: the smallest and largest d / temperature between two codewords; temperature: what d was divided by.
    """

    strengths: Array
    perturbation: Array
    lower: Array
    upper: Array
    dropout: Array
    nearest: float
    farthest: float
    temperature: float


def radii(codewords: Array, temperature: Temperature = 1.0, strengths: Sequence[float] = _STEPS) -> Radii:
    """KL of dropout and of the QPM over several strengths. 4096 codewords take about a second.

    Args:
        codewords: (K, D), as `codewords_of` gives them.
        temperature: The checkpoint's `config.temperature`.
        strengths: In [0, 1]; each is both an epsilon and a rate of dropout.

    Raises:
        ValueError: A strength lies outside [0, 1], or there are fewer than two codewords.
    """
    table = torch.from_numpy(np.ascontiguousarray(codewords, dtype=np.float32))
    scale = adaptive_temperature(table) if temperature == "adaptive" else float(temperature)
    nearest, farthest = distance_range(table, scale)
    bounds = [radius_bounds((nearest, farthest), strength) for strength in strengths]
    return Radii(
        strengths=np.array(strengths, dtype=np.float64),
        perturbation=np.array(perturbation_radii(table, strengths, scale)),
        lower=np.array([low for low, _ in bounds]),
        upper=np.array([high for _, high in bounds]),
        dropout=np.array([dropout_radius(rate) for rate in strengths]),
        nearest=nearest,
        farthest=farthest,
        temperature=scale,
    )
