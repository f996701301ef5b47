"""How a run starts: with random weights, a checkpoint's or a pretrained backbone's, and with which parameters to train."""

from __future__ import annotations

from torch import Tensor, nn

from vqseg.checkpoint import load_model
from vqseg.config import Config, TrainConfig
from vqseg.models.encoders import EncoderError, encoder_pair
from vqseg.models.vqseg import VQSeg

# How the names of the decoders' weights begin.
_DECODERS = ("segmentation_decoder.", "image_decoder.")


class TrainingError(RuntimeError):
    """A run that cannot go on. The message says why, and what is left of the run."""


def initial_network(config: Config) -> VQSeg:
    """The network of a run, with the weights that it starts from.

    Raises:
        TrainingError: `train.initial` does not fit the configuration, or a pretrained encoder has no `train.backbone_weights`.
        CheckpointError: `train.initial` cannot be loaded.
        FoundationError: `train.backbone_weights` cannot be loaded.
    """
    network, train = VQSeg(config.model, config.preprocess, config.reads), config.train
    if train.initial is not None:
        start_from(network, train.initial, codes_alone=train.decoders_alone)
        if train.codes_stand:
            _fix_codes(network)
    elif encoder_pair(config.model.encoder).pretrained:
        load_backbone(network, train.backbone_weights)
    return network


def parameter_groups(parts: dict[str, nn.Module], train: TrainConfig) -> list[dict[str, object]]:
    """The optimiser's parameters.

    Args:
        parts: What is trained, by name.
        train: Their learning rates.

    Returns:
        All parameters that are trained in one group; a backbone with a learning rate of its own is a second one.
    """
    networks = [part for part in parts.values() if isinstance(part, VQSeg)] if train.backbone_learning_rate else []
    trained = [parameter for part in parts.values() for parameter in part.parameters() if parameter.requires_grad]
    apart = [parameter for network in networks for parameter in network.encoder.pretrained_parameters()]
    own = {id(parameter) for parameter in apart}
    rest = [parameter for parameter in trained if id(parameter) not in own]
    groups: list[dict[str, object]] = [{"params": rest, "lr": train.learning_rate}]
    return groups + ([{"params": apart, "lr": train.backbone_learning_rate}] if apart else [])


def load_backbone(network: VQSeg, source: str | None) -> None:
    """Give an encoder its pretrained weights.

    Args:
        network: The network; its encoder is changed in place.
        source: A Hub id, a local folder, or "random" to keep the random weights.

    Raises:
        TrainingError: No source is named.
        FoundationError: The weights cannot be loaded.
        EncoderError: The weights do not fit the encoder.
    """
    if source is None:
        raise TrainingError(
            f"model.encoder is {network.config.encoder} and train.backbone_weights names no weights; expected a Hub id such as "
            'facebook/dinov2-small, a local folder, or "random"'
        )
    from vqseg.models.foundation import RANDOM, pretrained

    if source != RANDOM:
        network.encoder.load_pretrained(pretrained(source).state_dict())


def start_from(network: VQSeg, checkpoint: str, *, codes_alone: bool = False) -> None:
    """Copy a checkpoint's weights.

    A network that reads more neighbours than the checkpoint's did starts with zeros for them, and so with the checkpoint's answers.

    Args:
        network: Takes them.
        checkpoint: A folder or a Hub id.
        codes_alone: Take encoder and codebook, which are then not trained any more, and leave the decoders as they are.

    Raises:
        TrainingError: The checkpoint's network does not fit.
        CheckpointError: The checkpoint cannot be loaded.
    """
    try:
        known = load_model(checkpoint)
        weights: dict[str, Tensor] = known.state_dict()
        _require_same_channels(checkpoint, known.config.in_channels, network.config.in_channels)
        before, now = known.config.context_slices, network.config.context_slices
        if before > now:
            raise TrainingError(f"{checkpoint} has context_slices {before}, the configuration {now}; set model.context_slices to {before}")
        if before < now and codes_alone:
            raise TrainingError(f"train.decoders_alone keeps the encoder as it is, so model.context_slices must stay {before}, got {now}")
        if before < now:
            weights |= {f"encoder.{name}": value for name, value in network.encoder.widened(known.encoder.state_dict()).items()}
        if codes_alone:
            weights |= {name: value for name, value in network.state_dict().items() if name.startswith(_DECODERS)}
            _fix_codes(network)
        network.load_state_dict(weights)
    except TrainingError:
        raise
    except (RuntimeError, EncoderError) as error:
        raise TrainingError(f"the network of train.initial {checkpoint!r} does not fit the configuration: {error}") from error


def _require_same_channels(checkpoint: str, before: int, now: int) -> None:
    if before != now:
        raise TrainingError(f"{checkpoint} reads {before} channel(s), the configuration {now}; set model.in_channels to {before}")


def _fix_codes(network: VQSeg) -> None:
    """Leave encoder and codebook as they are from now on."""
    network.encoder.requires_grad_(False)
    network.quantizer.requires_grad_(False)
