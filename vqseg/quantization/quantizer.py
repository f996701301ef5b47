"""Vector quantization with a mapped codebook (Eq. 2): features -> indices -> codewords.

Knows nothing of images, perturbation or training schedules.
Shapes: z (B, D, h, w), codebook (K, D), indices (B, h, w).
"""

from __future__ import annotations

from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vqseg.quantization.kept import Keeper, Kept, comparable
from vqseg.quantization.search import CodewordSearch, nearest_codewords
from vqseg.types import QuantizerOutput


class MappedCodebook:
    """The mapped codewords (K, D), and what finds the nearest of them. Never written to."""

    def __init__(self, codewords: Tensor) -> None:
        self.codewords = codewords

    @cached_property
    def search(self) -> CodewordSearch:
        with torch.no_grad():
            return CodewordSearch(self.codewords.detach())


class VectorQuantizer(nn.Module):
    """Nearest codeword of a frozen matrix that is seen through one trainable linear layer (SimVQ, arXiv 2411.02038).

    All codewords move together with the linear layer, so a codeword that is not chosen does not fall behind. Both squared norms of the loss
    are means over the D channels: Eq. 2 divided by D, so that their weight does not depend on D.
    """

    basis: Tensor
    usage: Tensor

    def __init__(self, codebook_size: int, codebook_dim: int, *, commitment: float = 0.25) -> None:
        """Start with a random codebook.

        Args:
            codebook_size: K, at least 2.
            codebook_dim: D, at least 1.
            commitment: beta, weight of ||z - sg(c)||^2 (Eq. 2).

        Raises:
            ValueError: K or D is too small.
        """
        super().__init__()
        if codebook_size < 2 or codebook_dim < 1:
            raise ValueError(f"codebook_size must be at least 2 and codebook_dim at least 1, got {codebook_size} and {codebook_dim}")
        self.codebook_size, self.codebook_dim, self.commitment = codebook_size, codebook_dim, commitment
        self.mapping = nn.Linear(codebook_dim, codebook_dim, bias=False)
        basis = torch.empty(codebook_size, codebook_dim)
        # Random numbers for a network without memory would have torch import symbolic algebra for a second.
        self.register_buffer("basis", basis if basis.is_meta else basis.normal_())
        # How often each codeword was chosen in training mode since `reset_usage`: a figure, never part of the graph.
        self.register_buffer("usage", torch.zeros(codebook_size, dtype=torch.int64), persistent=False)
        self._keeper: Keeper[MappedCodebook] = Keeper()
        self._resized = 0

    def codewords(self) -> Tensor:
        """The mapped codebook, (K, D)."""
        mapped: Tensor = self.mapping(self.basis)
        return mapped

    @property
    def mapped(self) -> MappedCodebook:
        """The mapped codebook: in evaluation the same one until a weight has another value."""
        training = self.training or (torch.is_grad_enabled() and self.mapping.weight.requires_grad)
        if training or not comparable(self.basis, self.mapping.weight) or torch.is_autocast_enabled(self.basis.device.type):
            return MappedCodebook(self.codewords())
        return self._kept().value

    @property
    def stamp(self) -> object:
        """Equal to an earlier one only if no codeword has changed since; on an accelerator, if no change was counted."""
        sources = self.basis, self.mapping.weight
        if comparable(*sources):
            return self._kept().stamp
        # Tensors made for inference alone keep no count of their changes.
        return self._resized, *(part for one in sources for part in (id(one), 0 if one.is_inference() else one._version))

    def _kept(self) -> Kept[MappedCodebook]:
        return self._keeper.get((self.basis, self.mapping.weight), _mapped)

    def lookup(self, indices: Tensor) -> Tensor:
        """Codewords of indices of any shape: (...,) int64 in [0, K) -> (..., D)."""
        return F.embedding(indices, self.mapped.codewords)

    def forward(self, z: Tensor) -> QuantizerOutput:
        """Quantize z (B, D, h, w), always in float32: half precision would decide ties between close codewords at random.

        The gradient passes straight through to z; codewords learn from the codebook term of the loss only.
        """
        if z.dim() != 4 or z.shape[1] != self.codebook_dim:
            raise ValueError(f"expected features (B, {self.codebook_dim}, h, w), got {tuple(z.shape)}")
        with torch.autocast(z.device.type, enabled=False):
            tokens = z.float().permute(0, 2, 3, 1)
            codebook = self.mapped
            flat = codebook.search.nearest(tokens.detach().flatten(0, 2))
            indices = flat.view(tokens.shape[:3])
            chosen = F.embedding(indices, codebook.codewords)
            loss = F.mse_loss(chosen, tokens.detach()) + self.commitment * F.mse_loss(tokens, chosen.detach())
            quantized = tokens + (chosen - tokens).detach()
        if self.training:
            # Not bincount: it reads the largest index back from the device.
            self.usage.index_add_(0, flat, torch.ones_like(flat))
        return QuantizerOutput(quantized.permute(0, 3, 1, 2), indices, loss)

    @torch.no_grad()
    def reset_usage(self) -> None:
        """Start counting anew."""
        self.usage.zero_()

    @torch.no_grad()
    def initialise(self, features: Tensor, generator: torch.Generator) -> None:
        """Place the whole codebook on features: the mapping becomes the identity, the frozen matrix a spread sample of the features.

        Args:
            features: (N, D), N at least 1.
            generator: Draws the sample.

        Raises:
            ValueError: There are no features.
        """
        self.mapping.weight.copy_(torch.eye(self.codebook_dim))
        self._place(torch.ones(self.codebook_size, dtype=torch.bool, device=features.device), features, generator)
        self.reset_usage()

    @torch.no_grad()
    def revive(self, features: Tensor, generator: torch.Generator) -> int:
        """Move codewords that were not chosen since `reset_usage` onto features, and start counting anew.

        Args:
            features: (N, D), N at least 1.
            generator: Draws the places.

        Returns:
            How many codewords were moved.

        Raises:
            ValueError: There are no features.
        """
        dead = self.usage == 0
        self._place(dead, features, generator)
        self.reset_usage()
        return int(dead.sum())

    @torch.no_grad()
    def grow(self, count: int, features: Tensor, generator: torch.Generator) -> None:
        """Append codewords, placed on features that are far from every codeword.

        Args:
            count: How many.
            features: (N, D), N at least 1.
            generator: Draws the places.

        Raises:
            ValueError: There are no features.
        """
        fresh = torch.ones(count, dtype=torch.bool, device=self.basis.device)
        self._resize(
            torch.cat([self.basis, self.basis.new_zeros(count, self.codebook_dim)]), torch.cat([self.usage, self.usage.new_zeros(count)])
        )
        self._place(torch.cat([fresh.new_zeros(self.codebook_size - count), fresh]), features, generator)

    @torch.no_grad()
    def prune(self, keep: Tensor) -> None:
        """Drop the codewords outside keep (K,) bool; the indices of the others close up. At least two must stay."""
        if int(keep.sum()) < 2:
            raise ValueError(f"at least two codewords must stay, got {int(keep.sum())}")
        self._resize(self.basis[keep], self.usage[keep])

    @torch.no_grad()
    def take_over(self, other: VectorQuantizer) -> None:
        """Become a copy of another codebook, whatever its size."""
        self._resize(other.basis.clone(), other.usage.clone())
        self.mapping.load_state_dict(other.mapping.state_dict())

    def _resize(self, basis: Tensor, usage: Tensor) -> None:
        self.basis, self.usage, self.codebook_size = basis, usage, len(basis)
        self._resized += 1

    def _place(self, rows: Tensor, features: Tensor, generator: torch.Generator) -> None:
        if len(features) == 0:
            raise ValueError("no features to place codewords on")
        wanted = int(rows.sum())
        if wanted == 0:
            return
        spots = spread_sample(features.float(), wanted, self.codewords()[~rows], generator)
        # The mapped codeword must land on the feature: basis = feature times the mapping's inverse.
        self.basis[rows] = spots @ torch.linalg.pinv(self.mapping.weight.float()).T


def _mapped(basis: Tensor, weight: Tensor) -> MappedCodebook:
    with torch.autocast(basis.device.type, enabled=False):
        return MappedCodebook(F.linear(basis, weight))


def spread_sample(features: Tensor, count: int, present: Tensor, generator: torch.Generator, rounds: int = 8) -> Tensor:
    """Features drawn in proportion to the squared distance to the nearest codeword (k-means||, arXiv 1203.6402).

    A plain sample would put most codewords onto the empty background, which needs only a few.

    Args:
        features: (N, D), N at least 1.
        count: How many to draw.
        present: (M, D), codewords that stay; M may be 0.
        generator: On the CPU.
        rounds: Of drawing. The codewords of a round keep those of later rounds away.

    Returns:
        (count, D), the drawn features with a little noise.
    """
    spots, part = present.new_empty(0, features.shape[1]), -(-count // rounds)
    while len(spots) < count:
        standing = torch.cat([present, spots])
        if len(standing):
            weights = (features - standing[nearest_codewords(features, standing)]).square().sum(1)
        else:
            weights = features.new_ones(len(features))
        cumulative = weights.double().cumsum(0)
        drawn = torch.rand(min(part, count - len(spots)), generator=generator).to(features.device) * cumulative[-1]
        picks = torch.searchsorted(cumulative, drawn.double(), right=True).clamp(max=len(features) - 1)
        # Two codewords on one spot can never both be used; a little noise parts those drawn twice.
        noise = torch.randn(len(picks), features.shape[1], generator=generator).to(features.device)
        spots = torch.cat([spots, features[picks] + noise * (1e-2 * features.std())])
    return spots


def perplexity(counts: Tensor) -> float:
    """Effective number of codewords in use, exp(H(p)), in [1, K].

    counts: (K,) how often each codeword was chosen over a data set (not over one batch).
    Raises ValueError if no token was counted.
    """
    total = counts.sum()
    if total <= 0:
        raise ValueError("perplexity needs at least one counted token")
    share = counts.double() / total
    return float(torch.special.entr(share).sum().exp())


def utilisation(counts: Tensor) -> float:
    """Share of codewords chosen at least once, in [0, 1]. counts: (K,) over a data set."""
    return float((counts > 0).double().mean())
