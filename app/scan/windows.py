"""Windows of the input: what is black and what is white in its picture."""

from __future__ import annotations

from dataclasses import dataclass

from vqseg.types import Scan


@dataclass(frozen=True)
class Window:
    """title: as visitors read it. centre, width: in Hounsfield units."""

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
# Air has -1000 HU; fat, the lightest tissue, never less than about -200.
_AIR_BELOW = -500


def window_choices(scan: Scan | None) -> list[tuple[str, str]]:
    """(title, name) of the windows that mean something for a scan: those of CT only where its values are Hounsfield units."""
    computed = scan is not None and in_hounsfield_units(scan)
    return [*_ANY_SCAN, *((str(window), name) for name, window in HOUNSFIELD_WINDOWS.items() if computed)]


def in_hounsfield_units(scan: Scan) -> bool:
    """Whether a scan's values lie like those of CT. A file does not name its modality, but no other has air far below 0."""
    return bool(scan.voxels.min() <= _AIR_BELOW)
