"""What every perturbation does to a finished checkpoint: how far it moves the features, and what becomes of the segmentation.

Nothing is trained. Some slices are encoded once; every kind, at every reach and strength, then disturbs what the segmentation decoder
reads. The draws are those of the app under the same seed: `Segmenter.open(scan).perturb(slice, strength, mode, seed, reach=reach)` decodes
the same features. Only islands, which the app drops where a checkpoint asks for it, are left in: they are part of what a perturbation does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vqseg.checkpoint import CheckpointError, checkpoint_folder, load_model, read_config, weights_digest
from vqseg.config import ConfigError
from vqseg.data.datasets import DatasetError
from vqseg.data.neighbours import slice_step
from vqseg.data.preprocess import from_network, network_size, normalise
from vqseg.data.scan import through_plane_axis
from vqseg.evaluation import LabelledSplit, labelled_split
from vqseg.experiments.runs import data_fingerprint
from vqseg.inference import Segmenter
from vqseg.inference.swaps import Swaps
from vqseg.models.slicewise import NoIndicesError, encode_slices, post_vq_features
from vqseg.models.vqseg import VQSeg
from vqseg.plain import child
from vqseg.quantization.perturbation import NONE, PERTURBATIONS, CodePerturbation, Perturbation
from vqseg.types import UNSURE, Array, Case

STRENGTHS = (0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
# Beside the checkpoint's own reach, half of the codewords, and any.
_REACHES = (1.0, 64.0, 512.0)


class Point(TypedDict):
    """One kind at one reach and strength.

    reach: None where distances between codewords have no part. dice: against the truth, dice_unperturbed: against the answers to the same
    slices without perturbation; of each structure over all slices together, then the mean over the structures. cross_entropy: against the
    truth, nats a pixel.
    """

    kind: str
    reach: float | None
    strength: float
    effect: float
    dice: float
    dice_unperturbed: float
    cross_entropy: float


class Sensitivity(TypedDict):
    """A checkpoint's points, and what they were measured on.

    weights: twelve hexadecimal digits of the weights' SHA-256. data: name of the data set's folder, fingerprint: of its files. slices: case
    and index of each. codebook_size: K. own_reach: of the checkpoint's own temperature. dice, cross_entropy: without perturbation.
    """

    checkpoint: str
    weights: str
    data: str
    fingerprint: str
    slices: list[tuple[str, int]]
    codebook_size: int
    own_reach: float
    dice: float
    cross_entropy: float
    points: list[Point]


@dataclass(frozen=True)
class Line:
    """One kind at one reach; reach None where it has none. own: whether it is the checkpoint's own reach."""

    kind: Perturbation
    reach: float | None
    own: bool = False

    @property
    def asked(self) -> float | None:
        """The reach to ask `vqseg.inference` for: None gives the checkpoint's own."""
        return None if self.own else self.reach


@dataclass(frozen=True)
class _Scores:
    """Counts of one slice, or their sums over several.

    overlaps: (lines, strengths, 2, structures, 2), against the truth and against the unperturbed answer: twice the common pixels, and the
    pixels of both. losses: (lines, strengths) cross-entropy. clean: (structures, 2) and clean_loss: () of the unperturbed answer.
    """

    overlaps: Array
    losses: Array
    clean: Array
    clean_loss: Array


@dataclass(frozen=True)
class _Slice:
    """truth (A, B) and tokens (1, h, w) of slice `index` of a case."""

    case: str
    index: int
    truth: Array
    tokens: Tensor


def measure_sensitivity(
    checkpoint: str | Path,
    *,
    data: Path | None = None,
    count: int = 16,
    seed: int = 0,
    progress: Callable[[Sequence[int]], Iterable[int]] = lambda numbers: numbers,
) -> Sensitivity:
    """Perturb some validation slices of a checkpoint in every way.

    Args:
        checkpoint: Folder or Hub id.
        data: Data set folder; None for the one that it was trained on.
        count: How many slices, drawn from those with a structure; all of them if there are fewer.
        seed: Of the slices and of all random numbers.
        progress: Goes through the slices and may show it.

    Returns:
        Plain values, fit for JSON.

    Raises:
        CheckpointError: The checkpoint cannot be read, or does not say what it was trained on.
        DatasetError: The data set has no labelled validation cases with a structure, or other classes.
        NoIndicesError: The network decodes more than indices.
        ConfigError: The count is not positive.
    """
    if count < 1:
        raise ConfigError(f"slices must be at least 1, got {count}")
    folder = checkpoint_folder(checkpoint)
    model, data = load_model(folder), data or _trained_on(folder)
    if not model.indexed:
        raise NoIndicesError(f"checkpoint {folder.name!r} decodes continuous features, for comparison; it has no indices to perturb")
    slices = _sample(model, data, count, seed)
    probe = _Probe(model, seed)
    usage = torch.stack([torch.bincount(one.tokens.flatten(), minlength=model.config.codebook_size) for one in slices]).sum(0)
    scores = [probe.scores(slices[number]) for number in progress(range(len(slices)))]
    together = _Scores(*(np.sum(parts, axis=0) for parts in zip(*map(_parts, scores), strict=True)))
    return {
        "checkpoint": folder.resolve().name,
        "weights": weights_digest(folder),
        "data": data.resolve().name,
        "fingerprint": data_fingerprint(data),
        "slices": [(one.case, one.index) for one in slices],
        "codebook_size": model.config.codebook_size,
        "own_reach": probe.segmenter.reach,
        "dice": float(_dice(together.clean)),
        "cross_entropy": float(together.clean_loss) / len(slices),
        "points": probe.points(_dice(together.overlaps), together.losses / len(slices), usage),
    }


def lines(size: int, own: float) -> list[Line]:
    """What is measured: every perturbation, at several reaches where it has one.

    Args:
        size: K, the number of codewords.
        own: The checkpoint's own reach.
    """
    several = sorted({reach for reach in (*_REACHES, float(size // 2)) if reach < size - 1} | {own, float(size - 1)})
    # Nothing perturbed is what all are compared with. Of two complementary versions each, read alone, is a dropout that is there already.
    kinds = [kind for kind in PERTURBATIONS.values() if kind is not NONE and not kind.paired]
    found = []
    for kind in kinds:
        # What leaves the codebook goes any share of the way: its own strengths lie between these two.
        reaches = several if isinstance(kind, CodePerturbation) else sorted({own, float(size - 1)})
        found += [Line(kind, reach, reach == own) for reach in reaches] if kind.reaches else [Line(kind, None)]
    return found


class _Probe:
    """A network whose decoder is shown perturbed features of single slices."""

    def __init__(self, model: VQSeg, seed: int) -> None:
        self.model, self.seed, self.segmenter = model, seed, Segmenter(model)
        self.lines = lines(self.segmenter.codebook_size, self.segmenter.reach)

    def scores(self, one: _Slice) -> _Scores:
        """What is counted on one slice."""
        # The draws that it keeps are of one slice.
        swaps, classes = Swaps(self.segmenter.reaches), len(self.segmenter.classes)
        clean, clean_loss = self._read(post_vq_features(self.model, one.tokens), one)
        overlaps = np.empty((len(self.lines), len(STRENGTHS), 2, classes - 1, 2), np.int64)
        losses = np.empty((len(self.lines), len(STRENGTHS)))
        for row, line in enumerate(self.lines):
            labels, losses[row] = self._read(self._features(line, one.index, one.tokens, swaps), one)
            overlaps[row] = [[_overlap(label, other, classes) for other in (one.truth, clean[0])] for label in labels]
        return _Scores(overlaps, losses, _overlap(clean[0], one.truth, classes), clean_loss[0])

    def points(self, dice: Array, losses: Array, usage: Tensor) -> list[Point]:
        """Dice (lines, strengths, 2) and losses (lines, strengths) with their names and effects; usage (K,)."""
        codewords, found = self.segmenter.reaches.codewords, list[Point]()
        for row, line in enumerate(self.lines):
            temperature = self.segmenter.temperature_at(line.asked)
            for column, strength in enumerate(STRENGTHS):
                found.append(
                    {
                        "kind": line.kind.name,
                        "reach": line.reach,
                        "strength": strength,
                        "effect": line.kind.effect(codewords, usage, strength, temperature),
                        "dice": float(dice[row, column, 0]),
                        "dice_unperturbed": float(dice[row, column, 1]),
                        "cross_entropy": float(losses[row, column]),
                    }
                )
        return found

    @torch.inference_mode()
    def _features(self, line: Line, index: int, tokens: Tensor, swaps: Swaps) -> Tensor:
        """(strengths, D, h, w): what the decoder reads of one slice with its tokens (1, h, w)."""
        disturbed = []
        for strength in STRENGTHS:
            settings = (index, strength, line.kind.name, self.seed, line.asked)
            swapped = swaps.swap(tokens[0], *settings)[None]
            disturbed.append(swaps.change(post_vq_features(self.model, swapped), swapped, *settings))
        return torch.cat(disturbed)

    @torch.inference_mode()
    def _read(self, features: Tensor, one: _Slice) -> tuple[Array, Array]:
        """Labels (n, A, B) that features (n, D, h, w) decode to, and their cross-entropy against the truth, (n,)."""
        size = (one.truth.shape[0], one.truth.shape[1])
        height, width = network_size(size, self.model.preprocess)
        logits = from_network(self.model.segmentation_decoder(features)[..., :height, :width], size).float()
        target = torch.from_numpy(one.truth.astype(np.int64)).expand(len(logits), *size)
        losses = F.cross_entropy(logits, target, reduction="none", ignore_index=UNSURE).mean((1, 2))
        return logits.argmax(1).to(torch.uint8).numpy(), losses.double().numpy()


def _parts(scores: _Scores) -> tuple[Array, ...]:
    return scores.overlaps, scores.losses, scores.clean, scores.clean_loss


def _overlap(labels: Array, reference: Array, classes: int) -> Array:
    """(structures, 2): twice the common pixels of two label pictures (A, B), and the pixels of both, where the reference has a label."""
    told = reference != UNSURE
    pairs = [((labels == label) & told, reference == label) for label in range(1, classes)]
    return np.array([(2 * np.count_nonzero(one & other), np.count_nonzero(one) + np.count_nonzero(other)) for one, other in pairs])


def _dice(overlaps: Array) -> Array:
    """(..., structures, 2) -> (...): mean over the structures that are there."""
    common, size = overlaps[..., 0], overlaps[..., 1]
    scores: Array = np.divide(common, size, out=np.zeros(size.shape), where=size > 0).mean(-1, where=size > 0)
    return scores


def _sample(model: VQSeg, data: Path, count: int, seed: int) -> list[_Slice]:
    known = labelled_split(data, "val", model.config.classes, channels=model.config.in_channels)
    if any(known.structures_of(case) != model.config.classes[1:] for case in known.cases):
        raise DatasetError(f"{data} has the classes {known.names}; every structure of {model.config.classes} is compared")
    places = [(case, index) for case in known.cases for index in _with_structures(case, known)]
    if not places:
        raise DatasetError(f"no validation slice in {data} has a structure")
    chosen = np.sort(np.random.default_rng(seed).choice(len(places), min(count, len(places)), replace=False))
    return [_read_slice(case, index, model, known) for case, index in (places[number] for number in chosen)]


def _with_structures(case: Case, known: LabelledSplit) -> list[int]:
    scan, truth = known.read(case)
    there = (truth > 0) & (truth != UNSURE)
    return np.flatnonzero(np.moveaxis(there, through_plane_axis(scan), 0).any((1, 2))).tolist()


def _read_slice(case: Case, index: int, model: VQSeg, known: LabelledSplit) -> _Slice:
    scan, truth = known.read(case)
    axis = through_plane_axis(scan)
    slices = np.moveaxis(normalise(scan.voxels, model.preprocess), axis, 0)
    tokens = encode_slices(model, slices, step=slice_step(scan, axis), wanted=slice(index, index + 1))
    return _Slice(case.name, index, truth.take(index, axis), tokens)


def _trained_on(folder: Path) -> Path:
    data = child(read_config(folder), "training", "config", "data").get("folder")
    if not isinstance(data, str):
        raise CheckpointError(f"checkpoint {folder.name!r} does not say what it was trained on; name the data set's folder")
    return Path(data)
