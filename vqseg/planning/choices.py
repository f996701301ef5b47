"""Settings for a survey, each with its reason. docs/plan.md compares them with those that were found by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from vqseg.plain import JsonObject
from vqseg.planning.channels import Channels
from vqseg.planning.survey import CaseFacts, Survey

_STEP = 32
_SIDES = (64, 256)
"""Of a slice as the network reads it, in pixels."""
_TOKEN = 4
_CODES = (256, 512, 1024, 2048, 4096)
_SLICES_PER_CODE = 0.25
_HU = -200
"""Intensities below it are Hounsfield units: no other modality has them."""
_MOST = 0.95
"""Share of the cases for which a rule about regions must hold."""
_ORGAN = 0.15
"""Extent, as a share of a slice, from which on a single structure is taken for an organ and not for a lesion."""


@dataclass(frozen=True)
class Choice:
    """One setting. room and name: as in a configuration. why: one sentence."""

    room: str
    name: str
    value: object
    why: str


def choose(survey: Survey) -> list[Choice]:
    """Settings of the network, the images and the views. Raises nothing; a survey without labels gets cautious ones.

    Args:
        survey: Of the folder.
    """
    return [*_reading(survey), *_network(survey), *_views(survey)]


def as_settings(choices: list[Choice]) -> JsonObject:
    """The settings by room, as `from_mapping` takes them."""
    rooms: dict[str, dict[str, object]] = {}
    for choice in choices:
        rooms.setdefault(choice.room, {})[choice.name] = choice.value
    return rooms  # type: ignore[return-value]


def _reading(survey: Survey) -> Iterator[Choice]:
    cases = survey.cases
    yield from _intensity(cases, survey.channels.count)
    native = float(np.median([case.grid[0] for case in cases]))
    smallest = [case.shape.smallest for case in survey.labelled if case.shape]
    side, why = native, f"slices have {native:.0f} pixels (median of the longer side)"
    if side > _SIDES[1]:
        side, why = _SIDES[1], f"{why}; more than {_SIDES[1]} take too long on a processor"
    if smallest and (tokens := float(np.median(smallest)) * side / _TOKEN) < 2 and side < native:
        side = min(native, side * 2 / tokens, 1.5 * _SIDES[1])
        why = f"{why}, but the smallest structure would cover {tokens:.1f} tokens"
    rounded = int(max(_SIDES[0], _STEP * round(side / _STEP)))
    yield Choice("preprocess", "image_side", rounded, f"{why}; a multiple of {_STEP}")
    yield from _regions(survey)


def _intensity(cases: list[CaseFacts], channels: int) -> Iterator[Choice]:
    low, high = (min(case.intensities[0] for case in cases), max(case.intensities[3] for case in cases))
    if low >= 0 and high <= 255 and all(case.whole and case.grid[2] == 1 for case in cases):
        yield Choice("preprocess", "intensity", "window", "pictures of 8 bits have one scale")
        yield Choice("preprocess", "window", [0.0, 255.0], "the whole of it")
    elif channels > 1:
        yield Choice("preprocess", "intensity", "percentile", "every channel of a scan has a scale of its own")
    elif low < _HU and all(case.whole for case in cases):
        bounds = [float(np.percentile([case.intensities[place] for case in cases], of)) for place, of in ((1, 5), (2, 95))]
        yield Choice("preprocess", "intensity", "window", f"values down to {low:.0f} are Hounsfield units, which have one scale")
        yield Choice("preprocess", "window", bounds, "where most of the voxels lie; choose a narrower one for one tissue")
    else:
        yield Choice("preprocess", "intensity", "percentile", "every scan has a scale of its own, as in MR")


def _regions(survey: Survey) -> Iterator[Choice]:
    shapes = [case.shape for case in survey.labelled if case.shape]
    single = sum(shape.pieces[0] == 1 for shape in shapes)
    extent = float(np.median([shape.extent for shape in shapes])) if shapes else 0.0
    small = len(survey.classes) == 2 and extent < _ORGAN
    one = bool(shapes) and single >= _MOST * len(shapes) and not small
    why = f"all structures are one region in {single} of {len(shapes)} labelled cases"
    if small and single:
        why += f", but one that extends over {extent:.0%} of a slice may lie in several places of the next scan"
    yield Choice("preprocess", "largest_region", one, why)
    if one:
        pieces = sum(shape.pieces[1] == 1 for shape in shapes)
        yield Choice("preprocess", "largest_of_each", pieces >= _MOST * len(shapes), f"every structure is in one piece in {pieces} of them")


def _network(survey: Survey) -> Iterator[Choice]:
    yield Choice("model", "classes", list(survey.classes), "as dataset.json or the label files have them")
    yield from _channels(survey.channels)
    slices = sum(case.grid[2] for case in survey.cases)
    size = next((size for size in _CODES if size * _SLICES_PER_CODE >= slices), _CODES[-1])
    yield Choice(
        "model", "codebook_size", size, f"{slices} slices in all: fewer codewords than they can teach would be a waste, more stay idle"
    )
    yield Choice("model", "codebook_dim", 64, "as all bundled checkpoints")


def _channels(channels: Channels) -> Iterator[Choice]:
    if channels.count > 1:
        yield Choice("model", "in_channels", channels.count, channels.why)
    if channels.count > 1 and channels.names:
        yield Choice("reads", "channels", list(channels.names), "names for the app")


def _views(survey: Survey) -> Iterator[Choice]:
    shapes = [case.shape for case in survey.labelled if case.shape]
    side = next(choice.value for choice in _reading(survey) if choice.name == "image_side")
    assert isinstance(side, int)
    extent = float(np.median([shape.extent for shape in shapes])) if shapes else 1.0
    wanted = max(96.0, min(side, 1.6 * extent * side))
    crop = int(min(16 * (side // 16), 16 * round(wanted / 16), 160))
    yield Choice("augmentation", "crop", max(32, crop), f"structures extend over {extent:.0%} of a slice; larger crops cost time")
    yield _rotation([shape.angle for shape in shapes])
    several = len(survey.classes) > 2
    why = "several structures may have a left and a right" if several else "one structure has no side that a mirror would swap"
    yield Choice("augmentation", "flip", not several, why)
    yield Choice("augmentation", "elastic", round(4 * side / 256 + 0.5, 1), "4 pixels at 256")
    batch = max(2, min(8, round(6 * (128 / max(32, crop)) ** 2)))
    yield Choice("train", "batch_labelled", batch, f"as many pixels as six crops of 128 (a crop has {crop})")
    yield Choice("train", "batch_unlabelled", batch, "as many as labelled ones")


def _rotation(angles: list[float | None]) -> Choice:
    known = np.radians([2 * angle for angle in angles if angle is not None])
    if len(known) < max(3, len(angles) / 2):
        return Choice("augmentation", "rotation", 180.0, "the structures show no common direction")
    length = float(np.abs(np.exp(1j * known).mean()))
    # Of directions, which repeat after 180 degrees.
    spread = float(np.degrees(np.sqrt(-2 * np.log(max(length, 1e-6)))) / 2)
    largest = 180.0 if spread > 45 else 90.0 if spread > 15 else 30.0
    return Choice("augmentation", "rotation", largest, f"directions of the structures differ by {spread:.0f} degrees (standard deviation)")
