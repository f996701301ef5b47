"""Placement of a run's codewords: on features once these are meaningful, and again for codewords that are never chosen."""

from __future__ import annotations

import logging
from dataclasses import replace

import torch
from torch import Generator, Tensor

from vqseg.config import Config
from vqseg.data.sampler import ViewSampler
from vqseg.models.vqseg import VQSeg
from vqseg.quantization.quantizer import VectorQuantizer
from vqseg.training.adaptation import adapt_codebook
from vqseg.training.group import Group
from vqseg.training.schedule import codebook_start
from vqseg.training.teacher import Teacher

logger = logging.getLogger(__name__)

# Batches that codewords are placed on, and the crops of each; more batches where a large codebook needs more features.
_BATCHES, _CROPS = 4, 16
_FEATURES_PER_CODEWORD, _MOST_BATCHES = 2, 64
# Steps between two solutions of the swaps' temperature: codewords move little in between.
_SOLVE_EVERY = 100


class CodebookPlacing:
    """The codebook of student and teacher over a run. Without a codebook (`model.continuous`) it does nothing."""

    def __init__(self, config: Config, student: VQSeg, teacher: Teacher, group: Group) -> None:
        """Take over the codebook of a run.

        Args:
            config: Of the run.
            student: The trained network itself, not its wrapper for several processes.
            teacher: Its average.
            group: The processes of the run.
        """
        self.config, self.student, self.teacher, self.group = config, student, teacher, group
        self.start = codebook_start(config.train)

    def reads_codes(self, step: int) -> bool:
        """Whether a step reads codes. The codebook is placed at the beginning of the first such step."""
        return step >= self.start and not self.config.model.continuous

    def tend(self, step: int, sampler: ViewSampler, generator: Generator) -> None:
        """Place codewords before a step, if it is time: all at the first step that reads codes, later those that were never chosen.

        The temperature of the swaps is solved anew whenever codewords were placed, and every 100 steps.

        Args:
            step: The step about to be made.
            sampler: Draws the images whose features codewords are placed on.
            generator: Of the run.
        """
        starting, reviving = self._starts(step), self._revives(step)
        if starting or reviving:
            self._place(step, sampler, generator, starting=starting)
        if starting or reviving or (self.reads_codes(step) and (step - self.start) % _SOLVE_EVERY == 0):
            with torch.no_grad():
                self.student.swap_temperature.solve(self.student.quantizer.codewords())

    def _place(self, step: int, sampler: ViewSampler, generator: Generator, *, starting: bool) -> None:
        train, quantizer = self.config.train, self.student.quantizer
        quantizer.usage.copy_(self.group.sum(quantizer.usage))
        features = self._features(step, sampler, generator)
        shared = torch.Generator().manual_seed(train.seed * 7_919 + step)
        if starting:
            quantizer.initialise(features, shared)
        elif train.adapt_codebook:
            adapt_codebook(quantizer, features, shared, smallest=train.codebook_smallest, largest=train.codebook_largest)
            self.student.config = replace(self.student.config, codebook_size=quantizer.codebook_size)
        else:
            logger.debug("step %d: %d codewords placed anew", step, quantizer.revive(features, shared))
        # Ranks on different kinds of devices may have rounded the places differently.
        self.group.broadcast(quantizer.basis)
        if starting or train.adapt_codebook:
            # A revival needs no copy: it moves rows of the frozen matrix, which the teacher copies at every update.
            self.teacher.copy_codebook(self.student)

    def resize(self, size: int) -> None:
        """Give student and teacher a codebook of the size of a saved one."""
        if not self.config.train.adapt_codebook or size == self.student.quantizer.codebook_size:
            return
        device = self.student.quantizer.basis.device
        self.student.quantizer.take_over(VectorQuantizer(size, self.config.model.codebook_dim).to(device))
        self.student.config = replace(self.student.config, codebook_size=size)
        self.teacher.copy_codebook(self.student)

    def _starts(self, step: int) -> bool:
        return step == self.start > 0 and not self.config.model.continuous

    def _revives(self, step: int) -> bool:
        train, since = self.config.train, step - self.start
        due = train.revive_every > 0 and since > 0 and since % train.revive_every == 0 and step < train.revive_until * train.steps
        return due and not self.config.model.continuous

    @torch.no_grad()
    def _features(self, step: int, sampler: ViewSampler, generator: Generator) -> Tensor:
        """Features to place codewords on, (N, D): of a few batches, or of more if a large codebook needs more places."""
        parts: list[Tensor] = []
        wanted = _FEATURES_PER_CODEWORD * self.student.quantizer.codebook_size
        half = max(1, _CROPS // 2 // self.group.share.count)
        for drawn in range(_MOST_BATCHES):
            if drawn >= _BATCHES and sum(map(len, parts)) >= wanted:
                break
            batch = sampler.draw(step, half, half, generator, self.group.share)
            for images in (batch.images, batch.weak):
                if images is not None:
                    z = self.student.split_levels(self.student.encode(images))[1]
                    parts.append(self.group.collect(z.float().permute(0, 2, 3, 1)).flatten(0, 2))
        return torch.cat(parts)
