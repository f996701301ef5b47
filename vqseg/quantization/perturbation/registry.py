"""Every perturbation by its name. To add one: a module beside this one, and its line in PERTURBATIONS.

Settings, training, serving, the app's modes and the table of strengths follow from it.
"""

from __future__ import annotations

from vqseg.quantization.perturbation.complementary import COMPLEMENTARY_DROPOUT
from vqseg.quantization.perturbation.dropout import CHANNEL_DROPOUT, DROPOUT
from vqseg.quantization.perturbation.kind import CodePerturbation, Perturbation
from vqseg.quantization.perturbation.nothing import NONE
from vqseg.quantization.perturbation.resample import RESAMPLE
from vqseg.quantization.perturbation.shift import SHIFT
from vqseg.quantization.perturbation.shuffle import SHUFFLE

PERTURBATIONS: dict[str, Perturbation] = {
    one.name: one for one in (RESAMPLE, SHUFFLE, SHIFT, DROPOUT, CHANNEL_DROPOUT, COMPLEMENTARY_DROPOUT, NONE)
}

QPM = "qpm"
"""In the settings of a training run: the perturbation of codes that `model.mode` names."""


def modes() -> tuple[str, ...]:
    """Names of the perturbations that replace codes: what `model.mode` and a served slice can have."""
    return tuple(name for name, one in PERTURBATIONS.items() if isinstance(one, CodePerturbation))


def modes_with_reach() -> tuple[str, ...]:
    """Those of `modes` whose replacements depend on the reach."""
    return tuple(name for name in modes() if code_perturbation(name).reaches)


def replacements() -> dict[str, str]:
    """In a sentence, what a replaced token becomes in each of `modes`."""
    return {name: code_perturbation(name).becomes for name in modes()}


def training_names() -> tuple[str, ...]:
    """What `objective.perturbation` can be: the QPM, or one of those that change features."""
    return (QPM, *(name for name in PERTURBATIONS if name not in modes()))


def perturbation_named(name: str) -> Perturbation:
    """The perturbation of this name. Raises ValueError if there is none."""
    if name not in PERTURBATIONS:
        raise ValueError(f"perturbation must be one of {', '.join(PERTURBATIONS)}, got {name!r}")
    return PERTURBATIONS[name]


def training_perturbation(name: str, mode: str) -> Perturbation:
    """What a training run means by a name.

    Args:
        name: `objective.perturbation`: QPM, or any name in PERTURBATIONS.
        mode: `model.mode`, the perturbation that the name "qpm" selects.

    Raises:
        ValueError: If there is none of this name.
    """
    return perturbation_named(mode if name == QPM else name)


def code_perturbation(mode: str) -> CodePerturbation:
    """The perturbation of codes of this name. Raises ValueError if there is none."""
    found = PERTURBATIONS.get(mode)
    if not isinstance(found, CodePerturbation):
        raise ValueError(f"mode must be one of {', '.join(modes())}, got {mode!r}")
    return found


def compared() -> tuple[Perturbation, ...]:
    """What the app draws beside each other."""
    return tuple(one for one in PERTURBATIONS.values() if one.compared)
