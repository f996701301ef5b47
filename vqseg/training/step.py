"""One training step of VQ-Seg: (student, teacher, batch, generator) -> LossTerms (Eq. 7-10). No weights, no I/O, no clock.

Shapes: images (B_l, 1, H, W), labels (B_l, H, W), weak and strong (B_u, 1, H, W).
"""

from __future__ import annotations

import torch
from torch import Generator, nn

from vqseg.config import AugmentationConfig, ObjectiveConfig
from vqseg.data.augmentation import draw_mixing, mix
from vqseg.losses.reconstruction import reconstruction_loss
from vqseg.losses.segmentation import confidence_mask, mean_structure_dice, segmentation_loss
from vqseg.training.teacher import Teacher
from vqseg.types import Batch, LossTerms


def training_step(
    student: nn.Module,
    teacher: Teacher,
    batch: Batch,
    generator: Generator,
    *,
    objective: ObjectiveConfig,
    augmentation: AugmentationConfig,
    quantize: bool = True,
) -> LossTerms:
    """The losses of one batch, before weighting. quantize=False lets features by-pass the codebook until it is initialised."""
    labelled = student(batch.images, quantize=quantize)
    segmentation = segmentation_loss(labelled.logits, batch.labels, dice=objective.dice)
    reconstruction = reconstruction_loss(labelled.reconstruction, batch.images)
    with torch.no_grad():
        hard = labelled.logits.argmax(1)
        figures = {"dice_labelled": mean_structure_dice(hard, batch.labels, labelled.logits.shape[1])}
    if batch.weak is None or batch.strong is None:
        nothing = segmentation.new_zeros(())
        return LossTerms(segmentation, reconstruction, labelled.quantizer_loss, nothing, nothing, figures)

    # The teacher reads unperturbed codes of the weak view: otherwise the QPM's noise becomes the target.
    probabilities = teacher.probabilities(batch.weak, quantize=quantize)
    size = (batch.strong.shape[-2], batch.strong.shape[-1])
    mixing = draw_mixing(len(batch.strong), size, augmentation, generator)
    pseudo_labels = mix(probabilities.argmax(1), mixing)
    confident = mix(confidence_mask(probabilities, threshold=objective.confidence), mixing)
    strong = mix(batch.strong, mixing)

    unlabelled = student(strong, strength=objective.strength, generator=generator, quantize=quantize)
    figures |= {
        "confident_share": confident.float().mean(),
        "structure_share": (pseudo_labels > 0).float().mean(),
        "replaced_share": unlabelled.replaced.float().mean(),
    }
    return LossTerms(
        segmentation,
        reconstruction,
        (labelled.quantizer_loss + unlabelled.quantizer_loss) / 2,
        segmentation_loss(unlabelled.logits, pseudo_labels, dice=objective.dice, mask=confident),
        reconstruction_loss(unlabelled.reconstruction, strong),
        figures,
    )
