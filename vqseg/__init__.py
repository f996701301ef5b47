"""VQ-Seg: vector-quantized semi-supervised medical image segmentation (NeurIPS 2025, arXiv 2601.10124)."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.2.0"
__all__ = ["QuantizedBottleneck", "QuantizedPerturbation", "Segmenter", "VQSeg", "VectorQuantizer", "load_model"]

if TYPE_CHECKING:
    from vqseg.checkpoint import load_model
    from vqseg.inference import Segmenter
    from vqseg.models.vqseg import VQSeg
    from vqseg.quantization.bottleneck import QuantizedBottleneck
    from vqseg.quantization.perturbation import QuantizedPerturbation
    from vqseg.quantization.quantizer import VectorQuantizer

_HOMES = {
    "QuantizedBottleneck": "vqseg.quantization.bottleneck",
    "QuantizedPerturbation": "vqseg.quantization.perturbation",
    "Segmenter": "vqseg.inference",
    "VQSeg": "vqseg.models.vqseg",
    "VectorQuantizer": "vqseg.quantization.quantizer",
    "load_model": "vqseg.checkpoint",
}


def __getattr__(name: str) -> object:
    # Importing the package stays cheap: torch comes in with the first name that needs it.
    if name not in _HOMES:
        raise AttributeError(f"module 'vqseg' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
