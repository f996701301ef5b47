"""The smallest settings with every part of the method in them, for tests of what runs on a whole network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from vqseg.config import AugmentationConfig, Config, DataConfig, ModelConfig, ObjectiveConfig, PreprocessConfig, TrainConfig
from vqseg.models.vqseg import VQSeg


def tiny_model_config(**changes: Any) -> ModelConfig:
    return ModelConfig(**({"widths": (8, 16, 16, 24), "codebook_size": 64, "codebook_dim": 16, "decoder_width": 16} | changes))


def tiny_model(seed: int = 0, *, image_side: int | None = 96, **changes: Any) -> VQSeg:
    """A network with random weights, in evaluation mode."""
    torch.manual_seed(seed)
    return VQSeg(tiny_model_config(**changes), PreprocessConfig(image_side=image_side)).eval()


def tiny_config(data: Path, output: Path, **train: Any) -> Config:
    """12 steps in which the codebook is placed (before step 4), revived (before 7) and the unlabelled branch begins (step 5)."""
    settings = {
        "steps": 12,
        "batch_labelled": 2,
        "batch_unlabelled": 2,
        "codebook_start": 4,
        "revive_every": 3,
        "warmup_steps": 3,
        "log_every": 2,
        "checkpoint_every": 6,
        "evaluate_every": 0,
        "snapshots": 3,
    }
    return Config(
        model=tiny_model_config(),
        preprocess=PreprocessConfig(image_side=96),
        data=DataConfig(folder=str(data), labelled="10%"),
        augmentation=AugmentationConfig(crop=64, ramp_steps=4),
        objective=ObjectiveConfig(unlabelled_start=5, unlabelled_ramp=3, confidence=0.3),
        train=TrainConfig(output=str(output), **(settings | train)),
    )
