"""What a run starts from: a checkpoint's weights or a pretrained backbone, and the parameters that it trains."""

from __future__ import annotations

from typing import Any

from torch import nn

from vqseg.checkpoint import load_model
from vqseg.config import TrainConfig
from vqseg.models.encoders import encoder_pair
from vqseg.models.vqseg import VQSeg


class TrainingError(RuntimeError):
    """A run that cannot go on, with the reason and what is left of it."""


def parameter_groups(parts: dict[str, nn.Module], train: TrainConfig) -> list[dict[str, Any]]:
    """All parameters, in one group; a backbone with a learning rate of its own is a second one."""
    student = parts["student"]
    apart = student.encoder.pretrained_parameters() if isinstance(student, VQSeg) and train.backbone_learning_rate else []
    own = {id(parameter) for parameter in apart}
    rest = [parameter for part in parts.values() for parameter in part.parameters() if id(parameter) not in own]
    groups = [{"params": rest, "lr": train.learning_rate}]
    return groups + ([{"params": apart, "lr": train.backbone_learning_rate}] if apart else [])


def load_backbone(network: VQSeg, source: str | None) -> None:
    """Pretrained weights for an encoder that starts from such; random ones only where asked for by name.

    Args:
        network: Changed in place; left alone if its encoder starts from nothing.
        source: `train.backbone_weights`.

    Raises:
        TrainingError: If no weights are named.
        FoundationError: If they cannot be had.
        EncoderError: If they do not fit.
    """
    if not encoder_pair(network.config.encoder).pretrained:
        return
    if source is None:
        raise TrainingError(
            f"model.encoder is {network.config.encoder} and train.backbone_weights names no weights; expected a Hub id such as "
            'facebook/dinov2-small, a local folder, or "random"'
        )
    from vqseg.models.foundation import RANDOM, pretrained

    if source != RANDOM:
        network.encoder.load_pretrained(pretrained(source).state_dict())


def start_from(network: VQSeg, checkpoint: str) -> None:
    """Copy a checkpoint's weights. Raises TrainingError if its network has another form."""
    try:
        network.load_state_dict(load_model(checkpoint).state_dict())
    except RuntimeError as error:
        raise TrainingError(f"train.initial {checkpoint!r} has a network of another form than the configuration: {error}") from error
