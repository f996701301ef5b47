"""Codebook and QPM as one layer for somebody else's network: features in, codewords out, some of them swapped while it trains.

Shapes: features (B, C, ...) with any number of axes behind the channels, N of them together; z (B, D, N, 1); codebook (K, D).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from vqseg.quantization.perturbation import HeldTemperature, PostVQ, Temperature, code_perturbation
from vqseg.quantization.quantizer import VectorQuantizer


class QuantizedBottleneck(nn.Module):
    """Stands where nn.Dropout2d stood. In evaluation it only quantizes.

    The codebook is placed on the features of the first training batch, and idle codewords are placed again from time to time. The gradient
    passes straight through. Add `loss` to the network's own loss; it is new after every call, and `indices` (B, ...) are its codes.
    """

    placed: Tensor
    loss: Tensor
    indices: Tensor

    def __init__(
        self,
        channels: int,
        *,
        codebook_size: int = 512,
        codebook_dim: int | None = None,
        strength: float = 0.5,
        mode: str = "resample",
        temperature: Temperature | None = None,
        reach: float | None = None,
        revive_every: int = 100,
        seed: int = 0,
    ) -> None:
        """Start with a random codebook.

        Args:
            channels: C.
            codebook_size: K, at least 2.
            codebook_dim: D; C if not given. Another D is reached, and left again, by one linear map each.
            strength: epsilon in [0, 1], the share of the tokens to swap in training.
            mode: "resample" or "shuffle".
            temperature: As for `QuantizedPerturbation`; "adaptive" if neither it nor a reach is given.
            reach: Into how many codewords a swapped token may effectively go, in place of a temperature.
            revive_every: Training batches between two looks for idle codewords; 0 never looks.
            seed: Of where codewords are placed.

        Raises:
            ValueError: A number is out of range, or the mode is unknown.
        """
        super().__init__()
        if not 0 <= strength <= 1:
            raise ValueError(f"strength must lie in [0, 1], got {strength}")
        dim = channels if codebook_dim is None else codebook_dim
        self.strength, self.mode, self.revive_every = strength, mode, revive_every
        self._kind = code_perturbation(mode)
        self.enter = nn.Identity() if dim == channels else nn.Conv2d(channels, dim, 1)
        self.quantizer = VectorQuantizer(codebook_size, dim)
        self.leave = nn.Identity() if dim == channels else nn.Conv2d(dim, channels, 1)
        self.temperature = HeldTemperature("adaptive" if temperature is None and reach is None else temperature, reach)
        self.register_buffer("placed", torch.tensor(False))
        self._seed, self._batches = seed, 0
        self._known_placed = False

    def forward(self, features: Tensor, *, strength: float | None = None, generator: Generator | None = None) -> Tensor:
        """Quantize features and swap a share of the codes.

        Args:
            features: (B, C, ...).
            strength: Of this call; if not given, the layer's own in training and 0 in evaluation.
            generator: Of the swaps; the global one if None.

        Returns:
            The same shape.

        Raises:
            ValueError: The strength lies outside [0, 1], or the features have other channels.
        """
        strength = (self.strength if self.training else 0.0) if strength is None else strength
        # On one scale, so that features cannot run away from their codewords.
        z = F.layer_norm(self.enter(features.flatten(2).unsqueeze(3)).transpose(1, 3), (self.quantizer.codebook_dim,)).transpose(1, 3)
        if self.training:
            self._place(z.detach())
        answer = self.quantizer(z)
        codewords = self.quantizer.codewords().detach().float()
        tokens = PostVQ(answer.quantized, answer.indices, codewords, self.temperature(codewords, self.quantizer.stamp))
        swapped, _ = self._kind.apply(tokens, strength, generator)
        self.loss, self.indices = answer.loss, answer.indices.view(len(features), *features.shape[2:])
        left: Tensor = self.leave(swapped)
        return left.view(features.shape)

    @torch.no_grad()
    def _place(self, z: Tensor) -> None:
        """Place the codebook at the first batch, and what is idle now and then."""
        random = torch.Generator().manual_seed(self._seed + self._batches)
        found = z.transpose(1, 3).flatten(0, 2).float()
        # Asked once: the answer comes back from the accelerator.
        if not self._known_placed and not bool(self.placed):
            self.quantizer.initialise(found, random)
            self.placed.fill_(True)
        elif self.revive_every and self._batches and self._batches % self.revive_every == 0:
            self.quantizer.revive(found, random)
        else:
            self._batches += 1
            return
        self._known_placed = True
        self._batches += 1
        self.temperature.solve(self.quantizer.codewords())
