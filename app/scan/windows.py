"""Windows of the input: what is black and what is white in its picture. components/pictures.js knows what the names stand for."""

from __future__ import annotations

from vqseg.types import Scan

NETWORK = "network"
_ANY_SCAN = (("As the network reads it", NETWORK), ("1st to 99th percentile", "percentiles"))
_COMPUTED_TOMOGRAPHY = (("CT lung (−600, 1500 HU)", "lung"), ("CT soft tissue (40, 400 HU)", "soft"), ("CT bone (400, 1800 HU)", "bone"))
# Air has -1000 HU; fat, the lightest tissue, never less than about -200.
_AIR_BELOW = -500


def window_choices(scan: Scan | None) -> list[tuple[str, str]]:
    """(title, name) of the windows that mean something for a scan: those of CT only where its values are Hounsfield units."""
    return [*_ANY_SCAN, *(_COMPUTED_TOMOGRAPHY if scan is not None and in_hounsfield_units(scan) else ())]


def in_hounsfield_units(scan: Scan) -> bool:
    """Whether a scan's values lie like those of CT. A file does not name its modality, but no other has air far below 0."""
    return bool(scan.voxels.min() <= _AIR_BELOW)
