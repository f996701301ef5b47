"""Codebook and its perturbation: features -> indices -> perturbed indices -> codewords."""

from vqseg.quantization.perturbation import (
    QuantizedPerturbation,
    dropout_radius,
    perturbation_radius,
    perturbed_marginal,
    transition_probabilities,
)
from vqseg.quantization.quantizer import VectorQuantizer

__all__ = [
    "QuantizedPerturbation",
    "VectorQuantizer",
    "dropout_radius",
    "perturbation_radius",
    "perturbed_marginal",
    "transition_probabilities",
]
