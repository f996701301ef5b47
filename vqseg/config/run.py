"""All settings of a training run together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from pydantic import ConfigDict

from vqseg.config.data import AugmentationConfig, DataConfig, PreprocessConfig
from vqseg.config.model import ModelConfig
from vqseg.config.objective import ObjectiveConfig
from vqseg.config.ranges import require
from vqseg.config.reads import ReadsConfig
from vqseg.config.train import TrainConfig


@dataclass(frozen=True, kw_only=True)
class Config:
    """All settings of one training run."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    model: ModelConfig = field(default_factory=ModelConfig)
    preprocess: PreprocessConfig = field(default_factory=PreprocessConfig)
    data: DataConfig = field(default_factory=DataConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    reads: ReadsConfig = field(default_factory=ReadsConfig)

    def __post_init__(self) -> None:
        # Imported here, as torch comes with it: a second that the command line's help does without.
        from vqseg.quantization.perturbation import training_names, training_perturbation

        perturbation, mode = self.objective.perturbation, self.model.mode
        others = [name for name in training_names() if not training_perturbation(name, mode).needs_codes]
        require(
            not self.model.continuous or self.objective.strength == 0 or perturbation in others,
            f"model.continuous has no codes for {perturbation} to work with; set objective.perturbation to one of {', '.join(others)}",
        )
        self.reads.channel_names(self.model.in_channels)
        reach, train = self.model.reach, self.train
        require(
            not train.adapt_codebook or reach is None or reach <= train.codebook_smallest - 1,
            f"train.adapt_codebook may shrink the codebook to {train.codebook_smallest} codewords; model.reach must lie below, got {reach}",
        )
        require(not (self.model.continuous and self.objective.usage > 0), "model.continuous has no codebook for objective.usage")
        if self.objective.target == "partner":
            require(self.model.continuous, "objective.target: partner has two networks, and a run one codebook; set model.continuous")
            require(train.initial is None, "objective.target: partner needs two networks of different weights; leave train.initial out")
            require(self.data.pseudo_labels is None, "with objective.target: partner the networks label; leave data.pseudo_labels out")
