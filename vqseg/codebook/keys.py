"""Which codebook something belongs to."""

from __future__ import annotations

import hashlib

import numpy as np
import torch

from vqseg.models.vqseg import VQSeg
from vqseg.types import Array


def codewords_of(model: VQSeg) -> Array:
    """The mapped codewords of a network, (K, D) float32."""
    with torch.no_grad():
        return model.quantizer.codewords().float().cpu().numpy()


def key_of(codewords: Array) -> str:
    """Hash of codewords (K, D), 16 hexadecimal digits."""
    return hashlib.sha256(np.ascontiguousarray(codewords, dtype=np.float32).tobytes()).hexdigest()[:16]


def codebook_key(model: VQSeg) -> str:
    """Hash of the mapped codewords as they are saved: what projection and counts belong to."""
    return key_of(codewords_of(model))
