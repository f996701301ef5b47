"""The paper's encoder: a vision transformer of the DINOv2 family, its features tapped at four depths.

The four levels lie on one grid. They are stacked along its height, so that one codebook, one QPM and one picture of indices
serve a network with one level and with four alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vqseg.config import BackboneConfig, ConfigError, ModelConfig
from vqseg.models.dpt import LEVELS, DPTDecoder
from vqseg.models.encoders.pair import Encoder, EncoderError, EncoderPair

_STATISTICS = {"dinov2": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)), "vit": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))}


class ViTEncoder(Encoder):
    """(B, 1 or 3, H, W) -> z (B, dim, 4 * H / patch, W / patch), the shallowest level on top; H and W are multiples of the patch.

    The backbone starts with random weights; `load_pretrained` or a checkpoint replaces them.
    """

    levels = LEVELS
    mean: Tensor
    std: Tensor

    def __init__(self, config: BackboneConfig, dim: int) -> None:
        """Build the encoder with random weights.

        Args:
            config: The backbone.
            dim: D, channels of z.

        Raises:
            EncoderError: The package transformers is missing.
        """
        super().__init__()
        self.config = config
        self.stride = self.pixels_per_token = config.patch
        self.backbone = _backbone(config)
        self.project = nn.ModuleList(nn.Conv2d(config.hidden_size, dim, 1) for _ in range(LEVELS))
        mean, std = _STATISTICS[config.kind]
        self.register_buffer("mean", torch.tensor(mean)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(std)[:, None, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2] // self.stride, x.shape[-1] // self.stride
        x = (x.expand(-1, 3, -1, -1) - self.mean) / self.std
        options = {"interpolate_pos_encoding": True} if self.config.kind == "vit" else {}
        states = self.backbone(x, output_hidden_states=True, **options).hidden_states
        levels = []
        for tap, project in zip(self.config.taps, self.project, strict=True):
            tokens = self.backbone.layernorm(states[tap])[:, -height * width :]
            z = project(tokens.transpose(1, 2).unflatten(2, (height, width))).permute(0, 2, 3, 1)
            levels.append(F.layer_norm(z, z.shape[-1:]).permute(0, 3, 1, 2))
        return torch.cat(levels, dim=2)

    def pretrained_parameters(self) -> list[nn.Parameter]:
        return list(self.backbone.parameters())

    def load_pretrained(self, weights: Mapping[str, Tensor]) -> None:
        wanted = self.backbone.state_dict()
        wrong = [name for name, value in wanted.items() if name not in weights or weights[name].shape != value.shape]
        if wrong:
            found = tuple(weights[wrong[0]].shape) if wrong[0] in weights else "nothing"
            raise EncoderError(
                f"the backbone's weights do not fit model.backbone: {len(wrong)} differ, the first is {wrong[0]}, "
                f"{found} where {tuple(wanted[wrong[0]].shape)} was expected"
            )
        self.backbone.load_state_dict({name: weights[name] for name in wanted})


def _backbone(config: BackboneConfig) -> Any:
    try:
        from transformers import Dinov2Config, Dinov2Model, ViTConfig, ViTModel
    except ImportError as error:
        raise EncoderError("model.encoder 'vit' needs the package transformers: pip install 'transformers>=5.23,<6'") from error
    sizes: dict[str, Any] = {
        "hidden_size": config.hidden_size,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "patch_size": config.patch,
        "image_size": config.image_size,
    }
    if config.kind == "dinov2":
        return Dinov2Model(Dinov2Config(**sizes))
    return ViTModel(ViTConfig(**sizes, intermediate_size=4 * config.hidden_size, layer_norm_eps=1e-6), add_pooling_layer=False)


def _encoder(config: ModelConfig) -> Encoder:
    if config.context_slices:
        raise ConfigError(f'context_slices must be 0 with encoder "vit", got {config.context_slices}')
    if config.in_channels not in (1, 3):
        raise ConfigError(f'in_channels must be 1 or 3 with encoder "vit", got {config.in_channels}')
    return ViTEncoder(config.backbone, config.codebook_dim)


def _decoder(config: ModelConfig, outputs: int, context: bool) -> nn.Module:
    # A DPT decoder always fuses coarser grids: there is none without context.
    return DPTDecoder(config.codebook_dim, config.decoder_width, outputs, config.backbone.patch)


VIT = EncoderPair(name="vit", encoder=_encoder, decoder=_decoder, pretrained=True)
