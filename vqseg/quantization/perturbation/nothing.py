"""No perturbation, for comparison: the decoders read what the quantizer gives."""

from __future__ import annotations

from torch import Generator, Tensor

from vqseg.quantization.perturbation.effect import no_effect
from vqseg.quantization.perturbation.kind import FeaturePerturbation, PostVQ
from vqseg.types import Share


def _leave(tokens: PostVQ, strength: float, generator: Generator | None, share: Share) -> Tensor:
    return tokens.features


NONE = FeaturePerturbation(name="none", title="nothing", change=_leave, closed_form=no_effect, coupled=True, tabled=False, compared=False)
