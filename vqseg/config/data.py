"""Settings of the images: which scans, how they are read, and the random views of training."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import ConfigDict

from vqseg.config.ranges import require


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
    neighbours: bool = True
    """Show a network that reads neighbours (`model.context_slices`) those of a slice. False: it reads every slice as a single picture."""
    largest_region: bool = False
    """Keep only the largest connected region of all structures together in a volume: for an organ in one piece, as a heart is."""
    largest_of_each: bool = False
    """Of that region keep only the largest piece of each structure: for an organ that has each of its structures once."""
    usual_size: tuple[float, float] | None = None
    """Least and largest share of a slice that a piece of structures usually covers. Where a slice has a piece of this size, smaller and
    larger ones are dropped: for something of which there is one, as a nodule, beside which vessels are taken for more. None: all stay.
    Not beside largest_region."""

    def __post_init__(self) -> None:
        low, high = self.percentiles
        require(0 <= low < high <= 100, f"percentiles must satisfy 0 <= low < high <= 100, got {self.percentiles}")
        require(self.largest_region or not self.largest_of_each, "largest_of_each needs largest_region")
        require(self.usual_size is None or not self.largest_region, "usual_size and largest_region exclude each other: take one of them")
        require(
            self.usual_size is None or 0 <= self.usual_size[0] < self.usual_size[1] <= 1,
            f"usual_size must satisfy 0 <= least < largest <= 1, or be none, got {self.usual_size}",
        )
        require(
            -math.inf < self.window[0] < self.window[1] < math.inf,
            f"window must have two finite bounds, the lower first, got {self.window}",
        )
        require(self.image_side is None or 16 <= self.image_side <= 8192, f"image_side must lie in [16, 8192], got {self.image_side}")


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Which scans train the model, and whose labels it may see."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    folder: str = "../shared/data/ACDC"
    """A data set folder: imagesTr/labelsTr or images/labels, with splits.json."""
    labelled: str = "10%"
    """A key of "labeled" in splits.json, or "all" for the fully supervised bound."""
    unlabelled_folders: tuple[str, ...] = ()
    """Further data set folders: the images of their training patients take part in the unlabelled branch. Their labels are never read."""
    contoured_only: bool = False
    """A slice without any label was not contoured, and may show a structure all the same: slices of labelled patients count as unlabelled
    where they have no label, and validation leaves them out."""
    pseudo_labels: str | None = None
    """Folder that `python -m vqseg pseudo-labels` wrote: its labels replace the teacher's pseudo-labels in the unlabelled branch;
    objective.confidence and objective.largest_region are then ignored."""
    phantom_patients: int = 0
    """Procedural phantom patients mixed into the labelled part; 0 for none."""
    phantom_share: float = 0.125
    """Share of the labelled samples drawn from the phantoms, if there are any."""
    phantom_seed: int = 1000
    """First seed of the training phantoms; the bundled examples use others."""

    def __post_init__(self) -> None:
        require(self.phantom_patients >= 0, f"phantom_patients must not be negative, got {self.phantom_patients}")
        require(0 <= self.phantom_share < 1, f"phantom_share must lie in [0, 1), got {self.phantom_share}")
        folders = (self.folder, *self.unlabelled_folders)
        require(len(set(folders)) == len(folders), f"unlabelled_folders must be other folders than {self.folder}, each named once")


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
    inversion: float = 0.0
    """Probability that a part of a strong view has its contrast inverted: dark is bright there."""
    coarseness: float = 0.0
    """Largest share of a strong view's pixels per side that is lost: it is read as coarsely, and enlarged again."""
    thickness: float = 0.0
    """Largest weight of the slices before and behind in a picture, as thicker slices show them; half of the pictures show none."""
    noise: float = 0.06
    """Largest standard deviation of the Gaussian noise."""
    blur: float = 1.2
    """Largest standard deviation of the Gaussian blur, pixels."""
    alone: float = 0.1
    """Probability that a slice is shown without its neighbours, as a single picture is; for model.context_slices above 0."""
    cutmix: float = 0.5
    """Probability that a rectangle of a strong view comes from another image of the batch."""
    ramp_steps: int = 500
    """Steps over which geometry grows from none to its full range."""

    @property
    def shifts(self) -> bool:
        """Whether strong views show what another scanner would."""
        return self.inversion > 0 or self.coarseness > 0

    def __post_init__(self) -> None:
        require(self.crop >= 32 and self.crop % 16 == 0, f"crop must be a multiple of 16 and at least 32, got {self.crop}")
        require(0 < self.scale[0] <= self.scale[1], f"scale must be a positive range, got {self.scale}")
        require(0 < self.gamma[0] <= self.gamma[1], f"gamma must be a positive range, got {self.gamma}")
        require(0 <= self.coarseness < 1, f"coarseness must lie in [0, 1), got {self.coarseness}")
        for name in ("focus", "alone", "cutmix", "inversion", "thickness"):
            require(0 <= getattr(self, name) <= 1, f"{name} must lie in [0, 1], got {getattr(self, name)}")
        for name in ("rotation", "shear", "elastic", "contrast", "brightness", "bias_field", "noise", "blur", "ramp_steps"):
            require(getattr(self, name) >= 0, f"{name} must not be negative, got {getattr(self, name)}")
