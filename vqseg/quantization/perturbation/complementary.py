"""Complementary dropout of channels, as in UniMatch V2 (Yang et al., arXiv 2410.10777, Sec. 3.3): two versions of the same features.

What the first drops, the second keeps, and the other way round, so that together they lose nothing. Channels are dropped where u < p in the
first version and where u >= 1 - p in the second, for one uniform number u a channel. UniMatch V2 has p = 0.5: every channel is in exactly
one version, scaled by 2. Below that the dropped channels are disjoint, above it some are missing in both. (There each version is of another
strong view, and half of the images are left whole.)
"""

from __future__ import annotations

from torch import Generator, Tensor

from vqseg.quantization.perturbation.dropout import FeatureDropout, kept_features
from vqseg.quantization.perturbation.effect import dropout_effect
from vqseg.quantization.perturbation.kind import FeaturePerturbation, PostVQ
from vqseg.types import Share

_DROP = FeatureDropout(channels=True)


def _pair(tokens: PostVQ, rate: float, generator: Generator | None, share: Share) -> tuple[Tensor, Tensor]:
    features, uniform = tokens.features, _DROP.draw(tokens.features, generator, share)
    return kept_features(features, uniform >= rate, rate), kept_features(features, uniform < 1.0 - rate, rate)


def _first(tokens: PostVQ, rate: float, generator: Generator | None, share: Share) -> Tensor:
    return _pair(tokens, rate, generator, share)[0]


COMPLEMENTARY_DROPOUT = FeaturePerturbation(
    name="complementary_dropout",
    title="complementary dropout of channels",
    change=_first,
    pair=_pair,
    # Each version alone is dropout at this rate.
    closed_form=dropout_effect,
    amount="rate",
    symbol="p",
    coupled=True,
    # The published table of strengths was measured without it.
    tabled=False,
    # The app has no words and no colours for it.
    compared=False,
)
