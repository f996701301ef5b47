"""The cases in which a network is worst, each as the slice with most of its mistakes."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from vqseg.data.planes import through_plane_axis
from vqseg.evaluation import Evaluation, LabelledSplit
from vqseg.inference import Segmenter
from vqseg.types import UNSURE, Array

# Of structures 1, 2, ...: blue, orange, green, and on from the start.
COLOURS = np.array(
    [(0, 0, 0), (38, 139, 210), (230, 126, 34), (39, 174, 96), (192, 57, 43), (142, 68, 173), (22, 160, 133), (241, 196, 15)]
)
_STRONG = 0.55
_WIDTH = 260


@dataclass(frozen=True)
class Worst:
    """A case: its mean Dice, the slice on show, and three pictures as data addresses: input, truth, prediction."""

    name: str
    dice: float
    slice: int
    pictures: tuple[str, str, str]


def worst_cases(segmenter: Segmenter, known: LabelledSplit, scores: Evaluation, most: int) -> Iterator[Worst]:
    """The cases with the lowest mean Dice, the worst first.

    Args:
        segmenter: Of the checkpoint that was measured.
        known: The split.
        scores: What was measured.
        most: How many.
    """
    means = {name: float(np.mean([one["dice"] for one in per.values()])) for name, per in scores["per_case"].items()}
    cases = {case.name: case for case in known.cases}
    for name in sorted(means, key=lambda name: (means[name], name))[:most]:
        scan, truth = known.read(cases[name])
        labels = segmenter.labels(scan)
        axis = through_plane_axis(scan)
        told = truth != UNSURE
        index = int(np.argmax(np.moveaxis((labels != truth) & told, axis, 0).sum((1, 2))))
        truth = np.where(told, truth, 0)
        image, right, found = (np.take(array, index, axis) for array in (scan.voxels, truth, labels))
        shown = _shown(image)
        yield Worst(name, means[name], index, (_picture(shown), _picture(_over(shown, right)), _picture(_over(shown, found))))


def _shown(image: Array) -> Array:
    """A slice (A, B) or (A, B, C) as RGB: three channels as colours, others as their mean in grey."""
    channels = image[..., None] if image.ndim == 2 else image
    low, high = np.percentile(channels, [0.5, 99.5], axis=(0, 1))
    scaled = 255 * np.clip((channels - low) / np.maximum(high - low, 1e-9), 0, 1)
    coloured = scaled if scaled.shape[-1] == 3 else np.repeat(scaled.mean(-1, keepdims=True), 3, -1)
    return coloured.astype(np.uint8)


def _over(shown: Array, labels: Array) -> Array:
    colours = COLOURS[np.where(labels > 0, 1 + (labels.astype(int) - 1) % (len(COLOURS) - 1), 0)]
    mixed = np.where(labels[..., None] > 0, (1 - _STRONG) * shown + _STRONG * colours, shown)
    return mixed.astype(np.uint8)


def _picture(pixels: Array) -> str:
    image = Image.fromarray(pixels)
    scale = _WIDTH / image.width
    image = image.resize((_WIDTH, max(1, round(image.height * scale))), Image.Resampling.BILINEAR)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def colours_of(names: Sequence[str]) -> list[tuple[str, str]]:
    """Names of the structures with their colours, as CSS has them.

    Args:
        names: Without the background.
    """
    return [(name, "rgb({} {} {})".format(*COLOURS[1 + place % (len(COLOURS) - 1)])) for place, name in enumerate(names)]
