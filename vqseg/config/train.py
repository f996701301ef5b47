"""Settings of a run: its length, its batches, its optimiser, and what it writes when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import ConfigDict

from vqseg.config.ranges import require


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """The run itself: length, batch, optimiser, precision and what is written when."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    output: str = "runs/acdc-10"
    """Folder of the run: log.jsonl, checkpoints, snapshots."""
    initial: str | None = None
    """Checkpoint (folder or Hub id) whose weights student and teacher start from. Its codebook stands: `codebook_start` is skipped."""
    decoders_alone: bool = False
    """Take only encoder and codebook from `initial` and leave them as they are; the decoders start from random weights and are trained
    alone, on codes that stand still. Needs revive_every: 0."""
    codes_stand: bool = False
    """Leave encoder and codebook of `initial` as they are, so that codes keep their meaning, and train the decoders, which start from it
    too. Needs revive_every: 0."""
    backbone_weights: str | None = None
    """Where the weights of `model.encoder: vit` come from: a Hub id such as facebook/dinov2-small, a local folder, or "random"."""
    backbone_learning_rate: float | None = None
    """Peak learning rate of that backbone; None for `learning_rate`. The published code has a fortieth of the other."""
    foundation: str = "facebook/dinov2-small"
    """Foundation model of the alignment, read if objective.alignment is above 0: a Hub id, a local folder, or "random" in tests."""
    steps: int = 6000
    """Optimiser steps in all."""
    batch_labelled: int = 8
    """Labelled crops a step and process."""
    batch_unlabelled: int = 8
    """Unlabelled crops a step and process."""
    learning_rate: float = 1e-3
    """Peak learning rate of AdamW."""
    warmup_steps: int = 100
    """Steps of linear warm-up before the polynomial decay."""
    poly_power: float = 0.9
    """Power of the polynomial decay."""
    weight_decay: float = 1e-4
    """AdamW's decoupled weight decay."""
    clip_norm: float = 1.0
    """Largest norm of the gradient."""
    ema_decay: float = 0.99
    """alpha of the teacher's exponential moving average."""
    codebook_start: int = 200
    """Steps with continuous features before the codebook is initialised from them; 0 keeps the random codebook from the
    start. In a shorter run it is initialised before the last step."""
    revive_every: int = 250
    """Steps between replacements of codewords that were not chosen since the last one; 0 for never."""
    revive_until: float = 0.8
    """Share of the run after which no codeword is replaced any more."""
    adapt_codebook: bool = False
    """Instead of reviving idle codewords, grow the codebook while it is used and prune it where it is not."""
    codebook_smallest: int = 64
    """Lower bound of K for adapt_codebook."""
    codebook_largest: int = 65536
    """Upper bound of K for adapt_codebook; model.codebook_size is where it starts."""
    seed: int = 0
    """Seed of every random number of the run."""
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    """Autocast precision; bf16 pays on GPUs, on CPUs with AMX and, in wide networks, a little on those with avx512_bf16."""
    log_every: int = 20
    """Steps between lines of the log."""
    checkpoint_every: int = 250
    """Steps between checkpoints of the whole training state."""
    evaluate_every: int = 1000
    """Steps between evaluations on the validation patients; 0 for never."""
    tracker: Literal["tensorboard"] | None = None
    """Show the log as curves while it grows: "tensorboard" writes its files to curves/ in the run's folder. Nothing leaves the machine."""
    snapshots: int = 8
    """Moments of training at which the codewords and their activity are kept."""
    compile: bool = False
    """Compile the student with torch.compile."""

    def __post_init__(self) -> None:
        require(self.seed >= 0, f"seed must not be negative, got {self.seed}")
        for name in ("steps", "batch_labelled", "batch_unlabelled", "log_every", "checkpoint_every"):
            require(getattr(self, name) >= 1, f"{name} must be at least 1, got {getattr(self, name)}")
        rate = self.backbone_learning_rate
        require(rate is None or rate > 0, f"backbone_learning_rate must be positive, got {rate}")
        for name in ("learning_rate", "clip_norm", "poly_power"):
            require(getattr(self, name) > 0, f"{name} must be positive, got {getattr(self, name)}")
        for name in ("warmup_steps", "codebook_start", "revive_every", "evaluate_every", "snapshots", "weight_decay"):
            require(getattr(self, name) >= 0, f"{name} must not be negative, got {getattr(self, name)}")
        require(
            2 <= self.codebook_smallest <= self.codebook_largest,
            f"expected 2 <= codebook_smallest <= codebook_largest, got {self.codebook_smallest} and {self.codebook_largest}",
        )
        require(
            not self.decoders_alone or (self.initial is not None and self.revive_every == 0),
            "decoders_alone reads the codes of train.initial, which must be named, and leaves them as they are: set revive_every to 0",
        )
        require(
            not self.codes_stand or (self.initial is not None and self.revive_every == 0),
            "codes_stand leaves the codes of train.initial, which must be named, as they are: set revive_every to 0",
        )
        require(self.revive_every > 0 or not self.adapt_codebook, "adapt_codebook looks at the codebook every revive_every steps; got 0")
        for name in ("ema_decay", "revive_until"):
            require(0 <= getattr(self, name) <= 1, f"{name} must lie in [0, 1], got {getattr(self, name)}")
