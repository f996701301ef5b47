"""Quantized Perturbation Module (Eq. 3 and 4): codes -> codes. Turning them into vectors is the quantizer's work."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vqseg.quantization.kept import Keeper, comparable
from vqseg.quantization.perturbation.kind import WHOLE
from vqseg.quantization.perturbation.registry import code_perturbation
from vqseg.quantization.perturbation.transitions import Temperature, check_codebook, check_temperature, temperature_of
from vqseg.types import Share


class QuantizedPerturbation(nn.Module):
    """Swaps codebook indices with a given strength, in place of dropout.

    mode "resample": an index i moves to j != i with probability strength * pi(j|i, j != i) (Eq. 4).
    mode "shuffle": a share `strength` of the positions of each image is permuted among itself; the histogram stays.

    Sampling is coupled: each token draws one uniform number u and one replacement and is replaced where u < strength, so with
    the same seed a larger strength only adds replacements.
    """

    def __init__(self, mode: str = "resample", temperature: Temperature = 1.0) -> None:
        """Choose how codes are replaced.

        Args:
            mode: "resample" or "shuffle".
            temperature: Divides the squared distance between codewords: a positive number, or "adaptive".

        Raises:
            ValueError: The mode is unknown, or the temperature is not positive.
        """
        super().__init__()
        check_temperature(temperature)
        self.kind = code_perturbation(mode)
        self.mode, self.temperature = mode, temperature
        self._solved: Keeper[Tensor] = Keeper()

    def forward(
        self, indices: Tensor, codewords: Tensor, strength: float, generator: torch.Generator | None = None, share: Share = WHOLE
    ) -> Tensor:
        """Replace codes.

        Args:
            indices: (B, h, w), or any shape whose first axis is the image; int64.
            codewords: (K, D).
            strength: epsilon in [0, 1].
            generator: Of the random numbers; the global one if None.
            share: Rank and world size. The random numbers of the whole batch are drawn, and this rank uses its part.

        Returns:
            Indices of the same shape.

        Raises:
            ValueError: If the strength lies outside [0, 1] or there are fewer than two codewords.
        """
        return self.kind.swapped(indices, codewords, strength, self._temperature(codewords), generator, share)

    def draw(self, indices: Tensor, codewords: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """What "resample" would do at every strength: draw once, then any strength costs nothing.

        Args:
            indices: As for `forward`.
            codewords: (K, D).
            generator: As for `forward`.

        Returns:
            Thresholds in [0, 1) and replacements, both of the indices' shape: `where(thresholds < strength, replacements, indices)` is
            what `forward` gives for the same generator.

        Raises:
            ValueError: For a mode whose replacements depend on the strength, as those of "shuffle" do.
        """
        return self.kind.drawn(indices, codewords, self._temperature(codewords), generator)

    def _temperature(self, codewords: Tensor) -> Temperature:
        """The temperature, solved if it is "adaptive": anew only for other codewords, as that may cost more than the swaps."""
        if self.temperature != "adaptive" or not self.kind.reaches or not comparable(codewords):
            return self.temperature
        return self._solved.get((codewords,), _adaptive).value


def _adaptive(codewords: Tensor) -> Tensor:
    check_codebook(codewords)
    return temperature_of(codewords, "adaptive")
