"""One training step of VQ-Seg: (student, teacher, batch, generator) -> LossTerms (Eq. 7-11). No weights, no I/O, no clock.

Shapes: images (B_l, 1, H, W), labels (B_l, H, W), weak and strong (B_u, 1, H, W), pseudo_labels (B_u, H, W) if made beforehand.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Generator, Tensor, nn

from vqseg.config import AugmentationConfig, ObjectiveConfig
from vqseg.data.augmentation import draw_mixing, mix
from vqseg.data.regions import largest_regions
from vqseg.losses.reconstruction import reconstruction_loss
from vqseg.losses.segmentation import confidence_mask, mean_structure_dice, segmentation_loss
from vqseg.losses.usage import usage_loss
from vqseg.training.group import Group
from vqseg.training.guide import Guide
from vqseg.training.teacher import Teacher
from vqseg.types import UNSURE, Batch, LossTerms, VQSegOutput

_ALONE = Group()


def training_step(
    student: nn.Module,
    teacher: Teacher,
    batch: Batch,
    generator: Generator,
    *,
    objective: ObjectiveConfig,
    augmentation: AugmentationConfig,
    quantize: bool = True,
    guide: Guide | None = None,
    group: Group = _ALONE,
) -> LossTerms:
    """The losses of one batch, before weighting. quantize=False lets features by-pass the codebook until it is initialised.

    group: the processes that share the batch; the mean of their terms is what one process would have with all of it.
    """
    labelled = student(batch.images, quantize=quantize)
    segmentation = segmentation_loss(labelled.logits, batch.labels, dice=objective.dice, total=group.total)
    reconstruction = reconstruction_loss(labelled.reconstruction, batch.images)
    with torch.no_grad():
        hard = labelled.logits.argmax(1)
        figures = {"dice_labelled": mean_structure_dice(hard, batch.labels, labelled.logits.shape[1])}
    nothing = segmentation.new_zeros(())
    terms = LossTerms(
        segmentation,
        reconstruction,
        labelled.quantizer_loss,
        nothing,
        nothing,
        figures,
        alignment=_alignment(guide, batch.images, labelled, objective),
        usage=_usage(student, labelled, generator) if objective.usage > 0 and quantize else 0.0,
    )
    if batch.weak is None or batch.strong is None:
        return terms

    if batch.pseudo_labels is not None:
        sure = batch.pseudo_labels != UNSURE
        hard = batch.pseudo_labels.where(sure, 0)
    else:
        # The teacher reads unperturbed codes of the weak view: otherwise the QPM's noise becomes the target.
        probabilities = teacher.probabilities(batch.weak, quantize=quantize)
        hard, sure = probabilities.argmax(1), confidence_mask(probabilities, threshold=objective.confidence)
        if objective.largest_region:
            hard = largest_regions(hard)
    size = (batch.strong.shape[-2], batch.strong.shape[-1])
    mixing = draw_mixing(len(batch.strong) * group.share.count, size, augmentation, generator, batch.strong.device)

    def mixed(values: Tensor) -> Tensor:
        return group.own(mix(group.collect(values), mixing))

    strong, pseudo_labels, confident = mixed(batch.strong), mixed(hard), mixed(sure)
    disturbance: dict[str, Any] = {
        "strength": objective.strength,
        "perturbation": objective.perturbation,
        "generator": generator,
        "share": group.share,
    }
    unlabelled = disturbed = student(strong, quantize=quantize, **({} if objective.feature_stream else disturbance))
    unlabelled_segmentation = segmentation_loss(unlabelled.logits, pseudo_labels, dice=objective.dice, mask=confident, total=group.total)
    if objective.feature_stream:
        disturbed = student(batch.weak, quantize=quantize, **disturbance)
        steady = segmentation_loss(disturbed.logits, hard, dice=objective.dice, mask=sure, total=group.total)
        unlabelled_segmentation = (unlabelled_segmentation + steady) / 2
    aligned = _alignment(guide, mixed(batch.weak), unlabelled, objective) if guide else 0.0
    figures |= {
        "confident_share": confident.float().mean(),
        "structure_share": (pseudo_labels > 0).float().mean(),
        "replaced_share": disturbed.replaced.float().mean(),
    }
    return replace(
        terms,
        quantizer=(labelled.quantizer_loss + unlabelled.quantizer_loss) / 2,
        unlabelled_segmentation=unlabelled_segmentation,
        unlabelled_reconstruction=reconstruction_loss(unlabelled.reconstruction, strong),
        alignment=(terms.alignment + aligned) / 2,
    )


def _alignment(guide: Guide | None, clean: Tensor, output: VQSegOutput, objective: ObjectiveConfig) -> Tensor | float:
    """L_align of the features before perturbation; `clean` are the same pixels as the student's, with little or no recolouring."""
    if guide is None or output.post_vq is None:
        return 0.0
    return guide.alignment(clean, output.post_vq, temperature=objective.alignment_temperature)


def _usage(student: nn.Module, output: VQSegOutput, generator: Generator) -> Tensor | float:
    if output.features is None:
        return 0.0
    # Under DistributedDataParallel the network is one level further in.
    network: Any = getattr(student, "module", student)
    # In half precision codewords that lie close together would be one.
    with torch.autocast(output.features.device.type, enabled=False):
        return usage_loss(output.features, network.quantizer.codewords(), generator=generator)
