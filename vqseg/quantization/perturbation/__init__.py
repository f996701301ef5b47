"""Perturbations of what the decoders read: the QPM's swaps of codes, and what they are compared with.

transitions.py pi(j|i); reach.py how many codewords a token may become, and the temperature for it; held.py that of a network; effect.py
how far a perturbation moves the features, radius.py how far the distribution of codes; kind.py what every perturbation is; search.py and
outwards.py draws from pi; resample.py, shuffle.py, shift.py, dropout.py, complementary.py, nothing.py one kind each (dropout.py two);
registry.py all of them by name; qpm.py the module of the paper.
"""

from vqseg.quantization.perturbation.complementary import COMPLEMENTARY_DROPOUT
from vqseg.quantization.perturbation.dropout import FeatureDropout
from vqseg.quantization.perturbation.effect import perturbation_effect
from vqseg.quantization.perturbation.held import HeldTemperature
from vqseg.quantization.perturbation.kind import CodePerturbation, FeaturePerturbation, Perturbation, PostVQ
from vqseg.quantization.perturbation.nothing import NONE
from vqseg.quantization.perturbation.outwards import Neighbourhood
from vqseg.quantization.perturbation.qpm import QuantizedPerturbation
from vqseg.quantization.perturbation.radius import (
    distance_range,
    dropout_radius,
    perturbation_radii,
    perturbation_radius,
    perturbed_marginal,
    radius_bounds,
)
from vqseg.quantization.perturbation.reach import ReachScale, effective_candidates, reach_of_temperature, temperature_for_reach
from vqseg.quantization.perturbation.registry import (
    PERTURBATIONS,
    QPM,
    code_perturbation,
    compared,
    modes,
    modes_with_reach,
    perturbation_named,
    replacements,
    training_names,
    training_perturbation,
)
from vqseg.quantization.perturbation.resample import RESAMPLE
from vqseg.quantization.perturbation.shift import SHIFT
from vqseg.quantization.perturbation.transitions import (
    Temperature,
    adaptive_temperature,
    check_codebook,
    squared_distances,
    transition_probabilities,
)

__all__ = [
    "COMPLEMENTARY_DROPOUT",
    "NONE",
    "PERTURBATIONS",
    "QPM",
    "RESAMPLE",
    "SHIFT",
    "CodePerturbation",
    "FeatureDropout",
    "FeaturePerturbation",
    "HeldTemperature",
    "Neighbourhood",
    "Perturbation",
    "PostVQ",
    "QuantizedPerturbation",
    "ReachScale",
    "Temperature",
    "adaptive_temperature",
    "check_codebook",
    "code_perturbation",
    "compared",
    "distance_range",
    "dropout_radius",
    "effective_candidates",
    "modes",
    "modes_with_reach",
    "perturbation_effect",
    "perturbation_named",
    "perturbation_radii",
    "perturbation_radius",
    "perturbed_marginal",
    "radius_bounds",
    "reach_of_temperature",
    "replacements",
    "squared_distances",
    "temperature_for_reach",
    "training_names",
    "training_perturbation",
    "transition_probabilities",
]
