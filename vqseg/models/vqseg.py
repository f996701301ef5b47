"""VQ-Seg: encoder -> codebook -> perturbed indices -> two decoders on the same post-VQ features (the paper's Figure 2).

Knows nothing of teachers, losses or files.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vqseg.config import ModelConfig, PreprocessConfig
from vqseg.models.decoder import PostVQDecoder
from vqseg.models.dpt import DPTDecoder
from vqseg.models.encoder import CompactEncoder
from vqseg.models.vit import LEVELS, ViTEncoder
from vqseg.quantization.dropout import FeatureDropout
from vqseg.quantization.perturbation import QuantizedPerturbation
from vqseg.quantization.quantizer import VectorQuantizer
from vqseg.types import QuantizerOutput, Share, VQSegOutput

Perturbation = Literal["qpm", "dropout", "channel_dropout", "none"]
_WHOLE = Share()


class VQSeg(nn.Module):
    """One network of the pair; teacher and student have the same form.

    images (B, C_in, H, W), intensities about [0, 1], any H and W: they are padded to the encoder's stride inside and cropped back.
    """

    def __init__(self, config: ModelConfig, preprocess: PreprocessConfig | None = None) -> None:
        super().__init__()
        self.config = config
        # Not used in here: it says what the images must be like, and travels with the weights.
        self.preprocess = preprocess or PreprocessConfig()
        dim = config.codebook_dim
        self.encoder, self.levels = _encoder(config)
        self.quantizer = VectorQuantizer(config.codebook_size, dim, commitment=config.commitment)
        self.perturbation = QuantizedPerturbation(config.mode, config.temperature)
        self.segmentation_decoder = _decoder(config, len(config.classes), context=True)
        self.image_decoder = _decoder(config, config.in_channels, context=False)

    def forward(
        self,
        images: Tensor,
        *,
        strength: float = 0.0,
        perturbation: Perturbation = "qpm",
        generator: torch.Generator | None = None,
        quantize: bool = True,
        share: Share = _WHOLE,
    ) -> VQSegOutput:
        """Segment and reconstruct. strength: epsilon of the QPM, or the rate of the dropout that stands in for it.

        quantize=False lets z through, before the codebook stands; there are no codes to swap then. share: the images are one
        part of a batch that several processes perturb together.
        """
        passing, z = self.split_levels(self.encode(images))
        codes = self.quantizer(z) if quantize and not self.config.continuous else _no_codes(z)
        post_vq = quantized = codes.quantized
        replaced = torch.zeros_like(codes.indices, dtype=torch.bool)
        if strength > 0 and perturbation in ("dropout", "channel_dropout"):
            quantized = FeatureDropout(channels=perturbation == "channel_dropout")(quantized, strength, generator, share)
        elif strength > 0 and perturbation == "qpm" and quantize:
            quantized, replaced = self.perturb(quantized, codes.indices, strength, generator, share)
        joined = _joined(passing, quantized)
        logits, reconstruction = self.decode(joined, images.shape[-2:])
        deepest = post_vq[:, :, -(joined.shape[2] // self.levels) :]
        return VQSegOutput(logits, reconstruction, quantized, codes.indices, replaced, codes.loss, z, deepest)

    def segment(self, images: Tensor, *, quantize: bool = True) -> Tensor:
        """The logits (B, C, H, W) of `forward` with nothing perturbed, without the cost of the image decoder."""
        passing, z = self.split_levels(self.encode(images))
        quantized = self.quantizer(z).quantized if quantize and not self.config.continuous else z
        return self.segmentation_decoder(_joined(passing, quantized))[..., : images.shape[-2], : images.shape[-1]]

    @property
    def indexed(self) -> bool:
        """Whether the indices alone give the segmentation, as serving needs it."""
        return not self.config.continuous and (self.levels == 1 or self.config.quantize_levels == "all")

    @property
    def pixels_per_token(self) -> int:
        """Side of the square of pixels that one token stands for."""
        return self.config.token_stride if self.config.encoder == "compact" else self.config.backbone.patch

    def split_levels(self, z: Tensor) -> tuple[Tensor | None, Tensor]:
        """z of all levels (B, D, levels * h, w) -> the levels that by-pass the codebook, None if there are none, and those that pass it."""
        if self.levels == 1 or self.config.quantize_levels == "all":
            return None, z
        height = z.shape[2] // self.levels
        return z[:, :, :-height], z[:, :, -height:]

    def encode(self, images: Tensor) -> Tensor:
        """(B, C_in, H, W) -> continuous features z (B, D, h, w) of the padded image; several levels lie below each other."""
        height, width = images.shape[-2:]
        pad = (-width % self.encoder.stride, -height % self.encoder.stride)
        return self.encoder(F.pad(images, (0, pad[0], 0, pad[1]), mode="replicate") if any(pad) else images)

    def perturb(
        self, quantized: Tensor, indices: Tensor, strength: float, generator: torch.Generator | None, share: Share = _WHOLE
    ) -> tuple[Tensor, Tensor]:
        """q(z) -> q'(z) = QPM(q(z)), Eq. 3, and which tokens carry another code: (B, D, h, w), (B, h, w) bool.

        A replaced token has its new codeword's value and keeps the straight-through gradient to its encoder feature.
        """
        # In half precision the new codeword would miss the codebook that the quantizer, always in float32, has chosen from.
        with torch.autocast(quantized.device.type, enabled=False):
            codewords = self.quantizer.codewords().detach().float()
            swapped = self.perturbation(indices, codewords, strength, generator, share)
        shift = F.embedding(swapped, codewords) - F.embedding(indices, codewords)
        return quantized + shift.permute(0, 3, 1, 2), swapped != indices

    def decode(self, quantized: Tensor, size: torch.Size | tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Post-VQ features (B, D, h, w) -> logits (B, C, H, W) and reconstruction (B, C_in, H, W), cropped to size (H, W)."""
        height, width = size
        logits, reconstruction = self.segmentation_decoder(quantized), self.image_decoder(quantized)
        return logits[..., :height, :width], reconstruction[..., :height, :width]


def _encoder(config: ModelConfig) -> tuple[CompactEncoder | ViTEncoder, int]:
    """The encoder that a configuration names, and its number of levels."""
    if config.encoder == "compact":
        return CompactEncoder(config.in_channels, config.widths, config.codebook_dim, config.token_stride), 1
    return ViTEncoder(config.backbone, config.codebook_dim), LEVELS


def _decoder(config: ModelConfig, outputs: int, *, context: bool) -> nn.Module:
    if config.encoder == "compact":
        return PostVQDecoder(config.codebook_dim, config.decoder_width, outputs, config.token_stride, context=context)
    return DPTDecoder(config.codebook_dim, config.decoder_width, outputs, config.backbone.patch)


def _joined(passing: Tensor | None, quantized: Tensor) -> Tensor:
    """The levels that by-passed the codebook and those that passed it, below each other again."""
    return quantized if passing is None else torch.cat([passing, quantized], dim=2)


def _no_codes(z: Tensor) -> QuantizerOutput:
    return QuantizerOutput(z, z.new_full((z.shape[0], *z.shape[-2:]), -1, dtype=torch.int64), z.new_zeros(()))
