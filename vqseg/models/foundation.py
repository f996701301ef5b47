"""A frozen foundation model that training aligns with (Table 4): images -> patch features.

No checkpoint holds it, and serving never imports it.

Shapes: images (B, C_in, H, W) in about [0, 1], features (B, C, H', W') on the model's patch grid.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

if TYPE_CHECKING:
    from transformers import PreTrainedModel

RANDOM = "random"
# Normalisation of the images, for models without a preprocessor_config.json beside their weights.
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
_HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_STATISTICS = {"vit": _HALF, "clip": _CLIP, "clip_vision_model": _CLIP}
# DINOv2's last training was at 518 pixels; a crop of 128 gains nothing from that much enlargement.
_LARGEST_SIDE = 224


class FoundationError(ValueError):
    """A foundation model that is missing, incomplete or of a kind that gives no patch features."""


class FoundationModel(nn.Module):
    """Frozen: always in evaluation mode, even after `train()`, and without gradients.

    source: a Hub id such as facebook/dinov2-small, microsoft/rad-dino, facebook/vit-mae-base, openai/clip-vit-base-patch16; or a
    local folder; or "random", a tiny ViT with random weights for tests. Only safetensors are read.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, source: str) -> None:
        super().__init__()
        model, (mean, std) = (_random_model(), _HALF) if source == RANDOM else _with_statistics(source)
        self.model: Any = model
        self.model.requires_grad_(False)
        self.eval()
        config = self.model.config
        self.patch, self.channels = int(config.patch_size), int(config.hidden_size)
        self.side = min(_side(config), _LARGEST_SIDE) // self.patch * self.patch
        self.register_buffer("mean", torch.tensor(mean)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(std)[:, None, None], persistent=False)

    def train(self, mode: bool = True) -> FoundationModel:
        """Stays in evaluation mode: dropout or stochastic depth would make the targets move."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """(B, C_in, H, W) -> (B, C, H', W'): resized to the model's side, normalised its way.

        Three channels are its red, green and blue. Any other number has no such order: their mean is repeated, as grey is.
        """
        images = images if images.shape[1] == 3 else images.mean(1, keepdim=True)
        x = F.interpolate(images.float(), size=(self.side, self.side), mode="bicubic", align_corners=False, antialias=True)
        x = (x.clamp(0, 1).expand(-1, 3, -1, -1) - self.mean) / self.std
        grid = self.side // self.patch
        tokens: Tensor = self.model(x, **self._options(len(x), grid, x.device)).last_hidden_state
        # Class and register tokens come first, the patches last.
        patches: Tensor = tokens[:, -grid * grid :].transpose(1, 2).unflatten(2, (grid, grid))
        return patches

    def _options(self, count: int, grid: int, device: torch.device) -> dict[str, Any]:
        kind = self.model.config.model_type
        if kind == "vit_mae":
            # Increasing "noise" with a mask ratio of zero keeps every patch in its place.
            return {"noise": torch.arange(grid * grid, device=device).expand(count, -1), "interpolate_pos_encoding": True}
        return {"interpolate_pos_encoding": True} if kind in ("vit", "clip_vision_model") else {}


def _side(config: Any) -> int:
    return int(config.image_size if isinstance(config.image_size, int) else min(config.image_size))


def _random_model() -> Any:
    from transformers import ViTConfig, ViTModel

    tiny = ViTConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, image_size=64, patch_size=8)
    return ViTModel(tiny, add_pooling_layer=False)


def _with_statistics(source: str) -> tuple[PreTrainedModel, tuple[Any, Any]]:
    model = pretrained(source)
    return model, _statistics(source, model.config.model_type)


def pretrained(source: str) -> PreTrainedModel:
    """A vision transformer with the weights of a Hub id or a local folder. Raises FoundationError if any weight is missing."""
    try:
        import transformers
    except ImportError as error:
        raise FoundationError("foundation models need transformers: pip install 'transformers>=5.23,<6'") from error
    from safetensors import SafetensorError

    try:
        config = transformers.AutoConfig.from_pretrained(source)
        kind: Any = transformers.AutoModel
        if config.model_type in ("clip", "clip_vision_model"):
            config, kind = getattr(config, "vision_config", config), transformers.CLIPVisionModel
        if config.model_type == "vit_mae":
            config.mask_ratio = 0.0
        model, report = kind.from_pretrained(source, config=config, use_safetensors=True, output_loading_info=True)
    # A file that was cut off is a SafetensorError; weights that do not fit config.json are a RuntimeError.
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise FoundationError(
            f"cannot load the foundation model {source!r} ({type(error).__name__}). Download it with `hf download {source}`, or, without "
            f"access to the Hub, copy its folder (config.json and model.safetensors) to this machine and give the folder's path"
        ) from error
    # The pooler is not used. Any other weight missing from the file would be random.
    missing = sorted(name for name in report["missing_keys"] if "pooler" not in name)
    if missing:
        raise FoundationError(f"{source} lacks {len(missing)} of its weights, the first is {missing[0]!r}; they would be random")
    if not hasattr(model.config, "patch_size") or not hasattr(model.config, "hidden_size"):
        raise FoundationError(f"{source} is a {model.config.model_type}, which has no patch tokens; expected a vision transformer")
    found: PreTrainedModel = model
    return found


def _statistics(source: str, kind: str) -> tuple[Any, Any]:
    """Mean and standard deviation per channel: those beside the weights, else those of the model's family."""
    from transformers.image_processing_base import ImageProcessingMixin

    try:
        values, _ = ImageProcessingMixin.get_image_processor_dict(source, local_files_only=Path(source).is_dir())
        return tuple(values["image_mean"]), tuple(values["image_std"])
    except (OSError, KeyError):
        return _STATISTICS.get(kind, _IMAGENET)
