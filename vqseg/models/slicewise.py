"""A volume read by the 2D network, slice by slice: normalised slices -> indices -> labels and reconstruction on the scan's grid.

Shapes: slices (S, A, B) in [0, 1]; network size (H, W) = `network_size((A, B))`; indices (S, h, w).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from vqseg.data.preprocess import from_network, network_size, to_network
from vqseg.data.regions import largest_region
from vqseg.models.vqseg import VQSeg
from vqseg.types import Array

# Slices that are in the network at once: bounds memory, whatever the volume's length.
_SLICES_AT_ONCE = 4


class NoIndicesError(ValueError):
    """A network for comparison whose segmentation does not follow from indices."""


def _nothing(_: float) -> None:
    return None


@torch.inference_mode()
def encode_slices(model: VQSeg, slices: Array, progress: Callable[[float], None] = _nothing) -> Tensor:
    """Normalised slices (S, A, B) -> indices (S, h, w) int64 on the CPU. progress is called with the share done.

    Raises NoIndicesError for a network that decodes more than indices.
    """
    if not model.indexed:
        raise NoIndicesError("this network was trained to decode continuous features, for comparison: it has no indices to work with")
    return chosen_codes(model, slices, progress)


@torch.inference_mode()
def chosen_codes(model: VQSeg, slices: Array, progress: Callable[[float], None] = _nothing) -> Tensor:
    """The same for any network with a codebook: the indices of the levels that pass it. They may not be all that is decoded."""
    parts = []
    for start in range(0, len(slices), _SLICES_AT_ONCE):
        part = slices[start : start + _SLICES_AT_ONCE]
        parts.append(model.quantizer(model.split_levels(_features(model, part))[1]).indices.cpu())
        progress(min(1.0, (start + len(part)) / len(slices)))
    return torch.cat(parts)


@torch.inference_mode()
def encode_features(model: VQSeg, slices: Array) -> Tensor:
    """A few normalised slices (S, A, B) -> z (S, D, h, w) on the CPU, the features that the indices stand for."""
    return _features(model, slices).float().cpu()


def _features(model: VQSeg, slices: Array) -> Tensor:
    images = to_network(slices, model.preprocess).to(next(model.parameters()).device)
    return model.encode(images.contiguous(memory_format=torch.channels_last))


@torch.inference_mode()
def decode_indices(
    model: VQSeg, indices: Tensor, size: tuple[int, int], progress: Callable[[float], None] = _nothing
) -> tuple[Array, Array]:
    """Decode the codes of slices, a few slices at a time.

    Args:
        model: A network with a codebook.
        indices: (S, h, w) int64.
        size: (A, B), that of a slice on the scan's grid.
        progress: Called with the share done.

    Returns:
        Labels (S, A, B) uint8 and reconstruction (S, A, B) float32 in [0, 1].
    """
    return decode_in_parts(model, len(indices), lambda part: post_vq_features(model, indices[part]), size, progress)


@torch.inference_mode()
def decode_in_parts(
    model: VQSeg,
    count: int,
    features: Callable[[slice], Tensor],
    size: tuple[int, int],
    progress: Callable[[float], None] = _nothing,
) -> tuple[Array, Array]:
    """Decode features that would not fit all at once.

    Args:
        model: The network.
        count: S, how many slices there are.
        features: Gives the post-VQ features (n, D, h, w) of the slices start to stop; called with one part after the other.
        size: (A, B), that of a slice on the scan's grid.
        progress: Called with the share done.

    Returns:
        As `decode_indices`.
    """
    # Filled in place: a volume of 400 slices would not fit twice.
    labels, pictures = np.empty((count, *size), np.uint8), np.empty((count, *size), np.float32)
    for start in range(0, count, _SLICES_AT_ONCE):
        part = slice(start, min(start + _SLICES_AT_ONCE, count))
        labels[part], pictures[part] = decode_features(model, features(part), size)
        progress(part.stop / count)
    return labels, pictures


@torch.inference_mode()
def decode_labels(model: VQSeg, indices: Tensor, size: tuple[int, int]) -> Array:
    """The labels alone that `decode_indices` gives, in about half of its time."""
    labels, (height, width) = np.empty((len(indices), *size), np.uint8), network_size(size, model.preprocess)
    for start in range(0, len(indices), _SLICES_AT_ONCE):
        part = slice(start, start + _SLICES_AT_ONCE)
        logits = model.segmentation_decoder(post_vq_features(model, indices[part]))[..., :height, :width]
        labels[part] = from_network(logits, size).argmax(1).to(torch.uint8).cpu().numpy()
    return labels


@torch.inference_mode()
def post_vq_features(model: VQSeg, indices: Tensor) -> Tensor:
    """Indices (S, h, w) -> their codewords (S, D, h, w), what both decoders read."""
    return model.quantizer.lookup(indices.to(next(model.parameters()).device)).permute(0, 3, 1, 2)


@torch.inference_mode()
def decode_features(model: VQSeg, features: Tensor, size: tuple[int, int]) -> tuple[Array, Array]:
    """Post-VQ features (S, D, h, w) of a few slices -> as `decode_indices`."""
    logits, reconstruction = model.decode(features, network_size(size, model.preprocess))
    labels = from_network(logits, size).argmax(1).to(torch.uint8)
    return labels.cpu().numpy(), from_network(reconstruction, size)[:, 0].clamp(0, 1).float().cpu().numpy()


def decode_volume(
    model: VQSeg, indices: Tensor, size: tuple[int, int], progress: Callable[[float], None] = _nothing
) -> tuple[Array, Array]:
    """All slices of a volume as `decode_indices` gives them, in one piece where the checkpoint asks for it."""
    labels, pictures = decode_indices(model, indices, size, progress)
    return finished(model, labels), pictures


def label_volume(model: VQSeg, indices: Tensor, size: tuple[int, int]) -> Array:
    """The labels alone that `decode_volume` gives."""
    return finished(model, decode_labels(model, indices, size))


def finished(model: VQSeg, labels: Array) -> Array:
    """Labels (S, A, B) of a volume with what the checkpoint asks for done to them."""
    return largest_region(labels, each=model.preprocess.largest_of_each) if model.preprocess.largest_region else labels


@torch.inference_mode()
def segment_slices(model: VQSeg, slices: Array) -> Array:
    """A volume's normalised slices (S, A, B) -> labels (S, A, B) uint8, straight through the network: for those without indices, too."""
    device = next(model.parameters()).device
    labels = []
    for start in range(0, len(slices), _SLICES_AT_ONCE):
        images = to_network(slices[start : start + _SLICES_AT_ONCE], model.preprocess).to(device)
        logits = model.segment(images)
        labels.append(from_network(logits, (slices.shape[1], slices.shape[2])).argmax(1).to(torch.uint8).cpu().numpy())
    return finished(model, np.concatenate(labels))
