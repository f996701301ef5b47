"""The objective (Eq. 10 and 12): LossTerms -> one scalar. The only place that knows a lambda."""

from __future__ import annotations

from torch import Tensor

from vqseg.config import ObjectiveConfig
from vqseg.types import LossTerms


class Objective:
    """L = L_l + lambda_u(step) L_u + lambda_a(step) L_align (Eq. 12) + the quantizer's and the usage loss.

    L_l = w_seg L_seg + w_rec L_rec on the labelled part (Eq. 8; both weights are 1 in the paper), L_u the same on the unlabelled
    part against pseudo-labels (Eq. 9).
    """

    def __init__(self, config: ObjectiveConfig) -> None:
        self.config = config

    def unlabelled_weight(self, step: int) -> float:
        """lambda_u at a step: zero before unlabelled_start, then linear over unlabelled_ramp steps.

        A teacher that has not learnt the structures yet would only teach the background.
        """
        since = step - self.config.unlabelled_start
        if since < 0:
            return 0.0
        return self.config.unlabelled * min(1.0, (since + 1) / max(1, self.config.unlabelled_ramp))

    def alignment_weight(self, step: int) -> float:
        """lambda_a at a step: linear over alignment_ramp steps."""
        return self.config.alignment * min(1.0, (step + 1) / max(1, self.config.alignment_ramp))

    def __call__(self, terms: LossTerms, step: int) -> Tensor:
        w = self.config
        labelled = w.segmentation * terms.segmentation + w.reconstruction * terms.reconstruction
        unlabelled = w.segmentation * terms.unlabelled_segmentation + w.reconstruction * terms.unlabelled_reconstruction
        dual_branch = labelled + self.unlabelled_weight(step) * unlabelled
        codebook = w.quantizer * terms.quantizer + w.usage * terms.usage
        return dual_branch + self.alignment_weight(step) * terms.alignment + codebook
