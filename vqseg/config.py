"""Every setting of the project, as frozen dataclasses that read from and write to YAML.

Ranges are checked where a value enters (`__post_init__`); an unknown key is an error, never ignored.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

import yaml
from pydantic import ConfigDict, TypeAdapter, ValidationError

ConfigT = TypeVar("ConfigT")


class ConfigError(ValueError):
    """A setting that is unknown, of the wrong type or out of range."""


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ConfigError(message)


@dataclass(frozen=True, kw_only=True)
class BackboneConfig:
    """The vision transformer of `encoder: vit`; the values are DINOv2 ViT-S/14's."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    kind: Literal["dinov2", "vit"] = "dinov2"
    """Family of the architecture."""
    hidden_size: int = 384
    """Channels of a token."""
    layers: int = 12
    """Transformer layers."""
    heads: int = 6
    """Attention heads."""
    patch: int = 14
    """Pixels per token along each side."""
    image_size: int = 518
    """Side of the pictures of its pretraining, which sizes the position embedding."""
    taps: tuple[int, int, int, int] = (3, 6, 9, 12)
    """Layers after which the four levels are taken, the first layer being 1."""

    def __post_init__(self) -> None:
        for name in ("hidden_size", "layers", "heads", "patch"):
            _require(getattr(self, name) >= 1, f"{name} must be at least 1, got {getattr(self, name)}")
        _require(self.hidden_size % self.heads == 0, f"hidden_size must be a multiple of heads, got {self.hidden_size} and {self.heads}")
        _require(self.image_size % self.patch == 0, f"image_size must be a multiple of patch, got {self.image_size} and {self.patch}")
        _require(
            sorted(set(self.taps)) == list(self.taps) and self.taps[0] >= 1 and self.taps[-1] <= self.layers,
            f"taps must rise from 1 to at most layers, got {self.taps} of {self.layers}",
        )


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Architecture of one VQ-Seg network."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    classes: tuple[str, ...] = ("background", "RV", "MYO", "LV")
    """Names of the classes; the first is the background."""
    in_channels: int = 1
    """Channels of the input image."""
    widths: tuple[int, int, int, int] = (32, 64, 96, 160)
    """Channels of the encoder at strides 2, 4, 8 and 16."""
    token_stride: Literal[4, 8] = 4
    """Pixels per token along each side."""
    codebook_size: int = 4096
    """K, the number of codewords."""
    codebook_dim: int = 64
    """D, the dimension of a codeword."""
    commitment: float = 0.25
    """beta, the weight of the commitment term in the quantizer's loss."""
    decoder_width: int = 64
    """Channels of both decoders at the token grid."""
    mode: Literal["resample", "shuffle"] = "resample"
    """How the QPM replaces indices."""
    temperature: float | Literal["adaptive"] = "adaptive"
    """Divides the squared distance between codewords in pi(j|i); "adaptive" is their median nearest-neighbour distance."""
    continuous: bool = False
    """Leave the codebook out: both decoders read z itself. For comparisons; such a network has no indices to look at."""
    encoder: Literal["compact", "vit"] = "compact"
    """"compact": the convolutional pair, one level of tokens; "vit": the paper's pair, a vision transformer and DPT decoders."""
    backbone: BackboneConfig = field(default_factory=BackboneConfig)
    """The vision transformer, for "vit" only; `widths` and `token_stride` are for "compact" only."""
    quantize_levels: Literal["all", "deepest"] = "all"
    """Which levels of "vit" pass the codebook: "all" as in the paper's text, "deepest" as in its published code."""

    def __post_init__(self) -> None:
        _require(len(self.classes) >= 2, f"classes needs the background and at least one structure, got {self.classes}")
        _require(self.in_channels >= 1, f"in_channels must be at least 1, got {self.in_channels}")
        _require(min(self.widths) >= 8 and all(w % 8 == 0 for w in self.widths), f"widths must be multiples of 8, got {self.widths}")
        _require(
            self.decoder_width % 16 == 0 and self.decoder_width > 0, f"decoder_width must be a multiple of 16, got {self.decoder_width}"
        )
        _require(self.codebook_size >= 2, f"codebook_size must be at least 2, got {self.codebook_size}")
        _require(self.codebook_dim >= 1, f"codebook_dim must be at least 1, got {self.codebook_dim}")
        _require(self.commitment >= 0, f"commitment must not be negative, got {self.commitment}")
        if not isinstance(self.temperature, str):
            _require(self.temperature > 0, f"temperature must be positive, got {self.temperature}")
        if self.encoder == "vit":
            _require(self.in_channels in (1, 3), f'in_channels must be 1 or 3 with encoder "vit", got {self.in_channels}')


@dataclass(frozen=True, kw_only=True)
class PreprocessConfig:
    """From a scan's own intensities and grid to what the network reads; saved with every checkpoint."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    intensity: Literal["percentile", "window"] = "percentile"
    """"percentile": robust percentiles of the volume (MR); "window": fixed bounds (CT, in HU; pictures, 0 to 255)."""
    percentiles: tuple[float, float] = (0.5, 99.5)
    """Lower and upper percentile that become 0 and 1."""
    window: tuple[float, float] = (-1000.0, 400.0)
    """Lower and upper bound that become 0 and 1, used by "window"."""
    image_side: int | None = 256
    """A slice is resized so that its longer side has this many pixels; None keeps its own size."""
    largest_region: bool = False
    """Keep only the largest connected region of all structures together in a volume: for an organ in one piece, as a heart is."""
    largest_of_each: bool = False
    """Of that region keep only the largest piece of each structure: for an organ that has each of its structures once."""

    def __post_init__(self) -> None:
        low, high = self.percentiles
        _require(0 <= low < high <= 100, f"percentiles must satisfy 0 <= low < high <= 100, got {self.percentiles}")
        _require(self.largest_region or not self.largest_of_each, "largest_of_each needs largest_region")
        _require(self.window[0] < self.window[1], f"window must have its lower bound first, got {self.window}")
        _require(self.image_side is None or self.image_side >= 16, f"image_side must be at least 16, got {self.image_side}")


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Which scans train the model, and whose labels it may see."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    folder: str = "../shared/data/ACDC"
    """A data set folder: imagesTr/labelsTr or images/labels, with splits.json."""
    labelled: str = "10%"
    """A key of "labeled" in splits.json, or "all" for the fully supervised bound."""
    pseudo_labels: str | None = None
    """Folder that `python -m vqseg pseudo-labels` wrote: its labels are the unlabelled branch's target in place of the teacher's answers;
    objective.confidence and objective.largest_region are then not asked."""
    phantom_patients: int = 0
    """Procedural phantom patients mixed into the labelled part; 0 for none."""
    phantom_share: float = 0.125
    """Share of the labelled samples drawn from the phantoms, if there are any."""
    phantom_seed: int = 1000
    """First seed of the training phantoms; the bundled examples use others."""

    def __post_init__(self) -> None:
        _require(self.phantom_patients >= 0, f"phantom_patients must not be negative, got {self.phantom_patients}")
        _require(0 <= self.phantom_share < 1, f"phantom_share must lie in [0, 1), got {self.phantom_share}")


@dataclass(frozen=True, kw_only=True)
class AugmentationConfig:
    """Ranges of the random views; every random number comes from the step's generator."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    crop: int = 128
    """Side of the square training crop, in pixels of the preprocessed slice."""
    rotation: float = 180.0
    """Largest rotation, degrees either way."""
    scale: tuple[float, float] = (0.75, 1.35)
    """Range of the zoom; above 1 the structures grow."""
    shear: float = 0.1
    """Largest shear, as a tangent."""
    flip: bool = True
    """Mirror half of the views."""
    elastic: float = 4.0
    """Largest displacement of the smooth deformation field, in pixels; 0 for none."""
    focus: float = 0.7
    """Share of the crops centred near the middle of the slice; the others are centred anywhere."""
    gamma: tuple[float, float] = (0.6, 1.6)
    """Range of the gamma correction of a strong view."""
    contrast: float = 0.35
    """Largest relative change of contrast of a strong view."""
    brightness: float = 0.2
    """Largest shift of the intensities of a strong view, in units of their range."""
    bias_field: float = 0.3
    """Largest relative strength of a smooth multiplicative field."""
    noise: float = 0.06
    """Largest standard deviation of the Gaussian noise."""
    blur: float = 1.2
    """Largest standard deviation of the Gaussian blur, pixels."""
    cutmix: float = 0.5
    """Probability that a rectangle of a strong view comes from another image of the batch."""
    ramp_steps: int = 500
    """Steps over which geometry grows from none to its full range."""

    def __post_init__(self) -> None:
        _require(self.crop >= 32 and self.crop % 16 == 0, f"crop must be a multiple of 16 and at least 32, got {self.crop}")
        _require(0 < self.scale[0] <= self.scale[1], f"scale must be a positive range, got {self.scale}")
        _require(0 < self.gamma[0] <= self.gamma[1], f"gamma must be a positive range, got {self.gamma}")
        for name in ("focus", "cutmix"):
            _require(0 <= getattr(self, name) <= 1, f"{name} must lie in [0, 1], got {getattr(self, name)}")
        for name in ("rotation", "shear", "elastic", "contrast", "brightness", "bias_field", "noise", "blur", "ramp_steps"):
            _require(getattr(self, name) >= 0, f"{name} must not be negative, got {getattr(self, name)}")


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
    perturbation: Literal["qpm", "dropout", "channel_dropout", "none"] = "qpm"
    """What perturbs the student's post-VQ features; all but "qpm" are there for comparison."""
    feature_stream: bool = False
    """Perturb the features of the weak view, in a stream of its own beside an unperturbed strong one, as UniMatch does."""
    alignment: float = 0.0
    """lambda_a, the weight of L_align (Eq. 12; the paper has 5); 0 leaves the foundation model out."""
    alignment_temperature: float = 0.07
    """tau of the patch-wise InfoNCE (Eq. 11)."""
    alignment_ramp: int = 0
    """Steps over which lambda_a grows from zero."""
    usage: float = 0.0
    """Weight of the codebook-usage entropy loss (the published code has 0.1); 0 leaves it out."""

    def __post_init__(self) -> None:
        _require(self.alignment_temperature > 0, f"alignment_temperature must be positive, got {self.alignment_temperature}")
        amounts = ("segmentation", "reconstruction", "quantizer", "dice", "unlabelled", "unlabelled_start", "unlabelled_ramp", "usage")
        for name in (*amounts, "alignment", "alignment_ramp"):
            _require(getattr(self, name) >= 0, f"{name} must not be negative, got {getattr(self, name)}")
        for name in ("confidence", "strength"):
            _require(0 <= getattr(self, name) <= 1, f"{name} must lie in [0, 1], got {getattr(self, name)}")


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """The run itself: length, batch, optimiser, precision and what is written when."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    output: str = "runs/acdc-10"
    """Folder of the run: log.jsonl, checkpoints, snapshots."""
    initial: str | None = None
    """Checkpoint (folder or Hub id) whose weights student and teacher start from. Its codebook stands: `codebook_start` is skipped."""
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
    snapshots: int = 8
    """Moments of training at which the codewords and their activity are kept."""
    compile: bool = False
    """Compile the student with torch.compile."""

    def __post_init__(self) -> None:
        for name in ("steps", "batch_labelled", "batch_unlabelled", "log_every", "checkpoint_every"):
            _require(getattr(self, name) >= 1, f"{name} must be at least 1, got {getattr(self, name)}")
        rate = self.backbone_learning_rate
        _require(rate is None or rate > 0, f"backbone_learning_rate must be positive, got {rate}")
        for name in ("learning_rate", "clip_norm", "poly_power"):
            _require(getattr(self, name) > 0, f"{name} must be positive, got {getattr(self, name)}")
        for name in ("warmup_steps", "codebook_start", "revive_every", "evaluate_every", "snapshots", "weight_decay"):
            _require(getattr(self, name) >= 0, f"{name} must not be negative, got {getattr(self, name)}")
        _require(
            2 <= self.codebook_smallest <= self.codebook_largest,
            f"expected 2 <= codebook_smallest <= codebook_largest, got {self.codebook_smallest} and {self.codebook_largest}",
        )
        _require(self.revive_every > 0 or not self.adapt_codebook, "adapt_codebook looks at the codebook every revive_every steps; got 0")
        for name in ("ema_decay", "revive_until"):
            _require(0 <= getattr(self, name) <= 1, f"{name} must lie in [0, 1], got {getattr(self, name)}")


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

    def __post_init__(self) -> None:
        swaps = self.objective.perturbation == "qpm" and self.objective.strength > 0
        _require(
            not (self.model.continuous and swaps),
            'model.continuous has no codes for the QPM to swap; set objective.perturbation to "dropout", "channel_dropout" or "none"',
        )
        _require(not (self.model.continuous and self.objective.usage > 0), "model.continuous has no codebook for objective.usage")


def from_mapping(kind: type[ConfigT], values: Any, *, origin: str = "configuration") -> ConfigT:
    """A config dataclass from plain YAML or JSON values. Raises ConfigError that names the key and what was expected."""
    try:
        return TypeAdapter(kind).validate_python(values or {})
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc'])) or 'value'}: "
            + ("unknown key" if problem["type"] == "unexpected_keyword_argument" else problem["msg"])
            for problem in error.errors()
        )
        raise ConfigError(f"{origin}: {problems}") from error


def load_config(path: str | Path) -> Config:
    """Read a YAML file. Raises ConfigError if it is missing, malformed or holds an unknown key."""
    path = Path(path)
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the configuration {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    return from_mapping(Config, values, origin=str(path))


def to_mapping(config: Any) -> dict[str, Any]:
    """Plain values (lists instead of tuples) of a config dataclass, fit for YAML and JSON."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        return [plain(item) for item in value] if isinstance(value, (tuple, list)) else value

    return plain(asdict(config))


def save_config(config: Config, path: str | Path) -> None:
    """Write the resolved settings as YAML."""
    Path(path).write_text(yaml.safe_dump(to_mapping(config), sort_keys=False), encoding="utf-8")
