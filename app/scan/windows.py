"""Intensity windows of the input picture: which value is black and which is white."""

from __future__ import annotations

from dataclasses import dataclass

from vqseg.types import Scan


@dataclass(frozen=True)
class Window:
    """A window of CT.

    Attributes:
        title: As visitors read it.
        centre: In Hounsfield units.
        width: In Hounsfield units.
    """

    title: str
    centre: int
    width: int

    def __str__(self) -> str:
        return f"{self.title} ({self.centre}, {self.width} HU)".replace("-", "−")


NETWORK = "network"
_ANY_SCAN = (("As the network reads it", NETWORK), ("1st to 99th percentile", "percentiles"))
HOUNSFIELD_WINDOWS = {
    "lung": Window("CT lung", -600, 1500),
    "soft": Window("CT soft tissue", 40, 400),
    "bone": Window("CT bone", 400, 1800),
}
# Air has -1000 HU. Fat, the lightest tissue, has about -200 HU at least.
_AIR_BELOW = -500


def window_choices(scan: Scan | None) -> list[tuple[str, str]]:
    """(title, name) of the windows for a scan. The windows of CT are among them only if its values are Hounsfield units."""
    computed = scan is not None and in_hounsfield_units(scan)
    return [*_ANY_SCAN, *((str(window), name) for name, window in HOUNSFIELD_WINDOWS.items() if computed)]


def in_hounsfield_units(scan: Scan) -> bool:
    """Whether a scan's values look like Hounsfield units. A file does not name its modality, but only CT has air far below 0."""
    return bool(scan.voxels.min() <= _AIR_BELOW)
