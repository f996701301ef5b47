"""Test-time augmentation: a slice is segmented turned and magnified in several ways, and the average is steadier than any one view.

For numbers and for label files only: an averaged segmentation follows from no grid of tokens, so there is nothing in it to perturb.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vqseg.data.preprocess import from_network, to_network
from vqseg.models.slicewise import finished
from vqseg.models.vqseg import VQSeg
from vqseg.types import Array

VIEWS: tuple[tuple[float, float], ...] = tuple((angle, zoom) for zoom in (0.9, 1.0, 1.15) for angle in (0.0, 15.0, -15.0))
"""Degrees in the plane and magnification; within what every configuration trains with."""


def segment_averaged(model: VQSeg, slices: Array) -> Array:
    """Segment a volume, averaged over VIEWS.

    Args:
        model: The network.
        slices: (S, A, B), all of a volume, normalised to [0, 1].

    Returns:
        Labels (S, A, B) uint8 of the classes most probable on average.
    """
    return label_averaged(model, slices)[0]


@torch.inference_mode()
def label_averaged(model: VQSeg, slices: Array) -> tuple[Array, Array]:
    """Segment a volume, averaged over VIEWS, and say how sure each label is.

    Args:
        model: The network.
        slices: (S, A, B), all of a volume, normalised to [0, 1].

    Returns:
        Labels as `segment_averaged` gives them, and the average probability (S, A, B) float32 of the class found. An island that the
        checkpoint drops (`preprocess.largest_region`) becomes background in the labels and keeps its probability.
    """
    device = next(model.parameters()).device
    labels, certainty = np.empty(slices.shape, np.uint8), np.empty(slices.shape, np.float32)
    # One slice at a time: all its views are one batch.
    for index in range(len(slices)):
        image = to_network(slices[index : index + 1], model.preprocess).to(device)
        seen = torch.cat([_view(image, angle, zoom) for angle, zoom in VIEWS])
        probabilities = model.segment(seen).softmax(1).split(1)
        # Zero beyond a view's edge: there the view does not count.
        back = [_view(part, -angle, 1 / zoom) for part, (angle, zoom) in zip(probabilities, VIEWS, strict=True)]
        total = torch.stack(back).sum(0)
        total = from_network(total, (slices.shape[1], slices.shape[2]))
        most, hard = total.max(1)
        labels[index] = hard[0].to(torch.uint8).cpu().numpy()
        certainty[index] = (most / total.sum(1))[0].float().cpu().numpy()
    return finished(model, labels), certainty


def _view(maps: Tensor, angle: float, zoom: float) -> Tensor:
    """Maps (1, C, H, W) turned by an angle in degrees and magnified about their middle; what lies outside is zero."""
    height, width = maps.shape[-2:]
    cos, sin = math.cos(math.radians(angle)) / zoom, math.sin(math.radians(angle)) / zoom
    # affine_grid counts in halves of each side; a turn keeps right angles only in pixels.
    matrix = torch.tensor([[[cos, -sin * height / width, 0.0], [sin * width / height, cos, 0.0]]], device=maps.device)
    grid = F.affine_grid(matrix, list(maps.shape), align_corners=False)
    return F.grid_sample(maps, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
