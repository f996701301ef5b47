"""Perturbations of what the decoders read: the QPM's swaps of codes, and what they are compared with.

transitions.py pi(j|i); radius.py how far a perturbation moves the distribution of codes; kind.py what every perturbation is;
resample.py, shuffle.py, dropout.py, nothing.py one kind each; registry.py all of them by name; qpm.py the module of the paper.
"""

from vqseg.quantization.perturbation.dropout import FeatureDropout
from vqseg.quantization.perturbation.kind import CodePerturbation, FeaturePerturbation, Perturbation, PostVQ
from vqseg.quantization.perturbation.qpm import QuantizedPerturbation
from vqseg.quantization.perturbation.radius import (
    distance_range,
    dropout_radius,
    perturbation_radii,
    perturbation_radius,
    perturbed_marginal,
    radius_bounds,
)
from vqseg.quantization.perturbation.registry import (
    PERTURBATIONS,
    QPM,
    code_perturbation,
    modes,
    perturbation_named,
    training_names,
    training_perturbation,
)
from vqseg.quantization.perturbation.transitions import Temperature, adaptive_temperature, squared_distances, transition_probabilities

__all__ = [
    "PERTURBATIONS",
    "QPM",
    "CodePerturbation",
    "FeatureDropout",
    "FeaturePerturbation",
    "Perturbation",
    "PostVQ",
    "QuantizedPerturbation",
    "Temperature",
    "adaptive_temperature",
    "code_perturbation",
    "distance_range",
    "dropout_radius",
    "modes",
    "perturbation_named",
    "perturbation_radii",
    "perturbation_radius",
    "perturbed_marginal",
    "radius_bounds",
    "squared_distances",
    "training_names",
    "training_perturbation",
    "transition_probabilities",
]
