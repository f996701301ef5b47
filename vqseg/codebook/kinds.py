"""All kinds of perturbation side by side on one codebook: the KL radius of each, and how far it moves what a decoder reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vqseg.quantization.perturbation import CodePerturbation, Perturbation, Temperature, compared
from vqseg.types import Array


@dataclass(frozen=True)
class Kind:
    """What is told of a kind of perturbation.

    Attributes:
        name: In requests.
        title: As a reader sees it.
        symbol: The letter of its strength.
        swaps: Whether it replaces codes. Otherwise it changes features.
        reaches: Whether the reach decides how far it goes.
    """

    name: str
    title: str
    symbol: str
    swaps: bool
    reaches: bool


@dataclass(frozen=True)
class KindCurve:
    """A kind over n strengths.

    Attributes:
        kind: Which one.
        radius: (n,) float64, KL of the marginals in nats, infinite where it is; None without a formula.
        effect: (n,) float64, E|q' - q|^2 over the variance of the codewords, both under the usage.
    """

    kind: Kind
    radius: Array | None
    effect: Array


def kinds() -> tuple[Kind, ...]:
    """The kinds that are compared, in the order of the registry."""
    return tuple(_told(one) for one in compared())


def kind_curves(codewords: Array, usage: Array, temperature: Temperature, strengths: Sequence[float]) -> tuple[KindCurve, ...]:
    """Radius and effect of every kind. 4096 codewords take about a second.

    Args:
        codewords: (K, D).
        usage: (K,), how often each codeword was chosen. The radius does not look at it: Eq. 5 has a uniform prior.
        temperature: Divides the squared distances.
        strengths: In [0, 1].

    Returns:
        One curve for each of `kinds`.

    Raises:
        ValueError: A strength lies outside [0, 1], or usage does not fit.
    """
    table, counts = _tensor(codewords), torch.from_numpy(np.asarray(usage))
    curves = []
    for one in compared():
        radius = None if one.radius is None else np.array(one.radius(table, strengths, temperature), dtype=np.float64)
        curves.append(KindCurve(_told(one), radius, _effects(one, table, counts, temperature, strengths)))
    return tuple(curves)


def kind_effects(name: str, codewords: Array, usage: Array, temperature: Temperature, strengths: Sequence[float]) -> Array:
    """The effect of one kind at several strengths.

    Args:
        name: That of one of `kinds`.
        codewords: (K, D).
        usage: (K,), how often each codeword was chosen.
        temperature: Divides the squared distances.
        strengths: n values in [0, 1].

    Returns:
        (n,) float64.

    Raises:
        ValueError: There is no such kind, or as for `kind_curves`.
    """
    for one in compared():
        if one.name == name:
            return _effects(one, _tensor(codewords), torch.from_numpy(np.asarray(usage)), temperature, strengths)
    raise ValueError(f"the kinds that are compared are {', '.join(kind.name for kind in kinds())}, got {name!r}")


def _effects(one: Perturbation, table: Tensor, usage: Tensor, temperature: Temperature, strengths: Sequence[float]) -> Array:
    if isinstance(one, CodePerturbation):
        # A share of the tokens moves, each as far as at strength 1. The sum over all pairs of codewords is needed only once.
        whole = one.effect(table, usage, 1.0, temperature)
        return np.array([strength * whole if strength else 0.0 for strength in strengths], dtype=np.float64)
    return np.array([one.effect(table, usage, strength, temperature) for strength in strengths], dtype=np.float64)


def _told(one: Perturbation) -> Kind:
    return Kind(one.name, one.title, one.symbol, isinstance(one, CodePerturbation), one.reaches)


def _tensor(codewords: Array) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(codewords, dtype=np.float32))
