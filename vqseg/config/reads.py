"""What scans a checkpoint reads: its card, by which an input is checked before anything is measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict

from vqseg.config.ranges import require

Range = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class ReadsConfig:
    """The scans that a network was trained for, in words and in ranges. It describes; it changes no weight and no answer."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    modality: str = ""
    """What took the pictures, such as "cine MRI"; empty if nobody has said."""
    view: str = ""
    """What they show and from where, such as "short axis of the heart"."""
    spacing: Range | None = None
    """Smallest and largest side of a pixel, mm; None for any."""
    field: Range | None = None
    """Smallest and largest length of a slice's longer side, mm; None for any."""
    pixels: Range | None = None
    """Smallest and largest number of pixels along a slice's longer side; None for any."""
    values: Range | None = None
    """Smallest and largest value of a voxel, in the file's own units; None for any."""
    channels: tuple[str, ...] = ()
    """Names of the channels of a scan that has several, in their order: red, green, blue, or FLAIR, T1w; empty if nobody has named them."""

    def __post_init__(self) -> None:
        for name in ("spacing", "field", "pixels", "values"):
            found = getattr(self, name)
            require(found is None or found[0] < found[1], f"reads.{name} must have its lower bound first, got {found}")

    def channel_names(self, count: int) -> tuple[str, ...]:
        """Names of `count` channels: their own, or "channel 1" and so on. Raises ConfigError if others than `count` are named."""
        require(
            len(self.channels) in (0, count),
            f"reads.channels names {len(self.channels)} channels, model.in_channels is {count}; name all of them or none",
        )
        return self.channels or tuple(f"channel {number + 1}" for number in range(count))

    @property
    def scans(self) -> str:
        """In words: "cine MRI, short axis of the heart"; "scans" if nobody has said."""
        return ", ".join(part for part in (self.modality, self.view) if part) or "scans"
