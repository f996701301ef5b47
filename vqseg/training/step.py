"""One training step of VQ-Seg: (student, teacher, batch, generator) -> LossTerms (Eq. 7-11). No weights, no I/O, no clock.

Shapes: images (B_l, C_in, H, W), labels (B_l, H, W), weak and strong (B_u, C_in, H, W), pseudo_labels (B_u, H, W) if made beforehand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Generator, Tensor, nn

from vqseg.config import AugmentationConfig, ObjectiveConfig
from vqseg.data.augmentation import draw_mixing, mix
from vqseg.data.regions import largest_regions
from vqseg.losses.reconstruction import reconstruction_loss
from vqseg.losses.segmentation import confidence_mask, mean_structure_dice, segmentation_loss
from vqseg.losses.usage import usage_loss
from vqseg.models.vqseg import VQSeg
from vqseg.training.crossing import both, own_answers
from vqseg.training.group import Group
from vqseg.training.guide import Guide
from vqseg.training.pasting import pasted, pasted_loss, rectangle
from vqseg.training.teacher import Teacher
from vqseg.training.uncertainty import certain_consistency, uncertain_answers
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
    views: Generator | None = None,
    partner: nn.Module | None = None,
) -> LossTerms:
    """The losses of one batch, before weighting.

    Args:
        student: The network in training, or its wrapper for several processes.
        teacher: Its average, which makes the pseudo-labels.
        batch: This process's part of the images.
        generator: Of what perturbs, and of the usage loss; in the same state on every process.
        objective: Which losses there are, and what perturbs the student.
        augmentation: How images are mixed.
        quantize: False bypasses the codebook, for steps before it is placed.
        guide: The foundation model and its adapter; None leaves the alignment out.
        group: The ranks that share the batch. The mean of their terms equals what one process would compute for the whole batch.
        views: Of how images are mixed, in the same state on every process: with one of its own, no perturbation shifts what is mixed. None
            for `generator`.
        partner: A second network in training, in the teacher's place (`objective.target` is "partner").

    Returns:
        Scalars with gradient. Those of the unlabelled branch are zero if the batch has no unlabelled images.
    """
    step = _Step(student, teacher, generator, views or generator, objective, augmentation, quantize, guide, group)
    if partner is not None:
        return step.crossed(replace(step, student=partner), batch)
    terms = step.labelled(batch)
    if batch.weak is None or batch.strong is None:
        return terms
    if objective.target == "probabilities":
        return step.consistent(terms, batch.weak, batch.strong)
    made = step.pseudo_labels(batch.weak, batch.pseudo_labels, batch.pseudo_weights)
    if objective.mixing == "copy-paste":
        return step.pasted(terms, batch, batch.strong, *made)
    return step.unlabelled(terms, batch.weak, batch.strong, *made, step.mixing(batch.strong))


@dataclass(frozen=True)
class _Step:
    """The arguments of `training_step` that all its parts read."""

    student: nn.Module
    teacher: Teacher
    generator: Generator
    views: Generator
    objective: ObjectiveConfig
    augmentation: AugmentationConfig
    quantize: bool
    guide: Guide | None
    group: Group

    def labelled(self, batch: Batch) -> LossTerms:
        """The labelled branch: both decoders against the truth (Eq. 8)."""
        objective, images, labels = self.objective, batch.images, batch.labels
        output = self._perturbed(images) if objective.perturb_labelled else self._clean(images)
        segmentation = self._segmentation(output, labels, labelled=batch.labelled)
        with torch.no_grad():
            dice = mean_structure_dice(output.logits[: len(labels)].argmax(1), labels, output.logits.shape[1], batch.labelled)
        nothing = segmentation.new_zeros(())
        return LossTerms(
            segmentation,
            _reconstruction(output, images),
            output.quantizer_loss,
            unlabelled_segmentation=nothing,
            unlabelled_reconstruction=nothing,
            figures={"dice_labelled": dice},
            alignment=_alignment(self.guide, images, output, objective),
            usage=_usage(self.student, output, self.generator) if objective.usage > 0 and self.quantize else 0.0,
        )

    def pseudo_labels(self, weak: Tensor, made: Tensor | None, weights: Tensor | None) -> tuple[Tensor, Tensor]:
        """The student's target (B_u, H, W) int64, and what it counts at each pixel (B_u, H, W): bool, or a weight in [0, 1]."""
        if made is not None:
            sure = made != UNSURE
            return made.where(sure, 0), sure if weights is None else sure * weights
        # The teacher reads unperturbed codes of the weak view: otherwise the QPM's noise becomes the target.
        return self.confident(self.teacher.probabilities(weak, quantize=self.quantize))

    def confident(self, probabilities: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities (B_u, C, H, W) as labels (B_u, H, W) int64, and the pixels (B_u, H, W) bool at which they count."""
        hard = probabilities.argmax(1)
        kept = largest_regions(hard) if self.objective.largest_region else hard
        return kept, confidence_mask(probabilities, threshold=self.objective.confidence)

    def unlabelled(
        self, terms: LossTerms, weak: Tensor, strong: Tensor, hard: Tensor, sure: Tensor, mixed: Callable[[Tensor], Tensor]
    ) -> LossTerms:
        """The unlabelled branch: the student sees strong views, mixed, through perturbed codes (Eq. 9). -> all terms."""
        objective = self.objective
        images = mixed(strong if objective.student_view == "strong" else weak)
        target, mask = mixed(hard), mixed(sure)
        output = disturbed = self._clean(images) if objective.feature_stream else self._perturbed(images)
        segmentation = self._segmentation(output, target, mask)
        if objective.feature_stream:
            disturbed = self._perturbed(weak)
            segmentation = (segmentation + self._segmentation(disturbed, hard, sure)) / 2
        aligned = _alignment(self.guide, mixed(weak), output, objective) if self.guide else 0.0
        found = self._with_unlabelled(terms, output, images, segmentation, mask, target, disturbed.replaced)
        return replace(found, alignment=(terms.alignment + aligned) / 2)

    def crossed(self, partner: _Step, batch: Batch) -> LossTerms:
        """Both branches of CPS: two networks learn the truth and, on the same mixed views, each other's labels. -> the terms of both."""
        steps = self, partner
        first, second = (step.labelled(batch) for step in steps)
        weak, strong = batch.weak, batch.strong
        if weak is not None and strong is not None:
            own, others = (step.confident(own_answers(_itself(step.student), weak, quantize=self.quantize)) for step in steps)
            mixed = self.mixing(strong)
            first = self.unlabelled(first, weak, strong, *others, mixed)
            second = partner.unlabelled(second, weak, strong, *own, mixed)
        return both(first, second)

    def consistent(self, terms: LossTerms, weak: Tensor, strong: Tensor) -> LossTerms:
        """The unlabelled branch of UA-MT: the student's probabilities against the teacher's, where these are certain. -> all terms."""
        target, mask = uncertain_answers(self.teacher.model, weak, self.generator, self.group.share, quantize=self.quantize)
        images = strong if self.objective.student_view == "strong" else weak
        output = self._perturbed(images)
        versions = output.logits.split(len(target))
        loss = torch.stack([certain_consistency(one, target, mask) for one in versions]).mean()
        return self._with_unlabelled(terms, output, images, loss, mask, target.argmax(1), output.replaced)

    def pasted(self, terms: LossTerms, batch: Batch, strong: Tensor, hard: Tensor, sure: Tensor) -> LossTerms:
        """The unlabelled branch of BCP: labelled images in unlabelled ones and the other way round. -> all terms."""
        count = min(len(batch.images), len(strong))
        own, truth, other, made, sure = batch.images[:count], batch.labels[:count], strong[:count], hard[:count], sure[:count]
        labelled = None if batch.labelled is None else batch.labelled[:count]
        inside = rectangle((own.shape[-2], own.shape[-1]), self.views).to(own.device)

        def loss(logits: Tensor, target: Tensor, mask: Tensor, labelled: Tensor | None) -> Tensor:
            return segmentation_loss(logits, target, dice=self.objective.dice, mask=mask, total=self.group.total, labelled=labelled)

        both = torch.cat([pasted(inside, own, other), pasted(inside, other, own)])
        output = self._perturbed(both)
        # A perturbation may have made two versions of every picture.
        parts = [
            pasted_loss(loss, logits, truth, made, shown, sure, labelled)
            for version in output.logits.split(len(both))
            for logits, shown in zip(version.split(count), (inside, ~inside), strict=True)
        ]
        return self._with_unlabelled(terms, output, both, torch.stack(parts).mean(), sure, made, output.replaced)

    @staticmethod
    def _with_unlabelled(
        terms: LossTerms, output: VQSegOutput, images: Tensor, segmentation: Tensor, mask: Tensor, target: Tensor, replaced: Tensor
    ) -> LossTerms:
        """All terms, with those of the unlabelled branch and its figures."""
        figures = {
            "confident_share": mask.float().mean(),
            "structure_share": (target > 0).float().mean(),
            "replaced_share": replaced.float().mean(),
        }
        return replace(
            terms,
            quantizer=(terms.quantizer + output.quantizer_loss) / 2,
            unlabelled_segmentation=segmentation,
            unlabelled_reconstruction=_reconstruction(output, images),
            figures=terms.figures | figures,
        )

    def _segmentation(self, output: VQSegOutput, target: Tensor, mask: Tensor | None = None, labelled: Tensor | None = None) -> Tensor:
        """L_seg, the mean over the versions that a perturbation has made of every image."""
        settings: dict[str, Any] = {"dice": self.objective.dice, "mask": mask, "total": self.group.total, "labelled": labelled}
        return torch.stack([segmentation_loss(one, target, **settings) for one in output.logits.split(len(target))]).mean()

    def mixing(self, images: Tensor) -> Callable[[Tensor], Tensor]:
        """One CutMix for strong views (B_u, C_in, H, W), labels and masks alike, over the batches of all ranks; none for weak views."""
        if self.objective.student_view == "weak":
            return _as_it_is
        group, size = self.group, (images.shape[-2], images.shape[-1])
        mixing = draw_mixing(len(images) * group.share.count, size, self.augmentation, self.views, images.device)
        return lambda values: group.own(mix(group.collect(values), mixing))

    def _clean(self, images: Tensor) -> VQSegOutput:
        output: VQSegOutput = self.student(images, quantize=self.quantize)
        return output

    def _perturbed(self, images: Tensor) -> VQSegOutput:
        output: VQSegOutput = self.student(
            images,
            quantize=self.quantize,
            strength=self.objective.strength,
            perturbation=self.objective.perturbation,
            generator=self.generator,
            share=self.group.share,
        )
        return output


def _reconstruction(output: VQSegOutput, images: Tensor) -> Tensor:
    """L_rec of the slices themselves, without their neighbours: the mean over the versions that a perturbation has made of every image."""
    own = images[:, : output.reconstruction.shape[1]]
    return reconstruction_loss(output.reconstruction, own.repeat(len(output.reconstruction) // len(images), 1, 1, 1))


def _as_it_is(values: Tensor) -> Tensor:
    return values


def _alignment(guide: Guide | None, clean: Tensor, output: VQSegOutput, objective: ObjectiveConfig) -> Tensor | float:
    """L_align of the features before perturbation; `clean` are the same pixels as the student's, with little or no recolouring."""
    if guide is None or output.post_vq is None:
        return 0.0
    return guide.alignment(
        clean[:, : output.reconstruction.shape[1]],
        output.post_vq,
        temperature=objective.alignment_temperature,
        centred=objective.alignment_centred,
    )


def _usage(student: nn.Module, output: VQSegOutput, generator: Generator) -> Tensor | float:
    if output.features is None:
        return 0.0
    # In half precision close codewords could not be told apart.
    with torch.autocast(output.features.device.type, enabled=False):
        return usage_loss(output.features, _itself(student).quantizer.codewords(), generator=generator)


def _itself(student: nn.Module) -> VQSeg:
    """The network, which under DistributedDataParallel is one level further in."""
    network: Any = getattr(student, "module", student)
    return cast("VQSeg", network)
