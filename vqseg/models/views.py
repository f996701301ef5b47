"""Test-time augmentation: a slice is segmented turned and magnified in several ways, and the average is steadier than any one view.

For numbers and for label files only: an averaged segmentation follows from no grid of tokens, so there is nothing in it to perturb.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vqseg.data.neighbours import missing_channels
from vqseg.data.preprocess import from_network
from vqseg.models.slicewise import finished, network_inputs
from vqseg.models.vqseg import VQSeg
from vqseg.types import Array

VIEWS: tuple[tuple[float, float], ...] = tuple((angle, zoom) for zoom in (0.9, 1.0, 1.15) for angle in (0.0, 15.0, -15.0))
"""Degrees in the plane and magnification; within what every configuration trains with."""
# Probabilities sum to 1, and to less where a view's edge blends them with nothing.
_SHOWN = 0.5


def segment_averaged(model: VQSeg, slices: Array, *, step: int = 1) -> Array:
    """Segment a volume, averaged over VIEWS.

    Args:
        model: The network.
        slices: (S, A, B) or (S, A, B, C), all of a volume, normalised to [0, 1].
        step: Slices from one neighbour to the next, from `vqseg.data.neighbours.slice_step`.

    Returns:
        Labels (S, A, B) uint8 of the classes most probable on average.
    """
    return label_averaged(model, slices, step=step)[0]


@torch.inference_mode()
def label_averaged(model: VQSeg, slices: Array, *, step: int = 1, others: Sequence[VQSeg] = ()) -> tuple[Array, Array]:
    """Segment a volume, averaged over VIEWS, and say how sure each label is.

    Args:
        model: The network; its rules about islands hold.
        slices: As for `segment_averaged`.
        step: As for `segment_averaged`.
        others: Further networks with the same classes that read the same intensities; the average is over them, too.

    Returns:
        Labels as `segment_averaged` gives them, and the average probability (S, A, B) float32 of the class found. A piece that the
        checkpoint drops (`preprocess.largest_region`, `usual_size`) becomes background in the labels and keeps its probability.
    """
    return label_weighed(model, slices, step=step, others=others)[:2]


@torch.inference_mode()
def label_weighed(model: VQSeg, slices: Array, *, step: int = 1, others: Sequence[VQSeg] = ()) -> tuple[Array, Array, Array]:
    """As `label_averaged`, and how far the views of all networks agree on each label.

    Args:
        model: As for `label_averaged`.
        slices: As for `segment_averaged`.
        step: As for `segment_averaged`.
        others: As for `label_averaged`.

    Returns:
        Labels and certainty as `label_averaged` gives them, and the agreement (S, A, B) float32: the share of the views that show a
        pixel in which the class found is the most probable one. A sure network may contradict itself when its picture is turned.
    """
    shape = slices.shape[:3]
    labels, certainty, agreement = np.empty(shape, np.uint8), np.empty(shape, np.float32), np.empty(shape, np.float32)
    # One slice at a time: all its views are one batch.
    for index in range(len(slices)):
        part = slice(index, index + 1)
        answers = [_over_views(one, network_inputs(one, slices, part, step), shape) for one in (model, *others)]
        total, votes = (torch.stack(maps).mean(0) for maps in zip(*answers, strict=True))
        most, hard = total.max(0)
        labels[index], certainty[index] = hard.to(torch.uint8).cpu().numpy(), most.float().cpu().numpy()
        agreement[index] = votes.gather(0, hard[None])[0].float().cpu().numpy()
    return finished(model, labels), certainty, agreement


@torch.inference_mode()
def label_views(
    model: VQSeg, slices: Array, index: int, views: Sequence[tuple[float, float]] = VIEWS, *, step: int = 1
) -> tuple[Array, Array]:
    """What a slice is labelled in single views.

    Args:
        model: The network. Islands are not dropped.
        slices: (S, A, B) or, of several channels, (S, A, B, C): all of a volume, normalised to [0, 1].
        index: Of the slice.
        views: V angles and magnifications, as VIEWS has them.
        step: As for `segment_averaged`.

    Returns:
        Labels (V, A, B) uint8, turned back; and (V, A, B) bool, where the view shows the slice. Beyond its edge a label means nothing.
    """
    seen = _by_view(model, network_inputs(model, slices, slice(index, index + 1), step), views)
    probabilities = from_network(seen, (slices.shape[1], slices.shape[2]))
    return probabilities.argmax(1).to(torch.uint8).cpu().numpy(), (probabilities.sum(1) > _SHOWN).cpu().numpy()


def _over_views(model: VQSeg, image: Tensor, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Of one slice on the scan's grid, from the views of its image (1, C_in, H, W): the mean of their probabilities (C, A, B), and the
    share of them (C, A, B) in which a class is the most probable."""
    seen = _by_view(model, image, VIEWS)
    first = F.one_hot(seen.argmax(1), seen.shape[1]).movedim(-1, 1) * (seen.sum(1, keepdim=True) > _SHOWN)
    total, votes = (from_network(maps.float().sum(0, keepdim=True), (shape[1], shape[2]))[0] for maps in (seen, first))
    return total / total.sum(0), votes / votes.sum(0).clamp_min(1e-6)


def _by_view(model: VQSeg, image: Tensor, views: Sequence[tuple[float, float]]) -> Tensor:
    """Probabilities (V, C, H, W) of one slice in every view of its image (1, C_in, H, W), turned back; zero beyond a view's edge."""
    seen = torch.cat([_view(image, angle, zoom) for angle, zoom in views])
    # A neighbour is missing as a whole, also beyond the edge of a view.
    whole = missing_channels(model.config.context_slices, model.config.in_channels)
    seen[:, whole] = image[:, whole]
    probabilities = model.segment(seen).softmax(1).split(1)
    return torch.cat([_view(part, -angle, 1 / zoom) for part, (angle, zoom) in zip(probabilities, views, strict=True)])


def _view(maps: Tensor, angle: float, zoom: float) -> Tensor:
    """Maps (1, C, H, W) turned by an angle in degrees and magnified about their middle; what lies outside is zero."""
    height, width = maps.shape[-2:]
    cos, sin = math.cos(math.radians(angle)) / zoom, math.sin(math.radians(angle)) / zoom
    # affine_grid counts in halves of each side; a turn keeps right angles only in pixels.
    matrix = torch.tensor([[[cos, -sin * height / width, 0.0], [sin * width / height, cos, 0.0]]], device=maps.device)
    grid = F.affine_grid(matrix, list(maps.shape), align_corners=False)
    return F.grid_sample(maps, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
