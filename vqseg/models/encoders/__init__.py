"""Every encoder with its decoders. To add one: a module beside this one, and its line in ENCODERS.

Nothing outside of this package asks which encoder a network has: the encoder tells its levels, its stride, the pixels of a token and
the parameters that come pretrained.
"""

from __future__ import annotations

from vqseg.config import ConfigError
from vqseg.models.encoders.compact import COMPACT
from vqseg.models.encoders.pair import Encoder, EncoderError, EncoderPair
from vqseg.models.encoders.vit import VIT

__all__ = ["ENCODERS", "Encoder", "EncoderError", "EncoderPair", "encoder_pair"]

ENCODERS: dict[str, EncoderPair] = {pair.name: pair for pair in (COMPACT, VIT)}


def encoder_pair(name: str) -> EncoderPair:
    """The pair that `model.encoder` names. Raises ConfigError if there is none.

    Asked when a network is built: the settings lie below the networks and know no names of encoders.
    """
    if name not in ENCODERS:
        raise ConfigError(f"model.encoder must be one of {', '.join(ENCODERS)}, got {name!r}")
    return ENCODERS[name]
