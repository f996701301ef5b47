"""Perturbations on an opened scan: which codes replace those of a slice, what becomes of its features, what may replace a single code.

Shapes: codewords (K, D), tokens (h, w) int64 of one slice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from vqseg.inference.reaches import Reaches
from vqseg.inference.records import CodeNeighbours
from vqseg.quantization.perturbation import (
    RESAMPLE,
    CodePerturbation,
    PostVQ,
    check_codebook,
    effective_candidates,
    perturbation_named,
    squared_distances,
    transition_probabilities,
)
from vqseg.types import Array

Mode = str
"""A name in vqseg.quantization.perturbation.PERTURBATIONS; those that replace codes are `modes()`."""

_DRAWS_KEPT = 64


def slice_generator(slice_index: int, seed: int) -> torch.Generator:
    """A generator for one slice.

    Args:
        slice_index: The slice in its scan. Each has a generator of its own, so that it looks the same alone and within its volume.
        seed: The visitor's seed.
    """
    return torch.Generator().manual_seed((seed * 1_000_003 + slice_index) % (1 << 63))


class Swaps:
    """Replacements of codes under one codebook. Keeps the last draws, so that a dragged strength draws once for a slice, seed and reach."""

    def __init__(self, reaches: Reaches) -> None:
        """Take a codebook, with what swaps at any reach need."""
        self.reaches, self.codewords = reaches, reaches.codewords
        # The draws do not depend on the strength.
        self.drawn: dict[tuple[Mode, int, int, float | None], tuple[Tensor, Tensor]] = {}

    @property
    def size(self) -> int:
        """K, the number of codewords."""
        return len(self.codewords)

    def check(self, code: int) -> None:
        """Raises ValueError for a code outside the codebook."""
        if not 0 <= code < self.size:
            raise ValueError(f"code {code} is outside the codebook; expected 0 to {self.size - 1}")

    def swap(self, tokens: Tensor, slice_index: int, strength: float, mode: Mode, seed: int, reach: float | None = None) -> Tensor:
        """Replace codes of one slice.

        Args:
            tokens: (h, w) int64, the clean codes.
            slice_index: The slice that they belong to.
            strength: epsilon in [0, 1]; under one seed a larger one only adds replacements.
            mode: "resample" draws from pi(.|i), "shuffle" permutes the slice's own codes; a perturbation of features leaves them.
            seed: Of the draws.
            reach: How many codewords a token may effectively become, in [1, K - 1]; None for the checkpoint's own. Under one seed a larger
                one moves a token outwards or not at all.

        Returns:
            (h, w) int64, the codes after the perturbation.

        Raises:
            ValueError: The strength or the reach is out of range, or the mode is unknown.
        """
        kind = perturbation_named(mode)
        if not 0.0 <= strength <= 1.0:
            raise ValueError(f"{kind.amount} must lie in [0, 1], got {strength}")
        if not isinstance(kind, CodePerturbation):
            return tokens
        with torch.inference_mode():
            if kind.coupled:
                thresholds, replacements = self._draws(kind, tokens, slice_index, seed, reach)
                return torch.where(thresholds < strength, replacements, tokens)
            generator = slice_generator(slice_index, seed)
            return kind.swapped(tokens[None], self.codewords, float(strength), self.reaches.temperature(reach), generator)[0]

    def change(
        self, features: Tensor, tokens: Tensor, first: int, strength: float, mode: Mode, seed: int, reach: float | None = None
    ) -> Tensor:
        """Perturb the features of some slices.

        Args:
            features: (n, D, h, w), post-VQ.
            tokens: (n, h, w) int64, their codes.
            first: The first of the slices.
            strength: In [0, 1].
            mode: A perturbation of codes leaves them: it has done its work in `swap`.
            seed: Of the draws.
            reach: As for `swap`.

        Returns:
            (n, D, h, w).

        Raises:
            ValueError: The strength or the reach is out of range, or the mode is unknown.
        """
        kind = perturbation_named(mode)
        if isinstance(kind, CodePerturbation):
            return features
        codewords, changed = self.codewords.to(features.device), []
        with torch.inference_mode():
            for index, (own, codes) in enumerate(zip(features.split(1), tokens.to(features.device).split(1), strict=True)):
                post_vq = PostVQ(own, codes, codewords, self.reaches.temperature(reach))
                changed.append(kind.apply(post_vq, float(strength), slice_generator(first + index, seed))[0])
            return torch.cat(changed)

    def force(self, tokens: Tensor, forced: Mapping[tuple[int, int], int]) -> Tensor:
        """A copy of tokens with some codes set by hand.

        Args:
            tokens: (h, w) int64.
            forced: Codes by their place (row, column).

        Returns:
            (h, w) int64.

        Raises:
            ValueError: A place lies outside the grid or a code outside the codebook.
        """
        result = tokens.clone()
        rows, columns = tokens.shape
        for (row, column), code in forced.items():
            if not (0 <= row < rows and 0 <= column < columns):
                raise ValueError(f"token {row}, {column} is outside the grid of {rows} x {columns}")
            self.check(code)
            result[row, column] = code
        return result

    def fates(self, code: int, strength: float, count: int, seed: int, reach: float | None = None) -> Array:
        """What the QPM makes of one code in independent draws.

        Args:
            code: The code.
            strength: epsilon in [0, 1].
            count: How many draws.
            seed: Of the draws.
            reach: As for `swap`.

        Returns:
            (count,) int64, the code after each draw.

        Raises:
            ValueError: The code, the strength or the reach is out of range.
        """
        self.check(code)
        check_codebook(self.codewords, strength)
        with torch.inference_mode():
            tokens = torch.full((1, count), code)
            thresholds, replacements = RESAMPLE.drawn_outwards(
                tokens, self.reaches.neighbourhood, self.reaches.temperature(reach), torch.Generator().manual_seed(seed)
            )
            fates: Array = torch.where(thresholds < strength, replacements, tokens)[0].numpy()
            return fates

    def candidates(self, tokens: Tensor, reach: float | None = None) -> Array:
        """How many codewords each token may effectively become where it is replaced.

        Args:
            tokens: (h, w) int64, the clean codes.
            reach: As for `swap`; it is the mean of this over the codebook.

        Returns:
            (h, w) float32, each in [1, K - 1].

        Raises:
            ValueError: The reach is out of range.
        """
        with torch.inference_mode():
            codes, places = tokens.unique(return_inverse=True)
            found: Array = effective_candidates(self.codewords, codes, self.reaches.temperature(reach))[places].numpy()
            return found

    def neighbours(self, code: int, count: int, also: Sequence[int], reach: float | None = None) -> CodeNeighbours:
        """The codewords nearest to one, with the probability that a replacement takes each.

        Args:
            code: The code asked about.
            count: How many neighbours; fewer if the codebook is smaller.
            also: Further codes that are answered after them.
            reach: As for `swap`.

        Returns:
            The nearest codes, rising in distance, then those of `also`.

        Raises:
            ValueError: A code lies outside the codebook, or the reach is out of range.
        """
        for one in (code, *also):
            self.check(one)
        with torch.inference_mode():
            # In double precision: float32 would lose small differences between codewords far from the origin.
            row, codewords = torch.tensor([code]), self.codewords.double()
            distances = squared_distances(row, codewords)[0].sqrt()
            probabilities = transition_probabilities(codewords, 1.0, row, self.reaches.temperature(reach))[0]
            nearest = distances.topk(min(count, self.size - 1), largest=False).indices.tolist()
            codes = np.array([*nearest, *also], dtype=np.int64)
            # The distance to itself counts as infinite where replacements are drawn.
            away = np.where(codes == code, 0, distances.numpy()[codes]).astype(np.float32)
            return CodeNeighbours(codes, away, probabilities.numpy()[codes].astype(np.float32))

    def _draws(self, kind: CodePerturbation, tokens: Tensor, slice_index: int, seed: int, reach: float | None) -> tuple[Tensor, Tensor]:
        """Thresholds (h, w) and replacements (h, w) of a slice under a seed and a reach."""
        key = (kind.name, slice_index, seed, reach)
        drawn = self.drawn.get(key)
        if drawn is None:
            temperature, generator = self.reaches.temperature(reach), slice_generator(slice_index, seed)
            if kind.outwards is not None:
                thresholds, replacements = kind.drawn_outwards(tokens[None], self.reaches.neighbourhood, temperature, generator)
            else:
                thresholds, replacements = kind.drawn(tokens[None], self.codewords, temperature, generator)
            drawn = self.drawn[key] = thresholds[0], replacements[0]
            # Another thread may have dropped the oldest in the meantime.
            while len(self.drawn) > _DRAWS_KEPT:
                self.drawn.pop(next(iter(self.drawn)), None)
        return drawn
