"""Settings of the losses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import ConfigDict

from vqseg.config.ranges import require


@dataclass(frozen=True, kw_only=True)
class ObjectiveConfig:
    """Weights of the losses (Eq. 9 and 12) and what goes into them; read by losses/objective.py only."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    segmentation: float = 1.0
    """Weight of L_seg on both branches; 0 trains the reconstruction alone: a self-supervised start for `train.initial`."""
    reconstruction: float = 1.0
    """Weight of L_rec beside L_seg, on both branches."""
    quantizer: float = 1.0
    """Weight of the quantizer's codebook + commitment loss."""
    dice: float = 1.0
    """Weight of the soft Dice term added to the cross-entropy; 0 for cross-entropy alone, as in the paper."""
    unlabelled: float = 1.0
    """lambda_u, the weight of the unlabelled branch."""
    unlabelled_start: int = 1000
    """Step at which the unlabelled branch begins."""
    unlabelled_ramp: int = 1000
    """Steps over which its weight then grows to lambda_u."""
    confidence: float = 0.9
    """Pixels whose teacher probability is lower are left out of the pseudo-label loss."""
    largest_region: bool = False
    """Drop islands from the pseudo-labels: structures that do not touch the largest region of a view are background. For an organ in
    one piece; the teacher's islands are confident, and the student would learn them."""
    strength: float = 0.7
    """epsilon of the QPM on the student's strong branch, or the rate p of the dropout in its place."""
    strength_schedule: Literal["constant", "ramp", "periodic"] = "constant"
    """The strength over the steps from unlabelled_start on: "constant"; "ramp", rising linearly to `strength`; "periodic", up and down
    between 0 and `strength` (a raised cosine), the idea of P3Net."""
    strength_steps: int = 1000
    """Steps that a ramp takes to rise, or one period; without meaning for a constant strength."""
    perturbation: str = "qpm"
    """What perturbs the student's post-VQ features: "qpm", as model.mode says, or for comparison "dropout", "channel_dropout", "none" or
    another perturbation of features (vqseg.quantization.perturbation)."""
    perturb_labelled: bool = False
    """Perturb the student's post-VQ features in the labelled branch, too, by the same kind and strength: what the decoders learn from the
    truth then passes the perturbation (the setting of the paper's Fig. 1, where every label is used)."""
    student_view: Literal["strong", "weak"] = "strong"
    """What the student sees of the unlabelled images: "strong" views, mixed; "weak": what the teacher sees, unmixed, so that the perturbed
    features alone tell the two apart."""
    feature_stream: bool = False
    """Perturb the features of the weak view, in a stream of its own beside an unperturbed strong one, as UniMatch does."""
    target: Literal["labels", "probabilities", "partner"] = "labels"
    """What the student learns of unlabelled images: "labels", the teacher's confident ones; "probabilities", the mean of several disturbed
    answers of the teacher, where their entropy is low (UA-MT); "partner", the labels of a second network, which learns its own (CPS)."""
    mixing: Literal["cutmix", "copy-paste"] = "cutmix"
    """How the student's unlabelled images are mixed: with each other (see augmentation.cutmix), or with labelled ones in both directions
    (BCP)."""
    alignment: float = 0.0
    """lambda_a, the weight of L_align (Eq. 12; the paper has 5); 0 leaves the foundation model out."""
    alignment_temperature: float = 0.07
    """tau of the patch-wise InfoNCE (Eq. 11)."""
    alignment_centred: bool = False
    """Take the mean over an image's patches off the foundation model's features: what all patches of an image share tells none apart."""
    alignment_ramp: int = 0
    """Steps over which lambda_a grows from zero."""
    usage: float = 0.0
    """Weight of the codebook-usage entropy loss (the published code has 0.1); 0 leaves it out."""

    def __post_init__(self) -> None:
        require(self.alignment_temperature > 0, f"alignment_temperature must be positive, got {self.alignment_temperature}")
        amounts = ("segmentation", "reconstruction", "quantizer", "dice", "unlabelled", "unlabelled_start", "unlabelled_ramp", "usage")
        for name in (*amounts, "alignment", "alignment_ramp"):
            require(getattr(self, name) >= 0, f"{name} must not be negative, got {getattr(self, name)}")
        for name in ("confidence", "strength"):
            require(0 <= getattr(self, name) <= 1, f"{name} must lie in [0, 1], got {getattr(self, name)}")
        plain = self.target == "labels" and self.mixing == "cutmix"
        require(plain or not self.feature_stream, "feature_stream goes with target: labels and mixing: cutmix")
        require(self.target == "labels" or self.mixing == "cutmix", "copy-paste needs target: labels")
        require(self.target != "partner" or self.alignment == 0, "target: partner has no alignment to a foundation model")
        require(self.strength_steps >= 1, f"strength_steps must be at least 1, got {self.strength_steps}")
        # Imported here, as torch comes with it: a second that the command line's help does without.
        from vqseg.quantization.perturbation import training_names

        names = training_names()
        require(self.perturbation in names, f"perturbation must be one of {', '.join(names)}, got {self.perturbation!r}")
