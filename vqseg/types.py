"""What travels between the rooms: plain records of arrays or tensors, without behaviour of their own.

Knows nothing of files, networks or training. torch is imported for annotations only, so that array-only code (the app) stays free of it.

Shape legend: B batch, C classes, D codebook dimension, K codebook size, H x W image, h x w token grid,
X x Y x Z voxels of a scan, S slices along the through-plane axis, A x B one such slice in the scan's array order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

Array = np.ndarray

UNSURE = 255
"""In labels that were read: a voxel without a label. In a data set's own labels nobody has given it one; in pseudo-labels that were made
beforehand the checkpoint was not sure enough."""


@dataclass(frozen=True)
class Share:
    """One rank's part of a batch: index is the rank, count the world size."""

    index: int = 0
    count: int = 1

    def rows(self, size: int) -> slice:
        """This rank's rows of the batch, if each rank has `size` of them."""
        return slice(self.index * size, (self.index + 1) * size)


@dataclass(frozen=True)
class QuantizerOutput:
    """quantized (B, D, h, w) with the straight-through gradient; indices (B, h, w) int64; loss () codebook + commitment."""

    quantized: Tensor
    indices: Tensor
    loss: Tensor


@dataclass(frozen=True)
class VQSegOutput:
    """logits (B, C, H, W); reconstruction (B, C_in, H, W); indices (B, h, w) before, replaced (B, h, w) bool after QPM.

    quantized (B, D, h, w) are the post-VQ features that both decoders read; quantizer_loss is (). Where a perturbation has made two
    versions of every image, logits, reconstruction, quantized and replaced are of 2 B.
    For the losses: features (B, D, h, w) is z, post_vq (B, D, h, w) is q(z) of the deepest level before any perturbation.
    """

    logits: Tensor
    reconstruction: Tensor
    quantized: Tensor
    indices: Tensor
    replaced: Tensor
    quantizer_loss: Tensor
    features: Tensor | None = None
    post_vq: Tensor | None = None


@dataclass(frozen=True)
class Batch:
    """One step's images, already augmented, on the training device.

    images (B_l, C_in, H, W) with labels (B_l, H, W) int64; weak and strong (B_u, C_in, H, W): two views of the same unlabelled
    pixels, equal in geometry. weak and strong are None while only the labelled part is trained. pseudo_labels (B_u, H, W) int64 with
    UNSURE where a voxel has no label: labels made beforehand for the unlabelled images; None if the teacher labels each view.
    pseudo_weights (B_u, H, W) in [0, 1]: what each of them counts; None where all count alike.
    labelled (B_l, C) bool: the classes that the labels of each image show; None where every pixel of every image has one of all classes.
    Where it is not None, labels may be UNSURE, and a background may be a class that was not labelled.
    """

    images: Tensor
    labels: Tensor
    weak: Tensor | None = None
    strong: Tensor | None = None
    pseudo_labels: Tensor | None = None
    labelled: Tensor | None = None
    pseudo_weights: Tensor | None = None


@dataclass(frozen=True)
class LossTerms:
    """The terms of Eq. 9-12 before weighting, each a scalar tensor, and figures worth logging.

    alignment and usage are zero where they are left out.
    """

    segmentation: Tensor
    reconstruction: Tensor
    quantizer: Tensor
    unlabelled_segmentation: Tensor
    unlabelled_reconstruction: Tensor
    figures: dict[str, Tensor] = field(default_factory=dict)
    alignment: Tensor | float = 0.0
    usage: Tensor | float = 0.0


@dataclass(frozen=True)
class Scan:
    """One scan as it came, always three-dimensional.

    voxels: (X, Y, Z) float32 in the file's own units and array order; a picture has Z = 1 and voxels[row, column, 0]. A scan of several
    channels (colours, modalities) has (X, Y, Z, C).
    affine: (4, 4) voxel index -> world millimetres, RAS+. spacing: millimetres per array axis, all positive.
    name: the file's name without its folder. header: what the reader needs to write a label volume back on the same grid.
    frames: how many moments the file holds; this is one of them. frame_seconds: between two moments, None where the file does not say.
    notes: what a person should know of how the file was read ("colour was read as grey"): one sentence each, without a name or a header's
    text in it.
    spacing_known: whether the file says how far its voxels lie apart. Where it does not, spacing is a nominal 1 mm, good for drawing and
    for ratios, and no millilitre may be computed from it.
    """

    voxels: Array
    affine: Array
    spacing: tuple[float, float, float]
    name: str
    header: object = None
    frames: int = 1
    frame_seconds: float | None = None
    notes: tuple[str, ...] = ()
    spacing_known: bool = True

    @property
    def shape(self) -> tuple[int, int, int]:
        """(X, Y, Z), whatever the number of channels."""
        x, y, z = self.voxels.shape[:3]
        return x, y, z

    @property
    def channels(self) -> int:
        """C, how many numbers a voxel has."""
        return 1 if self.voxels.ndim == 3 else self.voxels.shape[3]


@dataclass(frozen=True)
class Encoded:
    """What encoding a scan leaves of its slices.

    indices: (S, h, w) int64. distances: (S, h, w) float32, from each token's z to its codeword. pooled: (S, P, P, D) float32, z averaged
    over a coarse grid of the slice, in the scan's array order; of the deepest level.
    """

    indices: Tensor
    distances: Array
    pooled: Array


@dataclass(frozen=True)
class Case:
    """One volume of a data set folder: its image, its label file if there is one, and the patient it belongs to.

    ignore: the number in the label file of voxels without a label, which are read as UNSURE; None if there is none.
    labelled: names of the structures that the label file shows; the others may be there, in what it calls background. None: all of them.
    further: the files of its other channels in their order, where each has a file of its own; `image` is the first.
    doubt: a file on the same grid with how far those who made its labels disagree, 0 to 255; None where nobody counted.
    """

    name: str
    patient: str
    image: Path
    label: Path | None
    ignore: int | None = None
    labelled: tuple[str, ...] | None = None
    further: tuple[Path, ...] = ()
    doubt: Path | None = None

    @property
    def images(self) -> tuple[Path, ...]:
        """All files of its scan."""
        return self.image, *self.further


@dataclass(frozen=True)
class SliceResult:
    """One slice decoded after QPM.

    labels (A, B) uint8; reconstruction and image (A, B) float32 in [0, 1], the normalised intensities, with several channels (A, B, C);
    indices and clean_indices (h, w) int64; replaced (h, w) bool. replaced_share in [0, 1].
    dice_vs_clean: mean Dice over the foreground classes present in either picture, against strength 0; 1 if there is none.
    psnr: of the reconstruction against the image, over all channels, dB with peak 1. milliseconds: perturb + decode.
    """

    labels: Array
    reconstruction: Array
    image: Array
    indices: Array
    clean_indices: Array
    replaced: Array
    replaced_share: float
    dice_vs_clean: float
    psnr: float
    milliseconds: float


@dataclass(frozen=True)
class VolumeResult:
    """A whole volume decoded after QPM: labels (X, Y, Z) uint8, reconstruction (X, Y, Z) or (X, Y, Z, C) float32 in [0, 1],
    replaced_share."""

    labels: Array
    reconstruction: Array
    replaced_share: float
