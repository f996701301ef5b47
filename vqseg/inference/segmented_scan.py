"""A scan that was encoded once: its tokens, its clean segmentation, and its slices replayed at any strength of the QPM.

Shapes: scan (X, Y, Z), slices (S, A, B) along the through-plane axis, indices (S, h, w). Intensities of several channels have them last.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vqseg.data.neighbours import slice_step
from vqseg.data.planes import through_plane_axis
from vqseg.data.preprocess import from_network, network_size, normalise
from vqseg.data.regions import near_regions, of_usual_size, without_islands
from vqseg.inference.agreement import label_agreement, psnr
from vqseg.inference.opening import Opening, open_here
from vqseg.inference.reaches import Reaches
from vqseg.inference.records import CodeNeighbours, Consistency
from vqseg.inference.side_by_side import decode_side_by_side
from vqseg.inference.swaps import Mode, Swaps
from vqseg.models.atoms import decode_atoms
from vqseg.models.slicewise import (
    decode_feature_labels,
    decode_in_parts,
    encode_features,
    post_vq_features,
)
from vqseg.models.views import label_views
from vqseg.models.vqseg import VQSeg
from vqseg.types import Array, Scan, SliceResult, VolumeResult

# Slices of which is kept what does not change with the perturbation.
_CLEAN_KEPT = 16


class SegmentedScan:
    """A scan with its tokens, its clean segmentation and reconstruction.

    axis: the array axis that runs through the slices; slice s is `scan.voxels.take(s, axis)`.
    normalised, reconstruction: (X, Y, Z) or (X, Y, Z, C) float32 in [0, 1]; labels: (X, Y, Z) uint8; indices: (S, h, w) int32.
    distances, pooled: as `vqseg.types.Encoded` has them, for whoever asks whether the network knows such a scan.
    """

    def __init__(self, model: VQSeg, scan: Scan, progress: Callable[[float], None], reaches: Reaches, opening: Opening = open_here) -> None:
        """Encode and decode a scan.

        Args:
            model: A network with a codebook, in evaluation mode.
            scan: The scan.
            progress: Called with the share done, in [0, 1]; an exception that it raises cancels.
            reaches: Of the network's codebook.
            opening: Who does the work.
        """
        self._model, self.scan, self.axis = model, scan, through_plane_axis(scan)
        self.codebook_size, self.classes = model.config.codebook_size, model.config.classes
        self.channel_names = model.reads.channel_names(model.config.in_channels)
        self._swaps = Swaps(reaches)
        self._described: tuple[int, Array] | None = None
        self._near: dict[int, dict[int, Array]] = {}
        self.normalised = normalise(scan.voxels, model.preprocess)
        slices = self._slices(self.normalised)
        encoded, labels, pictures = opening(model, slices, slice_step(scan, self.axis), progress)
        self.indices, self.distances, self.pooled = encoded.indices.numpy().astype(np.int32), encoded.distances, encoded.pooled
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
        arrays = (self.scan.voxels, self.normalised, self.labels, self.reconstruction, self.indices, self.distances, self.pooled)
        return sum(part.nbytes for part in arrays)

    def perturb(
        self,
        slice_index: int,
        strength: float,
        mode: Mode = "resample",
        seed: int = 0,
        forced: Mapping[tuple[int, int], int] | None = None,
        reach: float | None = None,
    ) -> SliceResult:
        """Replay one slice under the QPM, or under another perturbation.

        Args:
            slice_index: The slice.
            strength: epsilon in [0, 1]; under one seed a larger one only adds replacements.
            mode: "resample" draws from pi(.|i), "shuffle" permutes the slice's own codes; or any other name in PERTURBATIONS. A
                perturbation of features replaces only the forced tokens.
            seed: Of the draws.
            forced: Codes set by hand, in place of the QPM's draws, by their place (row, column) in the slice's indices.
            reach: How many codewords a replaced token may effectively become, in [1, K - 1]; None for the checkpoint's own. Under one seed
                a larger one moves a token's replacement outwards or not at all.

        Returns:
            The slice as it decodes after the QPM, compared with strength 0.

        Raises:
            ValueError: The slice, the strength, the mode, the reach, or a place or code of `forced` is out of range.
        """
        start = time.perf_counter()
        swapped = self._swaps.swap(self._clean(slice_index), slice_index, strength, mode, seed, reach)
        tokens = self._swaps.force(swapped, forced or {})
        features = self._features(tokens[None], slice_index, strength, mode, seed, reach)
        return self._result(slice_index, tokens, decode_side_by_side(self._model, features, self.slice_size), start)

    def dropout(self, slice_index: int, rate: float, seed: int = 0, forced: Mapping[tuple[int, int], int] | None = None) -> SliceResult:
        """Replay one slice under feature dropout, for comparison with `perturb`. Only the forced tokens are replaced.

        Args:
            slice_index: The slice.
            rate: Share in [0, 1] of the single post-VQ features that become zero; the others are scaled as in training. Under one seed
                a larger rate only drops more.
            seed: Of the draws.
            forced: As for `perturb`.

        Returns:
            The slice as it decodes then, compared with no dropout.

        Raises:
            ValueError: The slice, the rate, or a place or code of `forced` is out of range.
        """
        return self.perturb(slice_index, rate, "dropout", seed, forced)

    def labels_at(
        self,
        slice_index: int,
        strengths: Sequence[float],
        mode: Mode = "resample",
        seed: int = 0,
        forced: Mapping[tuple[int, int], int] | None = None,
        reach: float | None = None,
    ) -> Array:
        """The labels alone that `perturb` gives at several strengths, each in about half of its time.

        Args:
            slice_index: The slice.
            strengths: n values in [0, 1].
            mode: As for `perturb`.
            seed: Of the draws.
            forced: As for `perturb`.
            reach: As for `perturb`.

        Returns:
            (n, A, B) uint8.

        Raises:
            ValueError: As for `perturb`.
        """
        clean, decoded = self._clean(slice_index), []
        for strength in strengths:
            tokens = self._swaps.force(self._swaps.swap(clean, slice_index, strength, mode, seed, reach), forced or {})
            features = self._features(tokens[None], slice_index, strength, mode, seed, reach)
            labels = decode_feature_labels(self._model, features, self.slice_size)
            decoded.append(self._by_the_rules(labels, slice_index)[0])
        return np.stack(decoded)

    def labels_in_views(self, slice_index: int, views: Sequence[tuple[float, float]]) -> Array:
        """The labels that a slice gets when the network reads it turned and magnified.

        Args:
            slice_index: The slice.
            views: V pairs of degrees in the plane and magnification; see `vqseg.models.views.VIEWS`.

        Returns:
            (V, A, B) uint8, turned back. Beyond the edge of a view they are those at strength 0.

        Raises:
            ValueError: The slice lies outside the scan.
        """
        self._check_slice(slice_index)
        found, shown = label_views(self._model, self._slices(self.normalised), slice_index, views, step=slice_step(self.scan, self.axis))
        clean = self._slices(self.labels)[slice_index]
        return np.stack(
            [self._by_the_rules(np.where(seen, one, clean)[None], slice_index)[0] for one, seen in zip(found, shown, strict=True)]
        )

    @property
    def codewords(self) -> Array:
        """The mapped codebook, (K, D) float32."""
        return self._swaps.codewords.numpy()

    def features(self, slice_index: int) -> Array:
        """z of every token of a slice, (h, w, D) float32. The slice is encoded again, since only indices are held; the last answer is kept.

        Raises ValueError for a slice outside the scan.
        """
        self._check_slice(slice_index)
        kept = self._described
        if kept is None or kept[0] != slice_index:
            slices, part = self._slices(self.normalised), slice(slice_index, slice_index + 1)
            z = encode_features(self._model, slices, part, step=slice_step(self.scan, self.axis))[0]
            described: Array = np.ascontiguousarray(z.permute(1, 2, 0).numpy())
            kept = self._described = slice_index, described
        return kept[1]

    def fates(self, code: int, strength: float, count: int, seed: int = 0, reach: float | None = None) -> Array:
        """What the QPM makes of one code in independent draws.

        Args:
            code: The code.
            strength: epsilon in [0, 1].
            count: How many draws.
            seed: Of the draws.
            reach: As for `perturb`.

        Returns:
            (count,) int64, the code after each draw.

        Raises:
            ValueError: The code, the strength or the reach is out of range.
        """
        return self._swaps.fates(code, strength, count, seed, reach)

    def consistency(
        self, slice_index: int, strength: float, mode: Mode = "resample", seed: int = 0, reach: float | None = None
    ) -> Consistency:
        """The consistency loss (Eq. 9) on one slice: the segmentation of the clean tokens is the pseudo-label for that of the swapped ones.

        Training differs in three ways: it may drop islands (objective.largest_region), its teacher and student are two networks, and they
        see two views.

        Args:
            slice_index: The slice.
            strength: epsilon in [0, 1].
            mode: As for `perturb`.
            seed: Of the draws.
            reach: As for `perturb`.

        Returns:
            Both segmentations and the loss at every pixel.

        Raises:
            ValueError: The slice, the strength, the mode or the reach is out of range.
        """
        clean = self._clean(slice_index)
        swapped = self._swaps.swap(clean, slice_index, strength, mode, seed, reach)
        with torch.inference_mode():
            disturbed = self._features(swapped[None], slice_index, strength, mode, seed, reach)
            features = torch.cat([post_vq_features(self._model, clean[None]), disturbed])
            height, width = network_size(self.slice_size, self._model.preprocess)
            logits = self._model.segmentation_decoder(features)[..., :height, :width]
            logits = from_network(logits, self.slice_size).float().cpu()
            hard = logits.argmax(1)
            loss = F.cross_entropy(logits[1:], hard[:1], reduction="none")[0]
            labels = hard.to(torch.uint8).numpy()
            return Consistency(labels[0], labels[1], loss.numpy())

    def perturb_volume(
        self,
        strength: float,
        mode: Mode = "resample",
        seed: int = 0,
        progress: Callable[[float], None] = lambda _: None,
        reach: float | None = None,
    ) -> VolumeResult:
        """Replay every slice after a perturbation, each as `perturb` replays it.

        Args:
            strength: epsilon in [0, 1].
            mode: As for `perturb`.
            seed: Of the draws.
            progress: Called with the share done, in [0, 1]; an exception that it raises cancels.
            reach: As for `perturb`.

        Returns:
            Labels and reconstruction (X, Y, Z), and the share of tokens replaced.

        Raises:
            ValueError: The strength, the mode or the reach is out of range.
        """
        clean = torch.from_numpy(self.indices.astype(np.int64))
        swapped = []
        for index, part in enumerate(clean):
            # A long scan's new draws take a while too: there as well it may be cancelled.
            progress(0.0)
            swapped.append(self._swaps.swap(part, index, strength, mode, seed, reach))
        tokens = torch.stack(swapped)

        def features(part: slice) -> Tensor:
            return self._features(tokens[part], part.start, strength, mode, seed, reach)

        labels, pictures = decode_in_parts(self._model, len(tokens), features, self.slice_size, progress)
        labels = self._by_the_rules(labels, 0)
        return VolumeResult(self._volume(labels), self._volume(pictures), float((tokens != clean).float().mean()))

    def candidates(self, slice_index: int, reach: float | None = None) -> Array:
        """How many codewords each token of a slice may effectively become where it is replaced.

        Args:
            slice_index: The slice.
            reach: As for `perturb`; it is the mean of this over the codebook.

        Returns:
            (h, w) float32, each in [1, K - 1].

        Raises:
            ValueError: The slice or the reach is out of range.
        """
        return self._swaps.candidates(self._clean(slice_index), reach)

    def neighbours(self, code: int, count: int, also: Sequence[int] = (), reach: float | None = None) -> CodeNeighbours:
        """The codewords nearest to one, with the probability that a replacement takes each.

        Args:
            code: The code asked about.
            count: How many neighbours; fewer if the codebook is smaller.
            also: Further codes that are answered after them.
            reach: As for `perturb`.

        Returns:
            The nearest codes, rising in distance, then those of `also`.

        Raises:
            ValueError: A code lies outside the codebook, or the reach is out of range.
        """
        return self._swaps.neighbours(code, count, also, reach)

    def atoms(self, codes: Sequence[int]) -> Array:
        """What single codes look like on their own, (n, side, side) uint8. Raises ValueError for a code outside the codebook."""
        return decode_atoms(self._model, codes)

    def _clean(self, slice_index: int) -> Tensor:
        self._check_slice(slice_index)
        return torch.from_numpy(self.indices[slice_index].astype(np.int64))

    def _features(self, tokens: Tensor, first: int, strength: float, mode: Mode, seed: int, reach: float | None) -> Tensor:
        """What the decoders read of the slices from `first` on, whose codes (n, h, w) are swapped already: (n, D, h, w)."""
        return self._swaps.change(post_vq_features(self._model, tokens), tokens, first, strength, mode, seed, reach)

    def _result(self, slice_index: int, tokens: Tensor, decoded: tuple[Array, Array], start: float) -> SliceResult:
        """decoded: labels and reconstruction of one slice. start: when the work began, in seconds of the performance counter."""
        labels, pictures = self._by_the_rules(decoded[0], slice_index), decoded[1]
        milliseconds = (time.perf_counter() - start) * 1000
        image = np.ascontiguousarray(self._slices(self.normalised)[slice_index])
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
            dice_vs_clean=label_agreement(labels[0], self._slices(self.labels)[slice_index]),
            psnr=psnr(pictures[0], image),
            milliseconds=milliseconds,
        )

    def _check_slice(self, slice_index: int) -> None:
        if not 0 <= slice_index < self.slice_count:
            raise ValueError(f"slice {slice_index} is outside the scan; expected 0 to {self.slice_count - 1}")

    def _by_the_rules(self, labels: Array, first: int) -> Array:
        """Labels (S, A, B) from slice `first` on without what the checkpoint's rules drop: islands away from the clean labels, which have
        been judged. So a piece whose size comes near a bound is not there at one strength and gone at the next."""
        rules = self._model.preprocess
        if not (rules.largest_region or rules.usual_size):
            return labels
        return np.stack([self._one_by_the_rules(part, first + index) for index, part in enumerate(labels)])

    def _one_by_the_rules(self, labels: Array, slice_index: int) -> Array:
        usual = self._model.preprocess.usual_size
        if usual and not self._slices(self.labels)[slice_index].any():
            # There is nothing to touch.
            judged: Array = of_usual_size(labels[None], usual)[0]
            return judged
        return without_islands(labels, self._near_of(slice_index))

    def _near_of(self, slice_index: int) -> dict[int, Array]:
        """Where an island of a slice touches the clean labels. The last slices are kept: a dragged strength asks for one again."""
        near = self._near.get(slice_index)
        if near is None:
            rules, clean = self._model.preprocess, self._slices(self.labels)
            if rules.usual_size:
                # Each slice was judged by itself.
                near = near_regions(clean[slice_index : slice_index + 1], 0)
            else:
                near = near_regions(clean, slice_index, each=rules.largest_of_each)
            self._near[slice_index] = near
            # Another thread may have dropped the oldest in the meantime.
            while len(self._near) > _CLEAN_KEPT:
                self._near.pop(next(iter(self._near)), None)
        return near

    def _slices(self, volume: Array) -> Array:
        return np.moveaxis(volume, self.axis, 0)

    def _volume(self, slices: Array) -> Array:
        # A view: the slices stay as they lie in memory.
        return np.moveaxis(slices, 0, self.axis)
