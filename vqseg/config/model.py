"""Settings of the network: what a checkpoint needs to rebuild it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from pydantic import ConfigDict

from vqseg.config.ranges import require

MOST_CHANNELS = 4
"""Of a slice: more are frames of a cine or numbers of another kind."""


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
            require(1 <= getattr(self, name) <= 2**16, f"{name} must lie in [1, {2**16}], got {getattr(self, name)}")
        require(self.layers <= 512, f"layers must be at most 512, got {self.layers}")
        require(self.hidden_size % self.heads == 0, f"hidden_size must be a multiple of heads, got {self.hidden_size} and {self.heads}")
        require(self.image_size % self.patch == 0, f"image_size must be a multiple of patch, got {self.image_size} and {self.patch}")
        require(
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
    """Channels of a slice, 1 to 4: a grey value; red, green and blue; or one scan of each modality. `reads.channels` names them."""
    context_slices: int = 0
    """Slices above and below that the network reads beside a slice, on either side, with all their channels: see vqseg.data.neighbours. It
    segments and reconstructs the slice itself."""
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
    mode: str = "resample"
    """How the QPM replaces indices: "resample", "shuffle" or another perturbation of codes (vqseg.quantization.perturbation)."""
    temperature: float | Literal["adaptive"] | None = None
    """Divides the squared distance between codewords in pi(j|i); "adaptive" is their median nearest-neighbour distance. Exactly one of
    `temperature` and `reach` is set; "adaptive" if neither is given."""
    reach: float | None = None
    """How many codewords a replaced token may effectively become, from 1, the nearest alone, to K - 1, any other: the temperature is
    solved for it (vqseg.quantization.perturbation.temperature_for_reach)."""
    continuous: bool = False
    """Leave the codebook out: both decoders read z itself. For comparisons; such a network has no indices to look at."""
    encoder: str = "compact"
    """"compact": the convolutional pair, one level of tokens; "vit": the paper's pair, a vision transformer and DPT decoders."""
    backbone: BackboneConfig = field(default_factory=BackboneConfig)
    """The vision transformer, for "vit" only; `widths` and `token_stride` are for "compact" only."""
    quantize_levels: Literal["all", "deepest"] = "all"
    """Which levels of "vit" pass the codebook: "all" as in the paper's text, "deepest" as in its published code."""

    @property
    def input_channels(self) -> int:
        """Channels of what the encoder reads: the image, its neighbours, and where these are missing."""
        return self.in_channels + 2 * (self.in_channels + 1) * self.context_slices

    def __post_init__(self) -> None:
        require(len(self.classes) >= 2, f"classes needs the background and at least one structure, got {self.classes}")
        # Labels are uint8, and 255 stands for a voxel without one.
        require(len(self.classes) <= 255, f"classes can be 255 at most, got {len(self.classes)}")
        require(1 <= self.in_channels <= MOST_CHANNELS, f"in_channels must lie in [1, {MOST_CHANNELS}], got {self.in_channels}")
        require(0 <= self.context_slices <= 64, f"context_slices must lie in [0, 64], got {self.context_slices}")
        require(min(self.widths) >= 8 and all(w % 8 == 0 for w in self.widths), f"widths must be multiples of 8, got {self.widths}")
        require(
            self.decoder_width % 16 == 0 and self.decoder_width > 0, f"decoder_width must be a multiple of 16, got {self.decoder_width}"
        )
        require(self.codebook_size >= 2, f"codebook_size must be at least 2, got {self.codebook_size}")
        require(self.codebook_dim >= 1, f"codebook_dim must be at least 1, got {self.codebook_dim}")
        require(0 <= self.commitment < math.inf, f"commitment must be finite and not negative, got {self.commitment}")
        require(
            self.temperature is None or self.reach is None,
            f"temperature and reach set the same thing; leave one out, got {self.temperature!r} and {self.reach}",
        )
        if self.reach is not None:
            require(1 <= self.reach <= self.codebook_size - 1, f"reach must lie in [1, {self.codebook_size - 1}], got {self.reach}")
        elif self.temperature is None:
            object.__setattr__(self, "temperature", "adaptive")
        if self.temperature is not None and not isinstance(self.temperature, str):
            # Beyond these, squared distances over the temperature leave the range of float32.
            require(1e-12 <= self.temperature <= 1e12, f"temperature must lie in [1e-12, 1e12], got {self.temperature}")
        # Imported here, as torch comes with it: a second that the command line's help does without.
        from vqseg.quantization.perturbation import modes

        require(self.mode in modes(), f"mode must be one of {', '.join(modes())}, got {self.mode!r}")
