"""Weak and strong views, drawn for a whole batch at once with tensor operations, on the device that holds the images.

Random halves (`draw_*`) and deterministic halves (`warp`, `recolour`, `mix`) are kept apart, so a view can be replayed.
Random numbers are drawn on the CPU, so that a run draws the same views on every device. Positions and masks are as large as the images
and are computed on the device. Only the noise of single pixels is drawn on the device, from a seed.
Shapes: slices (N, C, H, W) on the canvas, their labels (N, H, W), images (B, C, c, c), labels (B, c, c).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from vqseg.config import AugmentationConfig
from vqseg.data.neighbours import Neighbours
from vqseg.transfer import to_device

_ELASTIC_GRID = 6
_BIAS_GRID = 4
_ALL = slice(None)


def _uniform(count: int, low: float, high: float, generator: Generator) -> Tensor:
    return torch.rand(count, generator=generator) * (high - low) + low


def draw_crops(
    sizes: Tensor,
    canvas: int,
    config: AugmentationConfig,
    generator: Generator,
    *,
    ramp: float = 1.0,
    rows: slice = _ALL,
    device: torch.device | None = None,
) -> Tensor:
    """Sampling positions of one affine and elastic crop per slice.

    Args:
        sizes: (B, 2), height and width in pixels of each slice, which lies at the upper left of a square canvas.
        canvas: Side of the canvas in pixels.
        config: Side of the crop, ranges of the geometry.
        generator: On the CPU.
        ramp: In [0, 1]; scales every range.
        rows: The crops to return. The random numbers of all B are drawn in any case.
        device: Where the positions are computed; None for that of `sizes`.

    Returns:
        (B, crop, crop, 2) or the rows of it: (x, y) in the canvas' [-1, 1] coordinates, as `grid_sample` takes them.
    """
    count, crop = len(sizes), config.crop
    angle = _uniform(count, -config.rotation, config.rotation, generator) * ramp * math.pi / 180
    zoom = torch.exp(_uniform(count, math.log(config.scale[0]), math.log(config.scale[1]), generator) * ramp)
    shear = _uniform(count, -config.shear, config.shear, generator) * ramp
    mirror = 1 - 2.0 * (torch.rand(count, generator=generator) < (0.5 * ramp if config.flip else 0.0))
    cos, sin = angle.cos() / zoom, angle.sin() / zoom
    matrix = torch.stack([torch.stack([cos, shear / zoom - sin], -1), torch.stack([sin * mirror, cos * mirror], -1)], 1)

    anywhere = torch.rand(count, 2, generator=generator)
    near_middle = 0.5 + 0.09 * torch.randn(count, 2, generator=generator)
    focused = torch.rand(count, 1, generator=generator) < config.focus
    centre = torch.where(focused, near_middle.clamp(0.2, 0.8), anywhere) * sizes.float()

    noise = torch.randn(count, 2, _ELASTIC_GRID, _ELASTIC_GRID, generator=generator) * (config.elastic * ramp / 2)
    matrix, centre, noise = (to_device(drawn[rows], device or sizes.device) for drawn in (matrix, centre, noise))
    steps = torch.arange(crop, device=matrix.device) - (crop - 1) / 2
    grid = torch.stack(torch.meshgrid(steps, steps, indexing="ij"), -1)
    pixels = torch.einsum("hwk,bik->bhwi", grid, matrix)
    smooth = F.interpolate(noise, size=(crop, crop), mode="bicubic", align_corners=True)
    pixels = pixels + smooth.permute(0, 2, 3, 1) + centre[:, None, None]
    return ((pixels + 0.5) * (2 / canvas) - 1).flip(-1)


def draw_neighbours(beside: Neighbours, own: Tensor, alone: float, generator: Generator) -> Neighbours:
    """Neighbours of slices as a view shows them: in either order, as scans are stored from base or from apex, and sometimes none.

    Args:
        beside: Of B slices.
        own: (B,) the rows of these slices.
        alone: Probability that a slice loses its neighbours, as if it were a single picture.
        generator: On the CPU.

    Returns:
        The neighbours of the B slices, in the same form.
    """
    count, columns = beside.rows.shape
    turned = torch.rand(count, 1, generator=generator) < 0.5
    single = torch.rand(count, 1, generator=generator) < alone
    # Columns 2 k and 2 k + 1 are the two sides.
    other = torch.arange(columns) ^ 1
    rows, missing = (torch.where(turned, kept[:, other], kept) for kept in (beside.rows, beside.missing))
    return Neighbours(torch.where(single, own[:, None], rows), missing | single)


def warp(slices: Tensor, positions: Tensor, *, labels: bool = False) -> Tensor:
    """Read slices at sampling positions.

    Args:
        slices: (B, C, H, W), or labels (B, H, W).
        positions: (B, c, c, 2), from `draw_crops`: the same for all channels.
        labels: Whether the slices hold labels, which are not blended.

    Returns:
        Images (B, C, c, c) float32, or labels (B, c, c) int64; zero beyond the canvas.
    """
    mode = "nearest" if labels else "bilinear"
    maps = slices[:, None] if labels else slices
    picked = F.grid_sample(maps.float(), positions.to(slices.device), mode=mode, padding_mode="zeros", align_corners=False)
    return picked[:, 0].round().long() if labels else picked


@dataclass(frozen=True)
class Recolouring:
    """One intensity change per image: gamma, contrast, brightness, noise and blur (B,), bias (B, 1, g, g).

    noise_seed: seed of the noise of single pixels.
    first: number of images that precede these in the batch for which the noise is drawn.
    """

    gamma: Tensor
    contrast: Tensor
    brightness: Tensor
    bias: Tensor
    noise: Tensor
    blur: Tensor
    noise_seed: int
    first: int = 0


def draw_recolouring(
    count: int, config: AugmentationConfig, generator: Generator, *, amount: float = 1.0, rows: slice = _ALL
) -> Recolouring:
    """Random intensity changes for a batch.

    Args:
        count: B, the size of the batch.
        config: Ranges of the intensities.
        generator: On the CPU.
        amount: In [0, 1]; scales every range. Weak views take a small amount.
        rows: The images to return changes for. The random numbers of all B are drawn in any case.

    Returns:
        The changes of those images, on the CPU.
    """
    low, high = math.log(config.gamma[0]), math.log(config.gamma[1])
    everything = Recolouring(
        gamma=torch.exp(_uniform(count, low, high, generator) * amount),
        contrast=1 + _uniform(count, -config.contrast, config.contrast, generator) * amount,
        brightness=_uniform(count, -config.brightness, config.brightness, generator) * amount,
        bias=torch.randn(count, 1, _BIAS_GRID, _BIAS_GRID, generator=generator) * (config.bias_field * amount / 2),
        noise=_uniform(count, 0, config.noise, generator) * amount,
        # Half of the draws are below zero, so that half of the images are not blurred.
        blur=(_uniform(count, -config.blur, config.blur, generator) * amount).clamp(min=0),
        noise_seed=int(torch.randint(2**31 - 1, (1,), generator=generator)),
    )
    parts: dict[str, Any] = {name: value[rows] for name, value in vars(everything).items() if isinstance(value, Tensor)}
    return replace(everything, **parts, first=rows.indices(count)[0])


def recolour(images: Tensor, change: Recolouring) -> Tensor:
    """Apply intensity changes.

    Args:
        images: (B, C, H, W), clamped to [0, 1]; the channels of an image are changed alike.
        change: One change per image.

    Returns:
        (B, C, H, W) in [-0.2, 1.3]: some overshoot is kept.
    """
    device = images.device

    def per_image(values: Tensor) -> Tensor:
        return to_device(values, device)[:, None, None, None]

    field = F.interpolate(to_device(change.bias, device), size=images.shape[-2:], mode="bicubic", align_corners=True).exp()
    x = (images.clamp(0, 1) ** per_image(change.gamma)) * field
    mean = x.mean((1, 2, 3), keepdim=True)
    x = (x - mean) * per_image(change.contrast) + mean + per_image(change.brightness)
    x = _gaussian_blur(x, to_device(change.blur, device))
    count = change.first + len(images)
    source = torch.Generator(device).manual_seed(change.noise_seed)
    noise = torch.randn((count, *images.shape[1:]), generator=source, device=device)[change.first :]
    return (x + noise * per_image(change.noise)).clamp(-0.2, 1.3)


def _gaussian_blur(images: Tensor, sigmas: Tensor, radius: int = 4) -> Tensor:
    """Separable Gaussian of its own width for each image (B, C, H, W), sigmas (B,) in pixels; 0 leaves the image as it is."""
    offsets = torch.arange(-radius, radius + 1, device=images.device)
    kernels = torch.softmax(-(offsets**2) / (2 * sigmas.clamp(min=0.05)[:, None] ** 2), dim=1)
    count = len(images)
    x = F.pad(images.transpose(0, 1), (radius, radius, radius, radius), mode="replicate")
    x = F.conv2d(x, kernels[:, None, :, None], groups=count)
    return F.conv2d(x, kernels[:, None, None, :], groups=count).transpose(0, 1)


@dataclass(frozen=True)
class Mixing:
    """CutMix of a batch: partner (B,) int64, and inside (B, H, W) bool, the pixels taken from the partner."""

    partner: Tensor
    inside: Tensor


def draw_mixing(
    count: int, size: tuple[int, int], config: AugmentationConfig, generator: Generator, device: torch.device | None = None
) -> Mixing:
    """Draw CutMix: per image one rectangle of 10 to 50 % of the area, with probability config.cutmix.

    Args:
        count: B, the size of the batch.
        size: (H, W) in pixels.
        config: Has the probability.
        generator: On the CPU.
        device: Where the masks are computed; None for the CPU.

    Returns:
        Partners and masks. The partner is always another image if B > 1.
    """
    height, width = size
    # One cycle through all images: a plain permutation would leave some image as its own partner in most batches.
    order = torch.randperm(count, generator=generator)
    partner = torch.empty_like(order).scatter_(0, order, order.roll(1))
    area = _uniform(count, 0.1, 0.5, generator)
    aspect = torch.exp(_uniform(count, math.log(0.5), math.log(2.0), generator))
    h, w = ((area * aspect).sqrt().clamp(max=1) * height).round(), ((area / aspect).sqrt().clamp(max=1) * width).round()
    top = (torch.rand(count, generator=generator) * (height - h + 1)).floor()
    left = (torch.rand(count, generator=generator) * (width - w + 1)).floor()
    wanted = torch.rand(count, generator=generator) < config.cutmix
    drawn = torch.stack([top, left, top + h, left + w, wanted.float()])
    top, left, bottom, right, wanted = to_device(drawn, device or drawn.device)[:, :, None, None]
    rows = torch.arange(height, device=wanted.device)[None, :, None]
    columns = torch.arange(width, device=wanted.device)[None, None, :]
    inside = (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)
    return Mixing(to_device(partner, inside.device), inside & (wanted > 0))


def mix(values: Tensor, mixing: Mixing) -> Tensor:
    """Paste each partner's rectangle into a batch of images, labels or masks.

    Args:
        values: (B, H, W) or (B, C, H, W).
        mixing: From `draw_mixing`, for the same B, H and W.

    Returns:
        The same shape and type.
    """
    inside, other = mixing.inside.to(values.device), values[mixing.partner.to(values.device)]
    return torch.where(inside[:, None] if values.dim() == 4 else inside, other, values)
