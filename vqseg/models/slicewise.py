"""A volume read by the 2D network, slice by slice: normalised slices -> indices -> labels and reconstruction on the scan's grid.

Shapes: slices (S, A, B) in [0, 1], all of a volume if the network reads neighbours; network size (H, W) = `network_size((A, B))`;
indices (S, h, w). Slices and reconstructions of several channels are (S, A, B, C).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vqseg.data.neighbours import alone, joined, neighbours
from vqseg.data.preprocess import from_network, network_size, to_network
from vqseg.data.regions import largest_region, of_usual_size
from vqseg.models.vqseg import VQSeg
from vqseg.types import Array, Encoded, QuantizerOutput

# Slices that are in the network at once, so that memory does not grow with the volume's length.
_SLICES_AT_ONCE = 4
_ALL = slice(None)
_NO_INDICES = "this network decodes continuous features, for comparison; it has no indices to show or perturb"
POOLED = 8
"""Cells along each side of the coarse grid over which features are averaged, whatever a slice's size."""


class NoIndicesError(ValueError):
    """The segmentation of this network, trained for comparison, does not follow from indices."""


def _nothing(_: float) -> None:
    return None


@torch.inference_mode()
def encode_slices(
    model: VQSeg, slices: Array, progress: Callable[[float], None] = _nothing, *, step: int = 1, wanted: slice = _ALL
) -> Tensor:
    """Encode a volume's slices, a few at a time.

    Args:
        model: A network whose segmentation follows from its indices.
        slices: (S, A, B), normalised to [0, 1].
        progress: Called with the share done, in [0, 1].
        step: As for `network_inputs`.
        wanted: The slices to encode, one after the other; all if not given.

    Returns:
        Indices (S, h, w) int64 on the CPU.

    Raises:
        NoIndicesError: The network decodes more than indices.
    """
    if not model.indexed:
        raise NoIndicesError(_NO_INDICES)
    return chosen_codes(model, slices, progress, step=step, wanted=wanted)


@torch.inference_mode()
def chosen_codes(
    model: VQSeg, slices: Array, progress: Callable[[float], None] = _nothing, *, step: int = 1, wanted: slice = _ALL
) -> Tensor:
    """Indices of the levels that pass the codebook, for any network that has one. The decoders may read more than these.

    Args:
        model: A network with a codebook.
        slices: (S, A, B), normalised to [0, 1].
        progress: Called with the share done, in [0, 1].
        step: As for `network_inputs`.
        wanted: As for `encode_slices`.

    Returns:
        (S, h, w) int64 on the CPU.
    """
    return torch.cat([codes.indices.cpu() for _, codes in _quantized(model, slices, progress, step, wanted)])


@torch.inference_mode()
def encode_with_measures(model: VQSeg, slices: Array, progress: Callable[[float], None] = _nothing, *, step: int = 1) -> Encoded:
    """Encode a volume's slices as `encode_slices` does, and keep what tells how well the codebook knows them.

    Args:
        model: A network whose segmentation follows from its indices.
        slices: (S, A, B), normalised to [0, 1].
        progress: Called with the share done, in [0, 1].
        step: As for `network_inputs`.

    Returns:
        The indices of `encode_slices`, with the distances of the tokens from their codewords and a coarse picture of the features.

    Raises:
        NoIndicesError: The network decodes more than indices.
    """
    if not model.indexed:
        raise NoIndicesError(_NO_INDICES)
    indices, distances, pooled = [], [], []
    for z, codes in _quantized(model, slices, progress, step, _ALL):
        indices.append(codes.indices.cpu())
        distances.append(torch.linalg.vector_norm(z - codes.quantized, dim=1).cpu())
        deepest = z[:, :, -(z.shape[2] // model.levels) :]
        pooled.append(F.adaptive_avg_pool2d(deepest, POOLED).permute(0, 2, 3, 1).cpu())
    return Encoded(torch.cat(indices), torch.cat(distances).numpy(), torch.cat(pooled).contiguous().numpy())


def _quantized(
    model: VQSeg, slices: Array, progress: Callable[[float], None], step: int, wanted: slice
) -> Iterator[tuple[Tensor, QuantizerOutput]]:
    """z of the levels that pass the codebook, (n, D, h, w) float32, and what the quantizer makes of it, a few slices after the others."""
    first, last, _ = wanted.indices(len(slices))
    for start in range(first, last, _SLICES_AT_ONCE):
        part = slice(start, min(start + _SLICES_AT_ONCE, last))
        z = model.split_levels(_features(model, slices, part, step))[1].float()
        yield z, model.quantizer(z)
        progress((part.stop - first) / (last - first))


@torch.inference_mode()
def encode_features(model: VQSeg, slices: Array, part: slice, *, step: int = 1) -> Tensor:
    """Features of a few slices before the codebook.

    Args:
        model: The network.
        slices: (S, A, B), normalised to [0, 1].
        part: The slices to encode; all are in the network at once.
        step: As for `network_inputs`.

    Returns:
        z (part, D, h, w) float32 on the CPU.
    """
    return _features(model, slices, part, step).float().cpu()


def network_inputs(model: VQSeg, slices: Array, part: slice, step: int = 1) -> Tensor:
    """What the network reads of a few slices of a volume: these, and their neighbours if it reads any.

    Args:
        model: The network.
        slices: (S, A, B), all of the volume, normalised to [0, 1].
        part: The slices wanted.
        step: Slices from one neighbour to the next, from `vqseg.data.neighbours.slice_step`.

    Returns:
        (part, model.config.input_channels, H, W) float32 on the network's device.
    """
    device, context = next(model.parameters()).device, model.config.context_slices
    if not model.preprocess.neighbours:
        return alone(to_network(slices[part], model.preprocess).to(device), context)
    beside = neighbours(len(slices), context, step)[part]
    needed, places = torch.cat([torch.arange(len(slices))[part, None], beside.rows], 1).unique(return_inverse=True)
    images = to_network(slices[needed.numpy()], model.preprocess).to(device)
    return joined(images[places.to(device)].flatten(1, 2), beside.missing)


def _features(model: VQSeg, slices: Array, part: slice, step: int) -> Tensor:
    return model.encode(network_inputs(model, slices, part, step).contiguous(memory_format=torch.channels_last))


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
    labels, pictures = np.empty((count, *size), np.uint8), _room_for_pictures(model, count, size)
    for start in range(0, count, _SLICES_AT_ONCE):
        part = slice(start, min(start + _SLICES_AT_ONCE, count))
        labels[part], pictures[part] = decode_features(model, features(part), size)
        progress(part.stop / count)
    return labels, pictures


@torch.inference_mode()
def decode_labels(model: VQSeg, indices: Tensor, size: tuple[int, int]) -> Array:
    """The labels alone that `decode_indices` gives, in about half of its time.

    Args:
        model: A network with a codebook.
        indices: (S, h, w) int64.
        size: (A, B), that of a slice on the scan's grid.

    Returns:
        (S, A, B) uint8.
    """
    labels = np.empty((len(indices), *size), np.uint8)
    for start in range(0, len(indices), _SLICES_AT_ONCE):
        part = slice(start, start + _SLICES_AT_ONCE)
        labels[part] = decode_feature_labels(model, post_vq_features(model, indices[part]), size)
    return labels


@torch.inference_mode()
def decode_pictures(model: VQSeg, indices: Tensor, size: tuple[int, int]) -> Array:
    """The reconstruction alone that `decode_indices` gives.

    Args:
        model: A network with a codebook.
        indices: (S, h, w) int64.
        size: (A, B), that of a slice on the scan's grid.

    Returns:
        (S, A, B) float32 in [0, 1].
    """
    pictures = _room_for_pictures(model, len(indices), size)
    for start in range(0, len(indices), _SLICES_AT_ONCE):
        part = slice(start, start + _SLICES_AT_ONCE)
        pictures[part] = decode_feature_pictures(model, post_vq_features(model, indices[part]), size)
    return pictures


@torch.inference_mode()
def decode_feature_labels(model: VQSeg, features: Tensor, size: tuple[int, int]) -> Array:
    """The labels alone that `decode_features` gives.

    Args:
        model: The network.
        features: (S, D, h, w), post-VQ, on the network's device.
        size: (A, B), that of a slice on the scan's grid.

    Returns:
        (S, A, B) uint8.
    """
    height, width = network_size(size, model.preprocess)
    logits = model.segmentation_decoder(features)[..., :height, :width]
    labels: Array = from_network(logits, size).argmax(1).to(torch.uint8).cpu().numpy()
    return labels


@torch.inference_mode()
def decode_feature_pictures(model: VQSeg, features: Tensor, size: tuple[int, int]) -> Array:
    """The reconstruction alone that `decode_features` gives.

    Args:
        model: The network.
        features: (S, D, h, w), post-VQ, on the network's device.
        size: (A, B), that of a slice on the scan's grid.

    Returns:
        (S, A, B) float32 in [0, 1].
    """
    height, width = network_size(size, model.preprocess)
    return _on_scan(model.image_decoder(features)[..., :height, :width], size)


@torch.inference_mode()
def post_vq_features(model: VQSeg, indices: Tensor) -> Tensor:
    """The codewords of indices, which both decoders read.

    Args:
        model: A network with a codebook.
        indices: (S, h, w) int64 on any device.

    Returns:
        (S, D, h, w) on the network's device.
    """
    return model.quantizer.lookup(indices.to(next(model.parameters()).device)).permute(0, 3, 1, 2)


@torch.inference_mode()
def decode_features(model: VQSeg, features: Tensor, size: tuple[int, int]) -> tuple[Array, Array]:
    """Decode the features of a few slices at once.

    Args:
        model: The network.
        features: (S, D, h, w), post-VQ, on the network's device.
        size: (A, B), that of a slice on the scan's grid.

    Returns:
        As `decode_indices`.
    """
    logits, reconstruction = model.decode(features, network_size(size, model.preprocess))
    labels = from_network(logits, size).argmax(1).to(torch.uint8)
    return labels.cpu().numpy(), _on_scan(reconstruction, size)


def _room_for_pictures(model: VQSeg, count: int, size: tuple[int, int]) -> Array:
    """An empty array for the reconstruction of slices."""
    channels = model.config.in_channels
    return np.empty((count, *size) if channels == 1 else (count, *size, channels), np.float32)


def _on_scan(reconstruction: Tensor, size: tuple[int, int]) -> Array:
    """Pictures (n, C, H, W) of the network on the scan's grid, (n, A, B) or (n, A, B, C) float32 in [0, 1]."""
    pictures: Array = from_network(reconstruction, size).clamp(0, 1).float().cpu().numpy()
    return pictures[:, 0] if pictures.shape[1] == 1 else np.moveaxis(pictures, 1, -1)


def decode_volume(
    model: VQSeg, indices: Tensor, size: tuple[int, int], progress: Callable[[float], None] = _nothing
) -> tuple[Array, Array]:
    """Decode all slices of a volume, and drop islands if the checkpoint asks for it.

    Args:
        model: A network with a codebook.
        indices: (S, h, w) int64, all of the volume.
        size: (A, B), that of a slice on the scan's grid.
        progress: Called with the share done, in [0, 1].

    Returns:
        As `decode_indices`.
    """
    labels, pictures = decode_indices(model, indices, size, progress)
    return finished(model, labels), pictures


def label_volume(model: VQSeg, indices: Tensor, size: tuple[int, int]) -> Array:
    """The labels alone that `decode_volume` gives.

    Args:
        model: A network with a codebook.
        indices: (S, h, w) int64, all of the volume.
        size: (A, B), that of a slice on the scan's grid.

    Returns:
        (S, A, B) uint8.
    """
    return finished(model, decode_labels(model, indices, size))


def finished(model: VQSeg, labels: Array) -> Array:
    """Apply the post-processing that the checkpoint asks for: pieces of an unusual size are dropped (`preprocess.usual_size`), or those
    away from the largest region (`preprocess.largest_region`), or nothing is done.

    Args:
        model: The network.
        labels: (S, A, B), all of a volume.
    """
    rules = model.preprocess
    if rules.usual_size is not None:
        return of_usual_size(labels, rules.usual_size)
    return largest_region(labels, each=rules.largest_of_each) if rules.largest_region else labels


@torch.inference_mode()
def segment_slices(model: VQSeg, slices: Array, *, step: int = 1, codes: list[Tensor] | None = None) -> Array:
    """Segment a volume without going through indices, so that networks without a codebook can be measured, too.

    Args:
        model: The network.
        slices: (S, A, B), all of a volume, normalised to [0, 1].
        step: As for `network_inputs`.
        codes: Gets the indices that were chosen on the way, (n, h, w) int64 on the CPU, a few slices after the others; those of
            `chosen_codes`, without encoding twice.

    Returns:
        Labels (S, A, B) uint8.
    """
    labels = []
    for start in range(0, len(slices), _SLICES_AT_ONCE):
        logits, indices = model.segment_with_codes(network_inputs(model, slices, slice(start, start + _SLICES_AT_ONCE), step))
        if codes is not None and indices is not None:
            codes.append(indices.cpu())
        labels.append(from_network(logits, (slices.shape[1], slices.shape[2])).argmax(1).to(torch.uint8).cpu().numpy())
    return finished(model, np.concatenate(labels))
