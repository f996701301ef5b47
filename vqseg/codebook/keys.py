"""Hashes that identify a codebook."""

from __future__ import annotations

import hashlib
from typing import Protocol

import numpy as np
import torch

from vqseg.models.vqseg import VQSeg
from vqseg.types import Array


class HasCodewords(Protocol):
    """Whoever gives its mapped codewords as an array (K, D) float32, as a Segmenter does."""

    @property
    def codewords(self) -> Array: ...


def codewords_of(model: VQSeg | HasCodewords) -> Array:
    """The mapped codewords of a network, or of the Segmenter that holds it, (K, D) float32."""
    if not isinstance(model, VQSeg):
        return model.codewords
    with torch.no_grad():
        return model.quantizer.codewords().float().cpu().numpy()


def key_of(codewords: Array) -> str:
    """Hash of codewords (K, D), 16 hexadecimal digits."""
    return hashlib.sha256(np.ascontiguousarray(codewords, dtype=np.float32).tobytes()).hexdigest()[:16]


def codebook_key(model: VQSeg | HasCodewords) -> str:
    """Hash of the mapped codewords as they are saved: projections and counts belong to it."""
    return key_of(codewords_of(model))
