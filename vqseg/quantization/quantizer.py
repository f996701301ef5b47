"""Vector quantization with a mapped codebook (Eq. 2): features -> indices -> codewords.

Knows nothing of images, perturbation or training schedules.
Shapes: z (B, D, h, w), codebook (K, D), indices (B, h, w).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vqseg.types import QuantizerOutput

# Rows of the token x codeword score matrix that are held at once: small enough to stay in the cache, and it bounds memory.
_SCORES_AT_ONCE = 1 << 24


def nearest_codewords(features: Tensor, codewords: Tensor) -> Tensor:
    """Index of the nearest codeword in squared Euclidean distance. features (N, D), codewords (K, D) -> (N,) int64."""
    half_norms = codewords.square().sum(1) / 2
    rows = max(1, _SCORES_AT_ONCE // len(codewords))
    parts = [torch.addmm(half_norms, part, codewords.T, alpha=-1).argmin(1) for part in features.split(rows)]
    return torch.cat(parts) if parts else features.new_empty(0, dtype=torch.int64)


class VectorQuantizer(nn.Module):
    """Nearest codeword of a frozen matrix that is seen through one trainable linear layer (SimVQ, arXiv 2411.02038).

    codebook_size: K >= 2. codebook_dim: D >= 1. commitment: beta, weight of ||z - sg(c)||^2.
    All codewords move together with the linear layer, so a codeword that is not chosen does not fall behind.
    """

    basis: Tensor
    usage: Tensor

    def __init__(self, codebook_size: int, codebook_dim: int, *, commitment: float = 0.25) -> None:
        super().__init__()
        if codebook_size < 2 or codebook_dim < 1:
            raise ValueError(f"codebook_size must be at least 2 and codebook_dim at least 1, got {codebook_size} and {codebook_dim}")
        self.codebook_size, self.codebook_dim, self.commitment = codebook_size, codebook_dim, commitment
        self.mapping = nn.Linear(codebook_dim, codebook_dim, bias=False)
        self.register_buffer("basis", torch.randn(codebook_size, codebook_dim))
        # How often each codeword was chosen in training mode since `reset_usage`: a figure, never part of the graph.
        self.register_buffer("usage", torch.zeros(codebook_size, dtype=torch.int64), persistent=False)

    def codewords(self) -> Tensor:
        """The mapped codebook, (K, D)."""
        return self.mapping(self.basis)

    def lookup(self, indices: Tensor) -> Tensor:
        """Codewords of indices of any shape: (...,) int64 in [0, K) -> (..., D)."""
        return F.embedding(indices, self.codewords())

    def forward(self, z: Tensor) -> QuantizerOutput:
        """Quantize z (B, D, h, w), always in float32: half precision would decide ties between close codewords at random.

        The gradient passes straight through to z; codewords learn from the codebook term of the loss only.
        """
        if z.dim() != 4 or z.shape[1] != self.codebook_dim:
            raise ValueError(f"expected features (B, {self.codebook_dim}, h, w), got {tuple(z.shape)}")
        with torch.autocast(z.device.type, enabled=False):
            tokens = z.float().permute(0, 2, 3, 1)
            codewords = self.codewords()
            flat = nearest_codewords(tokens.detach().flatten(0, 2), codewords.detach())
            indices = flat.view(tokens.shape[:3])
            chosen = F.embedding(indices, codewords)
            loss = F.mse_loss(chosen, tokens.detach()) + self.commitment * F.mse_loss(tokens, chosen.detach())
            quantized = tokens + (chosen - tokens).detach()
        if self.training:
            self.usage += torch.bincount(flat, minlength=self.codebook_size)
        return QuantizerOutput(quantized.permute(0, 3, 1, 2), indices, loss)

    @torch.no_grad()
    def reset_usage(self) -> None:
        """Start counting anew."""
        self.usage.zero_()

    @torch.no_grad()
    def initialise(self, features: Tensor, generator: torch.Generator) -> None:
        """Draw the whole codebook from features (N, D): the mapping becomes the identity, the frozen matrix a sample of them."""
        self.mapping.weight.copy_(torch.eye(self.codebook_dim))
        self._place(torch.ones(self.codebook_size, dtype=torch.bool, device=features.device), features, generator)
        self.reset_usage()

    @torch.no_grad()
    def revive(self, features: Tensor, generator: torch.Generator) -> int:
        """Move codewords that were not chosen since `reset_usage` onto features (N, D). Returns how many were moved."""
        dead = self.usage == 0
        self._place(dead, features, generator)
        self.reset_usage()
        return int(dead.sum())

    def _place(self, rows: Tensor, features: Tensor, generator: torch.Generator) -> None:
        count = int(rows.sum())
        if len(features) == 0:
            raise ValueError("no features to place codewords on")
        if count == 0:
            return
        picks = torch.randperm(len(features), generator=generator)[:count].to(features.device)
        repeats = -(-count // len(picks))
        chosen = features[picks].float().repeat(repeats, 1)[:count]
        # Two codewords on one spot can never both be used; a little noise parts those drawn twice.
        noise = torch.randn(chosen.shape, generator=generator).to(chosen.device) * chosen.std() * (0.05 if repeats > 1 else 1e-4)
        # The mapped codeword must land on the feature: basis = feature times the mapping's inverse.
        inverse = torch.linalg.pinv(self.mapping.weight.float())
        self.basis[rows] = (chosen + noise) @ inverse.T


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
