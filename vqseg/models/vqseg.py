"""VQ-Seg: encoder -> codebook -> perturbed indices -> two decoders on the same post-VQ features (the paper's Figure 2).

Knows nothing of teachers, losses or files.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from vqseg.config import ModelConfig, PreprocessConfig, ReadsConfig
from vqseg.data.neighbours import alone
from vqseg.models.encoders import encoder_pair
from vqseg.models.pretrained import Pretrained
from vqseg.quantization.perturbation import QPM, HeldTemperature, PostVQ, QuantizedPerturbation, training_perturbation
from vqseg.quantization.quantizer import VectorQuantizer
from vqseg.types import QuantizerOutput, Share, VQSegOutput

_WHOLE = Share()


class VQSeg(Pretrained):
    """One network of the pair; teacher and student have the same form.

    images (B, C_in, H, W), C_in = config.input_channels, intensities about [0, 1], any H and W: they are padded to the encoder's stride
    inside and cropped back.
    """

    def __init__(self, config: ModelConfig, preprocess: PreprocessConfig | None = None, reads: ReadsConfig | None = None) -> None:
        """Build a network with random weights.

        Args:
            config: Form of the network.
            preprocess: How a scan becomes what the network reads. The network itself does not use it; it is saved with the weights.
            reads: What scans it is for. Not used either, and saved too.

        Raises:
            ConfigError: The encoder is unknown or cannot have these settings, or `reads` names other channels.
            EncoderError: A package that the encoder needs is missing.
        """
        super().__init__()
        self.config = config
        # Not used in here: it says how images must be prepared, and is saved with the weights.
        self.preprocess = preprocess or PreprocessConfig()
        self.reads = reads or ReadsConfig()
        self.reads.channel_names(config.in_channels)
        dim = config.codebook_dim
        pair = encoder_pair(config.encoder)
        self.encoder = pair.encoder(config)
        self.quantizer = VectorQuantizer(config.codebook_size, dim, commitment=config.commitment)
        self.swap_temperature = HeldTemperature(config.temperature, config.reach)
        self.segmentation_decoder = pair.decoder(config, len(config.classes), True)
        self.image_decoder = pair.decoder(config, config.in_channels, False)

    def forward(
        self,
        images: Tensor,
        *,
        strength: float = 0.0,
        perturbation: str = QPM,
        generator: torch.Generator | None = None,
        quantize: bool = True,
        share: Share = _WHOLE,
    ) -> VQSegOutput:
        """Segment and reconstruct.

        Args:
            images: (B, C_in, H, W).
            strength: epsilon of the QPM in [0, 1], or the rate of the dropout used instead.
            perturbation: "qpm" for that of `config.mode`, or a name in PERTURBATIONS.
            generator: Of the perturbation's random numbers; the global one if None.
            quantize: False bypasses the codebook, for steps before it is placed. Perturbations that need codes then do nothing.
            share: Rank and world size, if several ranks share the batch.

        Returns:
            Logits (B, C, H, W), reconstruction (B, in_channels, H, W) of the slice itself, and what they came from. A perturbation that
            makes two versions of every image has both decoded, all first ones before all second ones: 2 B logits, reconstructions,
            quantized and replaced.

        Raises:
            ValueError: If the perturbation is unknown, or needs codes that a continuous network never has.
        """
        passing, z = self.split_levels(self.encode(images))
        codes = self.quantizer(z) if quantize and not self.config.continuous else _no_codes(z)
        post_vq = quantized = codes.quantized
        replaced = torch.zeros_like(codes.indices, dtype=torch.bool)
        if strength > 0 and (quantize or not training_perturbation(perturbation, self.config.mode).needs_codes):
            quantized, replaced = self.perturb(quantized, codes.indices, strength, generator, share, perturbation)
        joined = _joined(passing, quantized)
        logits, reconstruction = self.decode(joined, images.shape[-2:])
        deepest = post_vq[:, :, -(joined.shape[2] // self.levels) :]
        return VQSegOutput(logits, reconstruction, quantized, codes.indices, replaced, codes.loss, z, deepest)

    def segment(self, images: Tensor, *, quantize: bool = True) -> Tensor:
        """The logits of `forward` with nothing perturbed, without the cost of the image decoder.

        Args:
            images: (B, C_in, H, W).
            quantize: As for `forward`.

        Returns:
            (B, C, H, W).
        """
        return self.segment_with_codes(images, quantize=quantize)[0]

    def segment_with_codes(self, images: Tensor, *, quantize: bool = True) -> tuple[Tensor, Tensor | None]:
        """As `segment`, with the codes that were chosen on the way.

        Args:
            images: (B, C_in, H, W).
            quantize: As for `forward`.

        Returns:
            Logits (B, C, H, W), and indices (B, h, w) int64; None where the codebook is bypassed.
        """
        passing, z = self.split_levels(self.encode(images))
        codes = self.quantizer(z) if quantize and not self.config.continuous else None
        logits: Tensor = self.segmentation_decoder(_joined(passing, z if codes is None else codes.quantized))
        return logits[..., : images.shape[-2], : images.shape[-1]], None if codes is None else codes.indices

    @property
    def perturbation(self) -> QuantizedPerturbation:
        """The module of the paper as this network uses it: its mode, and the temperature for its present codewords."""
        temperature = self.swap_temperature(self.quantizer.mapped.codewords.detach().float(), self.quantizer.stamp)
        return QuantizedPerturbation(self.config.mode, temperature)

    @property
    def indexed(self) -> bool:
        """Whether the indices alone give the segmentation, as serving needs it."""
        return not self.config.continuous and (self.levels == 1 or self.config.quantize_levels == "all")

    @property
    def levels(self) -> int:
        """Grids of tokens that the encoder gives; they lie below each other."""
        return self.encoder.levels

    @property
    def pixels_per_token(self) -> int:
        """Side of the square of pixels that one token stands for."""
        return self.encoder.pixels_per_token

    def split_levels(self, z: Tensor) -> tuple[Tensor | None, Tensor]:
        """z of all levels (B, D, levels * h, w) -> the levels that bypass the codebook, None if none do, and those that go through it."""
        if self.levels == 1 or self.config.quantize_levels == "all":
            return None, z
        height = z.shape[2] // self.levels
        return z[:, :, :-height], z[:, :, -height:]

    def encode(self, images: Tensor) -> Tensor:
        """(B, C_in, H, W) -> continuous features z (B, D, h, w) of the padded image; several levels lie below each other.

        Images with no neighbours (B, in_channels, H, W) are read as single pictures by a network that reads neighbours, too.
        """
        if images.shape[1] == self.config.in_channels and self.config.context_slices:
            images = alone(images, self.config.context_slices)
        height, width = images.shape[-2:]
        pad = (-width % self.encoder.stride, -height % self.encoder.stride)
        z: Tensor = self.encoder(F.pad(images, (0, pad[0], 0, pad[1]), mode="replicate") if any(pad) else images)
        return z

    def perturb(
        self,
        quantized: Tensor,
        indices: Tensor,
        strength: float,
        generator: torch.Generator | None,
        share: Share = _WHOLE,
        perturbation: str = QPM,
    ) -> tuple[Tensor, Tensor]:
        """q(z) -> q'(z) = QPM(q(z)), Eq. 3, or a perturbation used instead of the QPM.

        Args:
            quantized: (B, D, h, w).
            indices: (B, h, w) int64, -1 where z bypassed the codebook.
            strength: In [0, 1].
            generator: Of the random numbers; the global one if None.
            share: As for `forward`.
            perturbation: As for `forward`.

        Returns:
            Perturbed features (V B, D, h, w), and which tokens carry another code, (V B, h, w) bool; V is the number of versions that the
            perturbation makes of every image, 1 or 2.

        Raises:
            ValueError: As for `forward`.
        """
        kind = training_perturbation(perturbation, self.config.mode)
        if kind.needs_codes and self.config.continuous:
            raise ValueError(f"perturbation {kind.name} needs codes, and a network with model.continuous has none")
        # In half precision the new codeword would miss the codebook that the quantizer, always in float32, has chosen from.
        with torch.autocast(quantized.device.type, enabled=False):
            codewords = temperature = None
            if kind.needs_codes:
                codewords = self.quantizer.mapped.codewords.detach().float()
                temperature = self.swap_temperature(codewords, self.quantizer.stamp)
            tokens = PostVQ(quantized, indices, codewords, temperature)
            perturbed, codes = kind.versions(tokens, strength, generator, share)
        return perturbed, codes != indices.repeat(len(codes) // len(indices), 1, 1)

    def decode(self, quantized: Tensor, size: torch.Size | tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Decode post-VQ features with both decoders (Eq. 7).

        Args:
            quantized: (B, D, h, w).
            size: (H, W) of the image before padding.

        Returns:
            Logits (B, C, H, W) and reconstruction (B, in_channels, H, W).
        """
        height, width = size
        logits, reconstruction = self.segmentation_decoder(quantized), self.image_decoder(quantized)
        return logits[..., :height, :width], reconstruction[..., :height, :width]


def _joined(passing: Tensor | None, quantized: Tensor) -> Tensor:
    """The levels that bypassed the codebook, (B, D, h', w), and those that went through it, (V B, D, h, w), stacked again."""
    if passing is None:
        return quantized
    return torch.cat([passing.repeat(len(quantized) // len(passing), 1, 1, 1), quantized], dim=2)


def _no_codes(z: Tensor) -> QuantizerOutput:
    return QuantizerOutput(z, z.new_full((z.shape[0], *z.shape[-2:]), -1, dtype=torch.int64), z.new_zeros(()))
