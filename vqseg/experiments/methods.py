"""The methods that are compared, each as a few changes to one configuration: the same encoder, decoders, views, schedule and seeds.

In a method without a codebook the encoder's features go straight to the decoders. A method without a part switches it off explicitly:
otherwise the configuration could bring that part into the method's row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from vqseg.config import Config, ConfigError
from vqseg.plain import Json

Changes = Mapping[str, Json]

_WITHOUT: Changes = {
    "objective.alignment": 0.0,
    "objective.feature_stream": False,
    "objective.target": "labels",
    "objective.mixing": "cutmix",
}
CODEBOOK: Changes = {**_WITHOUT, "model.continuous": False}
CONTINUOUS: Changes = {**_WITHOUT, "model.continuous": True, "objective.reconstruction": 0.0, "objective.usage": 0.0}

METHODS: dict[str, Changes] = {
    "supervised": {**CONTINUOUS, "objective.perturbation": "none", "objective.unlabelled": 0.0},
    "mean-teacher": {**CONTINUOUS, "objective.perturbation": "dropout", "objective.strength": 0.5},
    "unimatch": {
        **CONTINUOUS,
        "objective.perturbation": "channel_dropout",
        "objective.strength": 0.5,
        "objective.feature_stream": True,
    },
    "unimatch-v2": {**CONTINUOUS, "objective.perturbation": "complementary_dropout", "objective.strength": 0.5},
    "ua-mt": {**CONTINUOUS, "objective.perturbation": "dropout", "objective.strength": 0.5, "objective.target": "probabilities"},
    "bcp": {**CONTINUOUS, "objective.perturbation": "none", "objective.mixing": "copy-paste"},
    # As in its paper, every pixel of the other network's labels counts.
    "cps": {**CONTINUOUS, "objective.perturbation": "none", "objective.target": "partner", "objective.confidence": 0.0},
    "vq": {**CODEBOOK, "objective.perturbation": "none", "objective.reconstruction": 0.0},
    "vq-dropout": {**CODEBOOK, "objective.perturbation": "dropout", "objective.strength": 0.5},
    "vq-seg": {**CODEBOOK, "objective.perturbation": "qpm"},
    "vq-seg-single-branch": {**CODEBOOK, "objective.perturbation": "qpm", "objective.reconstruction": 0.0},
    "vq-seg-aligned": {**CODEBOOK, "objective.perturbation": "qpm", "objective.alignment": 5.0},
}
"""supervised: labelled images only. mean-teacher: an EMA teacher's pseudo-labels, feature dropout on the student. unimatch: dropout of
whole channels in a stream of its own. unimatch-v2: complementary dropout of channels. ua-mt: an uncertainty-aware mean teacher. bcp:
copy-paste between labelled and unlabelled images in both directions. cps: two networks that learn each other's labels. vq: a codebook,
neither perturbation nor image branch. vq-dropout: dropout on post-VQ features and the image branch. vq-seg: QPM and image branch (dual
branch). vq-seg-single-branch: without the image decoder's loss. vq-seg-aligned: with the foundation model (Eq. 12)."""


def changed(config: Config, changes: Changes) -> Config:
    """A configuration with some settings changed.

    Args:
        config: The configuration.
        changes: Values by dotted key, for example {"train.seed": 3}.

    Raises:
        ConfigError: A key is unknown, or a value out of range.
    """
    rooms: dict[str, dict[str, Json]] = {}
    for key, value in changes.items():
        room, _, name = key.partition(".")
        if not hasattr(getattr(config, room, None), name):
            raise ConfigError(f"unknown setting {key!r}")
        rooms.setdefault(room, {})[name] = value
    # All at once: some settings are only valid together.
    return replace(config, **{room: replace(getattr(config, room), **values) for room, values in rooms.items()})


def with_method(config: Config, name: str) -> Config:
    """The configuration of one method.

    Args:
        config: What the methods have in common.
        name: One of METHODS.

    Raises:
        ConfigError: The name is unknown, or the configuration has data.pseudo_labels: every method's own teacher makes its own.
    """
    if name not in METHODS:
        raise ConfigError(f"unknown method {name!r}; expected one of {', '.join(METHODS)}")
    if config.data.pseudo_labels is not None:
        raise ConfigError("each method makes pseudo-labels with its own teacher; leave data.pseudo_labels out")
    return changed(config, METHODS[name])
