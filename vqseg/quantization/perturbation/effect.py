"""Effect: how far a perturbation moves what the decoders read, on one axis for all kinds.

effect = E|q' - q|^2 / E|q - mean|^2, the expected squared displacement of a token over the variance of the codewords, both under usage.
0 moves nothing; 2 replaces every token by one drawn from the usage. The KL of marginals (Eq. 6) does not see this: where every code may
become any other the marginal is the uniform one it started from, and the radius 0.

Shapes: codewords (K, D), usage (K,).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from vqseg.quantization.perturbation.transitions import Temperature, check_codebook, squared_distances, temperature_of

Effect = Callable[[Tensor, Tensor, float, Temperature], float]
"""(codewords (K, D), usage (K,), strength, temperature) -> effect."""

# Elements of one block of rows x K distances in float64 (16 MB).
_BLOCK = 1 << 21


def perturbation_effect(codewords: Tensor, usage: Tensor, strength: float, temperature: Temperature = 1.0) -> float:
    """The effect of the QPM's swaps (Eq. 4): strength times the mean squared length of a swap, over the variance of the codewords.

    Args:
        codewords: (K, D), K >= 2.
        usage: (K,), how often each codeword was chosen; codewords with none count for nothing.
        strength: epsilon in [0, 1].
        temperature: Divides the squared distances; a positive number, or "adaptive".

    Returns:
        At least 0; infinite if all tokens share one codeword and it moves.

    Raises:
        ValueError: A shape, the strength or the temperature is wrong, or usage is nowhere positive.
    """
    return ratio(strength * swap_length(codewords, usage, temperature, strength), variance(codewords, usage))


def swap_length(codewords: Tensor, usage: Tensor, temperature: Temperature, strength: float = 1.0) -> float:
    """The mean squared length |c_j - c_i|^2 of a swap, i by usage and j by pi(. | i, j != i). Arguments as of `perturbation_effect`."""
    check_codebook(codewords, strength)
    weights, codewords = shares(codewords, usage), codewords.detach().double()
    scale = temperature_of(codewords, temperature)
    rows, total = weights.nonzero().squeeze(1), 0.0
    for part in rows.split(max(1, _BLOCK // len(codewords))):
        distances = squared_distances(part, codewords)
        likely = torch.softmax(distances / -scale, dim=1)
        lengths = (likely * distances.masked_fill_(distances.isinf(), 0)).sum(1)
        total += float(weights[part] @ lengths)
    return total


def shift_effect(codewords: Tensor, usage: Tensor, strength: float, temperature: Temperature = 1.0) -> float:
    """The effect of moving every token by a share of a swap: strength^2 times a swap's mean squared length, over the variance.

    Arguments, errors and the infinite case as for the QPM.
    """
    return ratio(strength**2 * swap_length(codewords, usage, temperature, strength), variance(codewords, usage))


def shuffle_effect(codewords: Tensor, usage: Tensor, strength: float, temperature: Temperature = 1.0) -> float:
    """The effect of shuffling a share of the positions: two tokens drawn by usage lie two variances apart. Arguments as for the QPM."""
    check_codebook(codewords, strength)
    shares(codewords, usage)
    return 2.0 * strength


def dropout_effect(codewords: Tensor, usage: Tensor, rate: float, temperature: Temperature = 1.0) -> float:
    """The effect of dropout of features or of whole channels: E|q|^2 p / (1 - p) over the variance; E|q|^2 alone at p = 1.

    A kept feature is scaled by 1 / (1 - p), so a feature q moves by q^2 p / (1 - p) on average. Dropping channels together correlates
    what happens to the tokens of an image, and leaves each token's expectation as it is.

    Args:
        codewords: (K, D), K >= 2.
        usage: (K,), as for the QPM.
        rate: p in [0, 1].
        temperature: Without meaning here.

    Raises:
        ValueError: As for the QPM.
    """
    check_codebook(codewords, rate)
    weights = shares(codewords, usage)
    length = float(weights @ codewords.detach().double().square().sum(1))
    # At p = 1 nothing is left, and nothing is scaled.
    return ratio(length if rate == 1.0 else length * rate / (1.0 - rate), variance(codewords, usage))


def no_effect(codewords: Tensor, usage: Tensor, strength: float, temperature: Temperature = 1.0) -> float:
    """The effect of no perturbation."""
    return 0.0


def variance(codewords: Tensor, usage: Tensor) -> float:
    """E|q - E q|^2 of a token's codeword under usage. Arguments as of `perturbation_effect`."""
    weights, codewords = shares(codewords, usage), codewords.detach().double()
    return float(weights @ (codewords - weights @ codewords).square().sum(1))


def shares(codewords: Tensor, usage: Tensor) -> Tensor:
    """Usage as shares of all tokens, (K,) float64. Raises ValueError if it is not (K,), negative, or nowhere positive."""
    if usage.shape != codewords.shape[:1]:
        raise ValueError(f"usage must be ({len(codewords)},), got {tuple(usage.shape)}")
    weights = usage.to(codewords.device).double()
    total = float(weights.sum())
    if not total > 0 or float(weights.min()) < 0:
        raise ValueError("usage must be nowhere negative and somewhere positive")
    return weights / total


def ratio(moved: float, spread: float) -> float:
    """moved / spread; 0 if nothing moves, infinite if something moves where nothing is spread."""
    return 0.0 if moved == 0.0 else math.inf if spread == 0.0 else moved / spread
