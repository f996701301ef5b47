"""How strong a perturbation is by two numbers that know no decoder: the KL radius of the paper, and the effect."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.scan.lru import LruOfEach
from app.scan.models import Served
from app.tabs.learn.place import Place
from vqseg.codebook import kind_effects, radii

# Of a radius. Less is as good as nothing.
_DECIMALS = 3
# Radii at one strength belong to a codebook: those of the lesson's reaches.
_MOST_KEPT = 8


@dataclass(frozen=True)
class Radius:
    """KL radii in nats at one strength.

    Attributes:
        swaps: Of the QPM at one reach (Eq. 6).
        dropout: Of dropout, of single features or of channels alike (Eq. 1).
    """

    swaps: float
    dropout: float


_RADII: LruOfEach[Served, tuple[float, float], Radius] = LruOfEach(lambda _: _MOST_KEPT)


def radius_at(place: Place, reach: float, strength: float) -> Radius:
    """Both radii. They are computed once for a checkpoint: 4096 codewords take a quarter of a second.

    Args:
        place: Its checkpoint's codebook is used.
        reach: Of the QPM, in [1, K - 1].
        strength: Epsilon and rate alike, in [0, 1).
    """
    model = place.scan.model

    def made() -> Radius:
        found = radii(place.scan.segmented.codewords, model.segmenter.temperature_at(reach), (strength,))
        return Radius(round(float(found.perturbation[0]), _DECIMALS), round(float(found.dropout[0]), _DECIMALS))

    return _RADII.of(model).made((reach, strength), made)


def effect_at(place: Place, mode: str, reach: float | None, strength: float) -> float:
    """How far a perturbation moves the slice's tokens: the expected squared move over their variance.

    Args:
        place: Its slice's tokens are the usage.
        mode: Name of the perturbation.
        reach: In [1, K - 1]; None for one that knows none.
        strength: In [0, 1].
    """
    segmented, model = place.scan.segmented, place.scan.model
    usage = np.bincount(segmented.indices[place.request.index].ravel(), minlength=segmented.codebook_size)
    return float(kind_effects(mode, segmented.codewords, usage, model.segmenter.temperature_at(reach), (strength,))[0])
