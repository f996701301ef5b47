"""Serving: a scan is encoded once; from then on the decoders replay it at any strength of the QPM.

Arrays in, arrays out. Knows nothing of files, visitors or pictures on a screen.
Shapes: scan (X, Y, Z), slices (S, A, B) along the through-plane axis, indices (S, h, w).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vqseg.data.preprocess import from_network, network_size, normalise
from vqseg.data.regions import replayed_slice
from vqseg.data.scan import through_plane_axis
from vqseg.models.atoms import decode_atoms
from vqseg.models.slicewise import decode_features, decode_indices, decode_volume, encode_features, encode_slices, post_vq_features
from vqseg.models.views import segment_averaged
from vqseg.models.vqseg import VQSeg
from vqseg.quantization.dropout import FeatureDropout
from vqseg.quantization.perturbation import QuantizedPerturbation, squared_distances, transition_probabilities
from vqseg.types import Array, Scan, SliceResult, VolumeResult

Mode = Literal["resample", "shuffle"]

_DRAWS_KEPT = 64
# Of the work of opening a scan, as the share done is told; the rest is decoding.
_ENCODING = 0.7


class Segmenter:
    """A trained network ready to read scans. Safe to share between visitors: it keeps nothing of a scan."""

    def __init__(self, model: VQSeg) -> None:
        # On CPUs the convolutions of one slice are a good deal faster in this layout.
        self.model = model.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.classes = model.config.classes

    def open(self, scan: Scan, progress: Callable[[float], None] | None = None) -> SegmentedScan:
        """Encode every slice of a scan once and decode it. progress is called with the share done; an exception it raises cancels."""
        return SegmentedScan(self.model, scan, progress or (lambda _: None))

    def average_views(self, scan: Scan) -> Array:
        """Labels (X, Y, Z) uint8 as several views of each slice give them on average: for a file of labels, with no tokens behind it."""
        axis = through_plane_axis(scan)
        slices = np.moveaxis(normalise(scan.voxels, self.model.preprocess), axis, 0)
        return np.moveaxis(segment_averaged(self.model, slices), 0, axis)


@dataclass(frozen=True)
class CodeNeighbours:
    """codes (n,) int64; distances (n,) float32, Euclidean from the codeword asked about; probabilities (n,) float32.

    probabilities: pi(j|i) of Eq. 4 given that i is replaced; times the strength it is pi(j|i) itself.
    """

    codes: Array
    distances: Array
    probabilities: Array


@dataclass(frozen=True)
class Consistency:
    """What the unlabelled branch makes of one slice (Eq. 9): pseudo_labels and labels (A, B) uint8, the teacher's and the student's.

    loss (A, B) float32: the cross-entropy of the student against the pseudo-label at every pixel; its mean is L_seg.
    """

    pseudo_labels: Array
    labels: Array
    loss: Array


class SegmentedScan:
    """A scan with its tokens, its clean segmentation and reconstruction.

    axis: the array axis that runs through the slices; slice s is `scan.voxels.take(s, axis)`.
    normalised, reconstruction: (X, Y, Z) float32 in [0, 1]; labels: (X, Y, Z) uint8; indices: (S, h, w) int32.
    """

    def __init__(self, model: VQSeg, scan: Scan, progress: Callable[[float], None]) -> None:
        self._model, self.scan, self.axis = model, scan, through_plane_axis(scan)
        self.codebook_size, self.classes = model.config.codebook_size, model.config.classes
        with torch.inference_mode():
            self._codewords = model.quantizer.codewords().float().cpu()
        # The QPM's draws do not depend on the strength: a dragged slider draws once for a slice and seed.
        self._drawn: dict[tuple[int, int], tuple[Tensor, Tensor]] = {}
        self._described: tuple[int, Array] | None = None
        self.normalised = normalise(scan.voxels, model.preprocess)
        slices = self._slices(self.normalised)
        tokens = encode_slices(model, slices, lambda share: progress(_ENCODING * share))
        self.indices = tokens.numpy().astype(np.int32)
        labels, pictures = decode_volume(model, tokens, slices.shape[1:], lambda share: progress(_ENCODING + (1 - _ENCODING) * share))
        self.labels, self.reconstruction = self._volume(labels), self._volume(pictures)

    @property
    def slice_count(self) -> int:
        return len(self.indices)

    @property
    def slice_size(self) -> tuple[int, int]:
        """(A, B), the size of one slice in the scan's array order."""
        size = [length for axis, length in enumerate(self.scan.shape) if axis != self.axis]
        return size[0], size[1]

    @property
    def levels(self) -> int:
        """Grids of tokens over one slice; they lie below each other in `indices`."""
        return self._model.levels

    @property
    def cell_size(self) -> tuple[float, float]:
        """Pixels of a slice (A, B) that one token covers along each axis."""
        inner = network_size(self.slice_size, self._model.preprocess)
        a, b = (self._model.pixels_per_token * outer / read for outer, read in zip(self.slice_size, inner, strict=True))
        return a, b

    @property
    def byte_size(self) -> int:
        """Bytes held by the arrays of this scan."""
        arrays = (self.scan.voxels, self.normalised, self.labels, self.reconstruction, self.indices)
        return sum(part.nbytes for part in arrays)

    def perturb(
        self, slice_index: int, strength: float, mode: Mode = "resample", seed: int = 0, forced: Mapping[tuple[int, int], int] | None = None
    ) -> SliceResult:
        """Replay one slice at a strength in [0, 1]. Under one seed a larger strength only adds replacements.

        forced: codes that some tokens, by their place (row, column) in the slice's indices, get whatever the QPM draws.
        Raises ValueError for a slice outside the scan, a strength outside [0, 1], an unknown mode, or a place or code that is none.
        """
        start = time.perf_counter()
        clean = self._clean(slice_index)
        tokens = self._forced(self._swap(clean, slice_index, strength, mode, seed), forced or {})
        return self._result(slice_index, tokens, decode_indices(self._model, tokens[None], self.slice_size), start)

    def dropout(self, slice_index: int, rate: float, seed: int = 0, forced: Mapping[tuple[int, int], int] | None = None) -> SliceResult:
        """What `perturb` is compared with: single post-VQ features are zeroed at a rate in [0, 1], the others scaled as in training.

        Under one seed a larger rate only drops more. No token is replaced but the forced ones. Raises ValueError as `perturb` does.
        """
        start = time.perf_counter()
        tokens = self._forced(self._clean(slice_index), forced or {})
        with torch.inference_mode():
            features = FeatureDropout()(post_vq_features(self._model, tokens[None]), float(rate), self._generator(slice_index, seed))
        return self._result(slice_index, tokens, decode_features(self._model, features, self.slice_size), start)

    @property
    def codewords(self) -> Array:
        """The mapped codebook, (K, D) float32."""
        return self._codewords.numpy()

    def features(self, slice_index: int) -> Array:
        """z of every token of a slice, (h, w, D) float32: encoded anew, for only the indices are held. The last answer is kept.

        Raises ValueError for a slice outside the scan.
        """
        self._check_slice(slice_index)
        kept = self._described
        if kept is None or kept[0] != slice_index:
            image = self._slices(self.normalised)[slice_index : slice_index + 1]
            kept = self._described = slice_index, np.ascontiguousarray(encode_features(self._model, image)[0].permute(1, 2, 0).numpy())
        return kept[1]

    def fates(self, code: int, strength: float, count: int, seed: int = 0) -> Array:
        """What the QPM makes of one code in `count` independent draws, (count,) int64. Raises ValueError as `perturb` does."""
        self._check_code(code)
        perturbation = QuantizedPerturbation("resample", self._model.config.temperature)
        with torch.inference_mode():
            tokens = torch.full((1, count), code)
            return perturbation(tokens, self._codewords, float(strength), torch.Generator().manual_seed(seed))[0].numpy()

    def consistency(self, slice_index: int, strength: float, mode: Mode = "resample", seed: int = 0) -> Consistency:
        """The consistency loss on one slice: the clean tokens' answer is the pseudo-label of the swapped tokens'.

        No island is dropped (training may, objective.largest_region), one network is both teacher and student, and both see the same view.
        Raises ValueError as `perturb` does.
        """
        clean = self._clean(slice_index)
        tokens = torch.stack([clean, self._swap(clean, slice_index, strength, mode, seed)])
        with torch.inference_mode():
            logits, _ = self._model.decode(post_vq_features(self._model, tokens), network_size(self.slice_size, self._model.preprocess))
            logits = from_network(logits, self.slice_size).float().cpu()
            hard = logits.argmax(1)
            loss = F.cross_entropy(logits[1:], hard[:1], reduction="none")[0]
            labels = hard.to(torch.uint8).numpy()
            return Consistency(labels[0], labels[1], loss.numpy())

    def perturb_volume(
        self, strength: float, mode: Mode = "resample", seed: int = 0, progress: Callable[[float], None] = lambda _: None
    ) -> VolumeResult:
        """Every slice at a strength; slice by slice the same as `perturb` gives. progress: as for `Segmenter.open`."""
        clean = torch.from_numpy(self.indices.astype(np.int64))
        swapped = []
        for index, part in enumerate(clean):
            # A long scan's new draws take a while too: there as well it may be cancelled.
            progress(0.0)
            swapped.append(self._swap(part, index, strength, mode, seed))
        tokens = torch.stack(swapped)
        labels, pictures = decode_indices(self._model, tokens, self.slice_size, progress)
        labels = self._in_one_piece(labels, 0)
        return VolumeResult(self._volume(labels), self._volume(pictures), float((tokens != clean).float().mean()))

    def neighbours(self, code: int, count: int, also: Sequence[int] = ()) -> CodeNeighbours:
        """The codewords nearest to one, and after them those of `also`, with the probability that a replacement takes each.

        Raises ValueError for a code outside the codebook.
        """
        for one in (code, *also):
            self._check_code(one)
        with torch.inference_mode():
            # In double precision: near codewords differ by less than float32 keeps of codewords far from the origin.
            row, codewords = torch.tensor([code]), self._codewords.double()
            distances = squared_distances(row, codewords)[0].sqrt()
            probabilities = transition_probabilities(codewords, 1.0, row, self._model.config.temperature)[0]
            nearest = distances.topk(min(count, self.codebook_size - 1), largest=False).indices.tolist()
            codes = np.array([*nearest, *also], dtype=np.int64)
            # The distance to itself counts as infinite where replacements are drawn.
            away = np.where(codes == code, 0, distances.numpy()[codes]).astype(np.float32)
            return CodeNeighbours(codes, away, probabilities.numpy()[codes].astype(np.float32))

    def atoms(self, codes: Sequence[int]) -> Array:
        """What single codes look like on their own, (n, side, side) uint8. Raises ValueError for a code outside the codebook."""
        return decode_atoms(self._model, codes)

    def _clean(self, slice_index: int) -> Tensor:
        self._check_slice(slice_index)
        return torch.from_numpy(self.indices[slice_index].astype(np.int64))

    def _result(self, slice_index: int, tokens: Tensor, decoded: tuple[Array, Array], start: float) -> SliceResult:
        """decoded: labels and reconstruction, (1, A, B) each. start: when the work began, in seconds of the performance counter."""
        labels, pictures = self._in_one_piece(decoded[0], slice_index), decoded[1]
        milliseconds = (time.perf_counter() - start) * 1000
        image = self.normalised.take(slice_index, self.axis)
        clean = self._clean(slice_index)
        replaced = (tokens != clean).numpy()
        return SliceResult(
            labels=labels[0],
            reconstruction=pictures[0],
            image=image,
            indices=tokens.numpy(),
            clean_indices=clean.numpy(),
            replaced=replaced,
            replaced_share=float(replaced.mean()),
            dice_vs_clean=label_agreement(labels[0], self.labels.take(slice_index, self.axis)),
            psnr=psnr(pictures[0], image),
            milliseconds=milliseconds,
        )

    def _check_slice(self, slice_index: int) -> None:
        if not 0 <= slice_index < self.slice_count:
            raise ValueError(f"slice {slice_index} is outside the scan; expected 0 to {self.slice_count - 1}")

    def _check_code(self, code: int) -> None:
        if not 0 <= code < self.codebook_size:
            raise ValueError(f"code {code} is outside the codebook; expected 0 to {self.codebook_size - 1}")

    def _forced(self, tokens: Tensor, forced: Mapping[tuple[int, int], int]) -> Tensor:
        result = tokens.clone()
        rows, columns = tokens.shape
        for (row, column), code in forced.items():
            if not (0 <= row < rows and 0 <= column < columns):
                raise ValueError(f"token {row}, {column} is outside the grid of {rows} x {columns}")
            self._check_code(code)
            result[row, column] = code
        return result

    def _swap(self, tokens: Tensor, slice_index: int, strength: float, mode: Mode, seed: int) -> Tensor:
        if not 0.0 <= strength <= 1.0:
            raise ValueError(f"strength must lie in [0, 1], got {strength}")
        perturbation = QuantizedPerturbation(mode, self._model.config.temperature)
        generator = self._generator(slice_index, seed)
        with torch.inference_mode():
            if mode == "shuffle":
                return perturbation(tokens[None], self._codewords, float(strength), generator)[0]
            drawn = self._drawn.get((slice_index, seed))
            if drawn is None:
                thresholds, replacements = perturbation.draw(tokens[None], self._codewords, generator)
                drawn = self._drawn[slice_index, seed] = thresholds[0], replacements[0]
                # Another thread may have dropped the oldest in the meantime.
                while len(self._drawn) > _DRAWS_KEPT:
                    self._drawn.pop(next(iter(self._drawn)), None)
            return torch.where(drawn[0] < strength, drawn[1], tokens)

    def _generator(self, slice_index: int, seed: int) -> torch.Generator:
        # Each slice has one of its own, so that a slice looks the same alone and within its volume.
        return torch.Generator().manual_seed((seed * 1_000_003 + slice_index) % (1 << 63))

    def _in_one_piece(self, labels: Array, first: int) -> Array:
        """Labels (S, A, B) from slice `first` on without islands away from the clean region, where the checkpoint asks for it."""
        preprocess, clean = self._model.preprocess, self._slices(self.labels)
        if not preprocess.largest_region:
            return labels
        each = preprocess.largest_of_each
        return np.stack([replayed_slice(part, clean, first + index, each=each) for index, part in enumerate(labels)])

    def _slices(self, volume: Array) -> Array:
        return np.moveaxis(volume, self.axis, 0)

    def _volume(self, slices: Array) -> Array:
        # A view: the slices stay as they lie in memory.
        return np.moveaxis(slices, 0, self.axis)


def label_agreement(labels: Array, reference: Array) -> float:
    """Mean Dice over the structures present in either label picture; 1 if neither has any."""
    scores = []
    for label in np.union1d(np.unique(labels), np.unique(reference)):
        if label != 0:
            one, other = labels == label, reference == label
            scores.append(2 * np.count_nonzero(one & other) / (np.count_nonzero(one) + np.count_nonzero(other)))
    return float(np.mean(scores)) if scores else 1.0


def dice_by_class(labels: Array, reference: Array, classes: int) -> list[float | None]:
    """Dice of every structure 1 to classes - 1; None where neither picture has it."""
    scores: list[float | None] = []
    for label in range(1, classes):
        one, other = labels == label, reference == label
        voxels = np.count_nonzero(one) + np.count_nonzero(other)
        scores.append(2 * np.count_nonzero(one & other) / voxels if voxels else None)
    return scores


def psnr(picture: Array, reference: Array) -> float:
    """Peak signal-to-noise ratio in dB for a peak of 1; at most 100, the value for equal pictures."""
    error = float(np.mean((picture.astype(np.float64) - reference) ** 2))
    return min(100.0, -10 * float(np.log10(max(error, 1e-10))))
