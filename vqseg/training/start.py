"""What a run starts from: a checkpoint's weights or a pretrained backbone, and the parameters that it trains."""

from __future__ import annotations

from typing import Any

from torch import nn

from vqseg.checkpoint import load_model
from vqseg.config import TrainConfig
from vqseg.models.vit import ViTEncoder
from vqseg.models.vqseg import VQSeg


class TrainingError(RuntimeError):
    """A run that cannot go on, with the reason and what is left of it."""


def parameter_groups(parts: dict[str, nn.Module], train: TrainConfig) -> list[dict[str, Any]]:
    """All parameters, in one group; a backbone with a learning rate of its own is a second one."""
    encoder = getattr(parts["student"], "encoder", None)
    apart = list(encoder.backbone.parameters()) if isinstance(encoder, ViTEncoder) and train.backbone_learning_rate else []
    own = {id(parameter) for parameter in apart}
    rest = [parameter for part in parts.values() for parameter in part.parameters() if id(parameter) not in own]
    groups = [{"params": rest, "lr": train.learning_rate}]
    return groups + ([{"params": apart, "lr": train.backbone_learning_rate}] if apart else [])


def load_backbone(encoder: ViTEncoder, source: str | None) -> None:
    """Pretrained weights for the encoder; random ones only where asked for by name."""
    if source is None:
        raise TrainingError(
            "model.encoder is vit and train.backbone_weights names no weights; expected a Hub id such as facebook/dinov2-small, "
            'a local folder, or "random"'
        )
    from vqseg.models.foundation import RANDOM, pretrained

    if source != RANDOM:
        encoder.load_backbone(pretrained(source).state_dict())


def start_from(network: VQSeg, checkpoint: str) -> None:
    """Copy a checkpoint's weights. Raises TrainingError if its network has another form."""
    try:
        network.load_state_dict(load_model(checkpoint).state_dict())
    except RuntimeError as error:
        raise TrainingError(f"train.initial {checkpoint!r} has a network of another form than the configuration: {error}") from error
