"""What every perturbation is: post-VQ features and their codes in, disturbed ones out, at a strength.

Shapes: features (B, D, h, w), indices (B, h, w) int64, codewords (K, D).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from vqseg.quantization.perturbation.effect import Effect, ratio, shares, variance
from vqseg.quantization.perturbation.outwards import Neighbourhood
from vqseg.quantization.perturbation.transitions import Temperature, check_codebook
from vqseg.transfer import to_device
from vqseg.types import Share

WHOLE = Share()

Radius = Callable[[Tensor, Sequence[float], Temperature], list[float]]
"""(codewords (K, D), strengths, temperature) -> nats, one for each strength."""


@dataclass(frozen=True)
class PostVQ:
    """What a perturbation may look at.

    features: (B, D, h, w), with the straight-through gradient. indices: (B, h, w) int64, their codes; -1 where none were chosen.
    codewords: (K, D) float32 without a gradient; None unless the perturbation says `needs_codes`.
    temperature: what the network divides squared distances between codewords by; None unless the perturbation says `needs_codes`.
    """

    features: Tensor
    indices: Tensor
    codewords: Tensor | None
    temperature: Temperature | None


@dataclass(frozen=True, kw_only=True)
class Perturbation(ABC):
    """One way to disturb what both decoders read. Holds no state: the random numbers come from a generator."""

    name: str
    """In settings, in `Segmenter` and in requests."""
    title: str
    """In tables and figures."""
    amount: str = "strength"
    """What its strength is called: "strength" or "rate"."""
    symbol: str = "epsilon"
    """The letter of its strength."""
    coupled: bool = False
    """Whether a larger strength, under one seed, only adds to what a smaller one does."""
    needs_codes: bool = False
    """Whether it cannot do without a codebook."""
    reaches: bool = False
    """Whether what it does depends on the temperature, and so on the reach."""
    tabled: bool = True
    """Whether the table of strengths has rows for it."""
    compared: bool = True
    """Whether the app draws it beside the others."""
    closed_form: Effect | None = None
    """Its effect as a formula, where there is one."""
    radius: Radius | None = None
    """The KL divergence that it puts between the marginals before and after, where there is a formula."""

    @property
    def paired(self) -> bool:
        """Whether training decodes two versions of every image."""
        return False

    @abstractmethod
    def apply(self, tokens: PostVQ, strength: float, generator: Generator | None = None, share: Share = WHOLE) -> tuple[Tensor, Tensor]:
        """Disturb a batch. On an accelerator nothing in here may wait for a value.

        Args:
            tokens: The batch.
            strength: In [0, 1]; 0 changes nothing.
            generator: Of all random numbers; the global one if None.
            share: Rank and world size. The random numbers of the whole batch are drawn, and this rank uses its part.

        Returns:
            Features (B, D, h, w) and their codes (B, h, w) int64.

        Raises:
            ValueError: If the strength lies outside [0, 1], or codewords are needed and missing.
        """

    def versions(self, tokens: PostVQ, strength: float, generator: Generator | None = None, share: Share = WHOLE) -> tuple[Tensor, Tensor]:
        """Every version of a batch that training decodes: the one of `apply`, for most kinds, or two that belong together.

        Args:
            tokens: The batch.
            strength: As for `apply`.
            generator: As for `apply`.
            share: As for `apply`.

        Returns:
            Features (V B, D, h, w) and their codes (V B, h, w) int64. The first B of each are what `apply` gives.

        Raises:
            ValueError: As for `apply`.
        """
        return self.apply(tokens, strength, generator, share)

    def effect(self, codewords: Tensor, usage: Tensor, strength: float, temperature: Temperature = 1.0) -> float:
        """How far it moves what the decoders read: E|q' - q|^2 over the variance of the codewords, both under usage (effect.py).

        The mean over the versions, where there are two.

        Args:
            codewords: (K, D), K >= 2, on the CPU.
            usage: (K,), how often each codeword was chosen.
            strength: In [0, 1].
            temperature: Divides the squared distances, where the perturbation looks at them.

        Returns:
            At least 0. By the closed form, or else measured on 4096 tokens drawn by usage with a seed of its own.

        Raises:
            ValueError: A shape, the strength or the temperature is wrong.
        """
        if self.closed_form is not None:
            return self.closed_form(codewords, usage, strength, temperature)
        return self.sampled_effect(codewords, usage, strength, temperature)

    def sampled_effect(self, codewords: Tensor, usage: Tensor, strength: float, temperature: Temperature = 1.0, side: int = 64) -> float:
        """The effect as measured on side x side tokens drawn by usage. Arguments otherwise as of `effect`."""
        random = torch.Generator().manual_seed(0)
        indices = torch.multinomial(shares(codewords, usage), side * side, replacement=True, generator=random).view(1, side, side)
        features = F.embedding(indices, codewords.float()).permute(0, 3, 1, 2)
        moved, _ = self.versions(PostVQ(features, indices, codewords.float(), temperature), strength, random)
        # Of one picture: each of its versions is compared with it.
        return ratio(
            float((moved - features.repeat(len(moved) // len(features), 1, 1, 1)).double().square().sum(1).mean()),
            variance(codewords, usage),
        )


Swap = Callable[[Tensor, Tensor, Tensor, float, Temperature], Tensor]
"""(indices of any shape whose first axis is the image, codewords (K, D), uniform (2, n), strength, temperature) -> new indices.

uniform: two numbers in [0, 1) for each of the n tokens. The first says at which strength the token begins to move: it moves where
uniform[0] < strength. The second is the swap's own. All swaps draw them alike, so that a seed moves the same tokens in each.
"""


Outwards = Callable[[Neighbourhood, Tensor, Tensor, float], Tensor]
"""(neighbourhood, codes (n,), uniform (n,), temperature) -> replacements (n,)."""


@dataclass(frozen=True, kw_only=True)
class CodePerturbation(Perturbation):
    """Replaces codes by other codes; the features move from one codeword to the other."""

    swap: Swap
    """What replaces which; called with a strength above 0 and at least one token."""
    outwards: Outwards | None = None
    """The same for all tokens at once and coupled in the temperature, where the perturbation is coupled in its strength."""
    reaches: bool = True
    """Whether its replacements depend on the temperature, and so on the reach."""
    becomes: str = "another codeword"
    """In a sentence: what a replaced token becomes."""
    needs_codes: bool = True

    @torch.no_grad()
    def swapped(
        self,
        indices: Tensor,
        codewords: Tensor,
        strength: float,
        temperature: Temperature,
        generator: Generator | None = None,
        share: Share = WHOLE,
    ) -> Tensor:
        """Replace codes.

        Args:
            indices: (B, h, w), or any shape whose first axis is the image.
            codewords: (K, D).
            strength: epsilon in [0, 1].
            temperature: Divides the squared distances.
            generator: As for `apply`.
            share: As for `apply`.

        Returns:
            Indices of the same shape, never the same memory.

        Raises:
            ValueError: If the strength lies outside [0, 1] or the codebook is not (K, D) with K >= 2.
        """
        check_codebook(codewords, strength)
        uniform = _uniform(indices, generator, share)
        if strength == 0.0 or indices.numel() == 0:
            return indices.clone()
        return self.swap(indices, codewords.detach(), uniform, strength, temperature)

    @torch.no_grad()
    def drawn(
        self, indices: Tensor, codewords: Tensor, temperature: Temperature, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """What `swapped` does at every strength at once, for a coupled perturbation.

        Args:
            indices: As for `swapped`.
            codewords: (K, D).
            temperature: Divides the squared distances.
            generator: As for `apply`.

        Returns:
            Thresholds in [0, 1) and replacements, both of the indices' shape: `where(thresholds < strength, replacements, indices)` is
            what `swapped` gives for the same generator.

        Raises:
            ValueError: If the replacements depend on the strength.
        """
        if not self.coupled:
            raise ValueError(f'mode "{self.name}" cannot be drawn ahead of the strength, on which its replacements depend')
        check_codebook(codewords)
        uniform = _uniform(indices, generator, WHOLE)
        return uniform[0].view_as(indices), self.swap(indices, codewords.detach(), uniform, 1.0, temperature)

    @torch.no_grad()
    def drawn_outwards(
        self, indices: Tensor, neighbourhood: Neighbourhood, temperature: float, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """As `drawn`, but coupled in the temperature too: under one seed a higher one never replaces a token by a nearer codeword.

        Distributed as `drawn`, with other replacements for the same seed. For a frozen codebook, whose neighbourhoods are sorted once.

        Args:
            indices: As for `swapped`, on the CPU.
            neighbourhood: Of the codebook.
            temperature: Divides the squared distances.
            generator: As for `apply`.

        Returns:
            As `drawn`.

        Raises:
            ValueError: If the replacements depend on the strength.
        """
        if self.outwards is None:
            raise ValueError(f'mode "{self.name}" has no order of codewords to draw outwards in')
        uniform = _uniform(indices, generator, WHOLE)
        return uniform[0].view_as(indices), self.outwards(neighbourhood, indices.flatten(), uniform[1], temperature).view_as(indices)

    def apply(self, tokens: PostVQ, strength: float, generator: Generator | None = None, share: Share = WHOLE) -> tuple[Tensor, Tensor]:
        """Replace codes, and move the features from the old codewords to the new ones.

        Args:
            tokens: The batch, with its codewords.
            strength: epsilon in [0, 1].
            generator: As for `Perturbation.apply`.
            share: As for `Perturbation.apply`.

        Returns:
            Features (B, D, h, w) and the new codes (B, h, w) int64.

        Raises:
            ValueError: The strength lies outside [0, 1], or there are no codewords.
        """
        if tokens.codewords is None or tokens.temperature is None:
            raise ValueError(f"perturbation {self.name} replaces codes, and there is no codebook")
        indices, codewords = tokens.indices, tokens.codewords
        swapped = self.swapped(indices, codewords, strength, tokens.temperature, generator, share)
        shift = F.embedding(swapped, codewords) - F.embedding(indices, codewords)
        # A replaced token has its new codeword's value and keeps the straight-through gradient to its encoder feature.
        return tokens.features + shift.permute(0, 3, 1, 2), swapped


Change = Callable[[PostVQ, float, Generator | None, Share], Tensor]
"""(tokens, strength, generator, share) -> features (B, D, h, w); arguments as those of `Perturbation.apply`."""

Pair = Callable[[PostVQ, float, Generator | None, Share], tuple[Tensor, Tensor]]
"""As Change, with two versions of the features, (B, D, h, w) each."""


@dataclass(frozen=True, kw_only=True)
class FeaturePerturbation(Perturbation):
    """Changes the features; the codes stay those that were chosen."""

    change: Change
    pair: Pair | None = None
    """Two versions from the same random numbers, of which `change` gives the first; None if there is no second."""

    @property
    def paired(self) -> bool:
        return self.pair is not None

    def apply(self, tokens: PostVQ, strength: float, generator: Generator | None = None, share: Share = WHOLE) -> tuple[Tensor, Tensor]:
        """Change the features and leave the codes.

        Args:
            tokens: The batch.
            strength: In [0, 1].
            generator: As for `Perturbation.apply`.
            share: As for `Perturbation.apply`.

        Returns:
            Features (B, D, h, w) and the same codes (B, h, w) int64.

        Raises:
            ValueError: The strength lies outside [0, 1], or codewords are needed and missing.
        """
        self._check(tokens, strength)
        return self.change(tokens, strength, generator, share), tokens.indices

    def versions(self, tokens: PostVQ, strength: float, generator: Generator | None = None, share: Share = WHOLE) -> tuple[Tensor, Tensor]:
        """As `Perturbation.versions`: both versions of a pair, or the only one."""
        if self.pair is None:
            return self.apply(tokens, strength, generator, share)
        self._check(tokens, strength)
        both = self.pair(tokens, strength, generator, share)
        return torch.cat(both), tokens.indices.repeat(len(both), 1, 1)

    def _check(self, tokens: PostVQ, strength: float) -> None:
        if not 0.0 <= strength <= 1.0:
            raise ValueError(f"{self.amount} must lie in [0, 1], got {strength}")
        if self.needs_codes and tokens.codewords is None:
            raise ValueError(f"perturbation {self.name} looks at codewords, and there is no codebook")


def _uniform(indices: Tensor, generator: Generator | None, share: Share) -> Tensor:
    count = indices.numel()
    draw_on = generator.device if generator is not None else indices.device
    drawn = torch.rand(2, count * share.count, generator=generator, device=draw_on)[:, share.rows(count)]
    return to_device(drawn, indices.device)
