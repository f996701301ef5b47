"""How far a perturbation moves the distribution of codes: Q, Eq. 5, and KL(P || Q), Eq. 6, beside that of dropout, Eq. 1.

Never holds a K x K matrix. Shapes: codewords (K, D).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from vqseg.quantization.perturbation.transitions import Temperature, check_codebook, squared_distances, temperature_of

# Elements of one block of rows x K distances (64 MB in float32).
_BLOCK = 1 << 24
# The same for a block that is read several times in float64 (4 MB).
_CACHED = 1 << 19
# Sums below this may have lost terms to the float's smallest number.
_UNDERFLOW = 1e-280


def _log_marginal(codewords: Tensor, strength: float, temperature: Temperature) -> Tensor:
    """log Q(c_j | strength), (K,) float64, finite wherever Q is positive, however small."""
    check_codebook(codewords, strength)
    moved = _log_inflow(codewords.double(), temperature_of(codewords, temperature))
    return _log_mixture(moved, strength) - math.log(len(codewords))


def _log_mixture(moved: Tensor, strength: float) -> Tensor:
    """log(1 - strength + strength * exp(moved)), in the logarithm throughout."""
    stay = torch.tensor(1.0 - strength, dtype=torch.float64, device=moved.device).log()
    move = torch.tensor(strength, dtype=torch.float64, device=moved.device).log()
    return torch.logaddexp(stay.expand_as(moved), move + moved)


def _log_inflow(codewords: Tensor, scale: Tensor) -> Tensor:
    """log of sum_{i != j} exp(-d_ij / scale) / Z_i for every j: codewords (K, D) float64 -> (K,).

    Summed plainly in blocks of rows that fit into the cache. A codeword that is nobody's near neighbour comes out as zero then, long
    before its logarithm does: those columns are summed again in the logarithm.
    """
    size = len(codewords)
    everyone = torch.arange(size, device=codewords.device)
    inflow, log_normaliser = codewords.new_zeros(size), codewords.new_empty(size)
    for rows in everyone.split(max(1, _CACHED // size)):
        logits = squared_distances(rows, codewords).div_(-scale)
        highest = logits.amax(1, keepdim=True)
        weights = logits.sub_(highest).exp_()
        total = weights.sum(1)
        log_normaliser[rows] = total.log() + highest.squeeze(1)
        inflow += total.reciprocal() @ weights
    lost = (inflow < _UNDERFLOW).nonzero().squeeze(1)
    result = inflow.log()
    for columns in lost.split(max(1, _BLOCK // size)):
        # d is symmetric: the columns of the lost ones are their rows.
        logits = squared_distances(columns, codewords).div_(-scale).sub_(log_normaliser)
        result[columns] = torch.logsumexp(logits, dim=1)
    return result


def perturbed_marginal(codewords: Tensor, strength: float, temperature: Temperature = 1.0) -> Tensor:
    """Q(c_j | strength) under a uniform prior, Eq. 5, computed in blocks of rows.

    Args:
        codewords: (K, D), K >= 2.
        strength: epsilon in [0, 1].
        temperature: Divides the squared distances.

    Returns:
        (K,) float64, sums to 1.

    Raises:
        ValueError: For fewer than two codewords, a strength outside [0, 1] or a temperature that is not positive.
    """
    return _log_marginal(codewords, strength, temperature).exp()


def perturbation_radius(codewords: Tensor, strength: float, temperature: Temperature = 1.0) -> float:
    """KL(P || Q), Eq. 6: finite for every strength in [0, 1].

    Args:
        codewords: (K, D), K >= 2.
        strength: epsilon in [0, 1].
        temperature: Divides the squared distances.

    Returns:
        Nats, never negative.

    Raises:
        ValueError: For fewer than two codewords, a strength outside [0, 1] or a temperature that is not positive.
    """
    return perturbation_radii(codewords, [strength], temperature)[0]


def perturbation_radii(codewords: Tensor, strengths: Sequence[float], temperature: Temperature = 1.0) -> list[float]:
    """`perturbation_radius` at many strengths for the price of one: the sums over pairs of codewords are computed once.

    Args:
        codewords: (K, D), K >= 2.
        strengths: Each in [0, 1].
        temperature: Divides the squared distances.

    Returns:
        Nats, one for each strength.

    Raises:
        ValueError: As `perturbation_radius`.
    """
    for strength in strengths:
        check_codebook(codewords, strength)
    moved = _log_inflow(codewords.double(), temperature_of(codewords, temperature))
    # P is 1 / K, Q is the mixture's K-th part: the K cancels.
    return [max(0.0, float(-_log_mixture(moved, strength).mean())) for strength in strengths]


def radius_bounds(distances: tuple[float, float], strength: float) -> tuple[float, float]:
    """Bounds of KL(P || Q), Appendix B.

    Every off-diagonal term of pi is between exp(-D_max) / ((K - 1) exp(-D_min)) and exp(-D_min) / ((K - 1) exp(-D_max)) times the
    strength; a codeword gathers K - 1 of them, so that K Q(c_j) lies between 1 - strength + strength * exp(-+(D_max - D_min)).

    Args:
        distances: D_min and D_max, the smallest and the largest d / temperature between two codewords.
        strength: epsilon in [0, 1].

    Returns:
        Lower and upper bound in nats. No divergence is below 0.
    """
    width = torch.tensor(distances[1] - distances[0], dtype=torch.float64)
    low, high = (float(_log_mixture(sign * width, strength)) for sign in (-1, 1))
    return max(0.0, -high), max(0.0, -low)


def distance_range(codewords: Tensor, temperature: Temperature = 1.0) -> tuple[float, float]:
    """The smallest and the largest d / temperature between two different codewords.

    Args:
        codewords: (K, D), K >= 2.
        temperature: Divides the squared distances.
    """
    check_codebook(codewords)
    codewords = codewords.double()
    scale, low, high = float(temperature_of(codewords, temperature)), math.inf, 0.0
    for rows in torch.arange(len(codewords), device=codewords.device).split(max(1, _CACHED // len(codewords))):
        distances = squared_distances(rows, codewords)
        low = min(low, float(distances.min()))
        high = max(high, float(distances.masked_fill_(distances.isinf(), 0).max()))
    return low / scale, high / scale


def dropout_radius(rate: float) -> float:
    """KL of feature dropout by moment matching in nats, Eq. 1: (p / (1 - p) + log(1 - p)) / 2; infinite at p = 1."""
    if not 0.0 <= rate <= 1.0:
        raise ValueError(f"rate must lie in [0, 1], got {rate}")
    return math.inf if rate == 1.0 else 0.5 * (rate / (1.0 - rate) + math.log1p(-rate))


def dropout_radii(codewords: Tensor, rates: Sequence[float], temperature: Temperature = 1.0) -> list[float]:
    """`dropout_radius` at many rates, of single features as of channels: each feature has the same marginal.

    Args:
        codewords: (K, D). Eq. 1 does not look at them.
        rates: Each in [0, 1].
        temperature: Without meaning here.

    Raises:
        ValueError: As `dropout_radius`.
    """
    return [dropout_radius(rate) for rate in rates]


def shuffle_radii(codewords: Tensor, strengths: Sequence[float], temperature: Temperature = 1.0) -> list[float]:
    """The radius of shuffling: 0 at every strength, since the codes of an image stay the same ones.

    Args:
        codewords: (K, D).
        strengths: Each in [0, 1].
        temperature: Without meaning here.

    Raises:
        ValueError: As `perturbation_radius`.
    """
    for strength in strengths:
        check_codebook(codewords, strength)
    return [0.0 for _ in strengths]
