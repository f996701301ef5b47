"""The teacher: an exponential moving average of the student (encoder, codebook mapping, decoders), and its pseudo-labels."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from vqseg.models.vqseg import VQSeg


class Teacher(nn.Module):
    """An exponential moving average of the student.

    The decay starts low and rises with the number n of updates, as min(alpha, (1 + n) / (10 + n)); otherwise the random weights of the
    first steps would linger. Buffers are copied, not averaged: the only one that matters is the quantizer's frozen matrix, which jumps when
    codewords are placed.
    """

    def __init__(self, student: VQSeg, alpha: float, *, settled: bool = False) -> None:
        """Start as a copy of the student.

        Args:
            student: The trained network itself, not its wrapper for several processes.
            alpha: Decay of the average, in [0, 1].
            settled: Whether the student starts from trained weights: the average then keeps them, at its full decay from the first update.
        """
        super().__init__()
        self.alpha, self.settled = alpha, settled
        # Holds the average and its count; `update` does the averaging.
        self.averaged = AveragedModel(student, use_buffers=False)
        if settled:
            # At a count of zero the first update would overwrite the average with the student.
            self.averaged.n_averaged.fill_(1)
        self.averaged.eval().requires_grad_(False)

    @property
    def model(self) -> VQSeg:
        """The averaged network, in evaluation mode."""
        return self.averaged.module  # type: ignore[return-value]

    @torch.no_grad()
    def update(self, student: VQSeg) -> None:
        """Update the average by one step.

        AveragedModel.update_parameters computes the same, but copies its count to the device at every step: the host would wait until the
        GPU has done all its work.
        """
        count = int(self.averaged.n_averaged)
        decay = 0.0 if count == 0 else self.alpha if self.settled else min(self.alpha, (1 + count) / (10 + count))
        torch._foreach_lerp_(list(self.model.parameters()), list(student.parameters()), 1 - decay)
        for held, value in zip(self.model.buffers(), student.buffers(), strict=True):
            held.copy_(value)
        self.averaged.n_averaged += 1

    @torch.no_grad()
    def copy_codebook(self, student: VQSeg) -> None:
        """Copy the student's codebook (matrix, mapping and size) after codewords were placed anew."""
        self.model.quantizer.take_over(student.quantizer)
        self.model.config = student.config

    @torch.no_grad()
    def probabilities(self, images: Tensor, *, quantize: bool = True) -> Tensor:
        """Class probabilities from unperturbed codes; their argmax is the pseudo-label (Eq. 9).

        Args:
            images: (B, C_in, H, W), the weak views.
            quantize: As for `VQSeg.forward`.

        Returns:
            (B, C, H, W).
        """
        return self.model.segment(images, quantize=quantize).float().softmax(1)
