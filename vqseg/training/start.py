"""How a run starts: with random weights, a checkpoint's or a pretrained backbone's, and with which parameters to train."""

from __future__ import annotations

from torch import nn

from vqseg.checkpoint import load_model
from vqseg.config import Config, TrainConfig
from vqseg.models.vit import ViTEncoder
from vqseg.models.vqseg import VQSeg


class TrainingError(RuntimeError):
    """A run that cannot go on, with the reason and what is left of it."""


def initial_network(config: Config) -> VQSeg:
    """The network of a run, with the weights that it starts from.

    Raises:
        TrainingError: `train.initial` has another form, or a vision transformer names no weights.
        CheckpointError: `train.initial` cannot be loaded.
        FoundationError: `train.backbone_weights` cannot be loaded.
    """
    network, train = VQSeg(config.model, config.preprocess), config.train
    if train.initial is not None:
        start_from(network, train.initial)
    elif isinstance(network.encoder, ViTEncoder):
        load_backbone(network.encoder, train.backbone_weights)
    return network


def parameter_groups(parts: dict[str, nn.Module], train: TrainConfig) -> list[dict[str, object]]:
    """The optimiser's parameters.

    Args:
        parts: What is trained, by name; "student" is the network.
        train: Their learning rates.

    Returns:
        All parameters in one group; a backbone with a learning rate of its own is a second one.
    """
    encoder = getattr(parts["student"], "encoder", None)
    apart = list(encoder.backbone.parameters()) if isinstance(encoder, ViTEncoder) and train.backbone_learning_rate else []
    own = {id(parameter) for parameter in apart}
    rest = [parameter for part in parts.values() for parameter in part.parameters() if id(parameter) not in own]
    groups: list[dict[str, object]] = [{"params": rest, "lr": train.learning_rate}]
    return groups + ([{"params": apart, "lr": train.backbone_learning_rate}] if apart else [])


def load_backbone(encoder: ViTEncoder, source: str | None) -> None:
    """Give a vision transformer its pretrained weights.

    Args:
        encoder: The encoder.
        source: A Hub id, a local folder, or "random" to keep the random weights.

    Raises:
        TrainingError: No source is named.
        FoundationError: The weights cannot be loaded.
    """
    if source is None:
        raise TrainingError(
            "model.encoder is vit and train.backbone_weights names no weights; expected a Hub id such as facebook/dinov2-small, "
            'a local folder, or "random"'
        )
    from vqseg.models.foundation import RANDOM, pretrained

    if source != RANDOM:
        encoder.load_backbone(pretrained(source).state_dict())


def start_from(network: VQSeg, checkpoint: str) -> None:
    """Copy a checkpoint's weights.

    Args:
        network: Takes them.
        checkpoint: A folder or a Hub id.

    Raises:
        TrainingError: The checkpoint's network has another form.
        CheckpointError: The checkpoint cannot be loaded.
    """
    try:
        network.load_state_dict(load_model(checkpoint).state_dict())
    except RuntimeError as error:
        raise TrainingError(f"train.initial {checkpoint!r} has a network of another form than the configuration: {error}") from error
