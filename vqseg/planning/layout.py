"""Images and their labels in a folder that nobody has laid out for this project. Opens no image: it only pairs names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vqseg.data.datasets import (
    NOT_DESCRIBED,
    DatasetError,
    Labelling,
    channel_names,
    channels_by_name,
    files_by_name,
    patient_of,
    read_labelling,
    refuse_strangers,
)
from vqseg.data.formats import without_ending
from vqseg.types import Case

IMAGES = ("imagesTr", "images", "image", "img", "imgs", "scans")
LABELS = ("labelsTr", "labels", "label", "masks", "mask", "segmentations", "annotations", "gt")
_MARK = re.compile(r"[_-](mask|masks|seg|segmentation|label|labels|gt|truth)$", re.IGNORECASE)


class PlanError(ValueError):
    """A folder for which no plan can be made. The message says why and what to change."""


@dataclass(frozen=True)
class Found:
    """An image with its label file, None if it has none. name: without ending, channel and mark. further: files of its other channels."""

    name: str
    image: Path
    label: Path | None
    further: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Layout:
    """What a folder holds.

    Attributes:
        cases: By name.
        labelling: What a dataset.json says of the labels; without one nothing, and no classes.
        channels: Names of the channels if a dataset.json gives them.
        validation: Names of cases that nnU-Net's splits_final.json keeps for validation in its first fold.
        kind: In words, for the plan.
    """

    cases: tuple[Found, ...]
    labelling: Labelling
    channels: tuple[str, ...]
    validation: tuple[str, ...]
    kind: str


def find_layout(folder: Path) -> Layout:
    """Pair the images of a folder with their labels.

    Args:
        folder: Two folders in it, of images and of labels, under one of the usual names; or images with labels beside them, which have the
            same name with _mask, _seg or _label at its end.

    Raises:
        PlanError: There is no such folder or no image, or a label has no image.
        DatasetError: Two files claim the same name, or a dataset.json is broken.
    """
    if not folder.is_dir():
        raise PlanError(f"there is no folder {folder}")
    images = next((folder / name for name in IMAGES if (folder / name).is_dir()), None)
    labels = next((folder / name for name in LABELS if (folder / name).is_dir()), None)
    if images is None:
        cases, kind = _beside(folder), "images with labels beside them"
    else:
        cases = _apart(images, labels)
        kind = f"{images.name}/ and {labels.name}/" if labels else f"{images.name}/ alone"
    if not cases:
        raise PlanError(f"no image in {images or folder}; expected folders such as images/ and labels/, or images with *_mask files")
    told = (folder / "dataset.json").is_file()
    labelling, channels = (read_labelling(folder), channel_names(folder)) if told else (NOT_DESCRIBED, ())
    refuse_strangers(folder, labelling, [Case(case.name, patient_of(case.name), case.image, case.label) for case in cases])
    return Layout(cases, labelling, channels, _kept_apart(folder, cases), kind)


def _apart(images: Path, labels: Path | None) -> tuple[Found, ...]:
    plain = images.name == "images"
    pictures = {name: (path,) for name, path in files_by_name(images).items()} if plain else channels_by_name(images)
    masks = {_plain(name): path for name, path in files_by_name(labels).items()} if labels else {}
    orphans = sorted(masks.keys() - {_plain(name) for name in pictures})
    if orphans:
        raise PlanError(f"{len(orphans)} label file(s) have no image of the same name, the first is {orphans[0]!r}")
    return tuple(Found(name, path, masks.get(_plain(name)), tuple(further)) for name, (path, *further) in sorted(pictures.items()))


def _beside(folder: Path) -> tuple[Found, ...]:
    files = files_by_name(folder)
    masks = {_MARK.sub("", name): path for name, path in files.items() if _MARK.search(name)}
    images = {name: path for name, path in files.items() if not _MARK.search(name)}
    orphans = sorted(masks.keys() - images.keys())
    if orphans:
        raise PlanError(f"{len(orphans)} label file(s) have no image beside them, the first is {masks[orphans[0]].name!r}")
    return tuple(Found(name, path, masks.get(name)) for name, path in sorted(images.items()))


def _plain(name: str) -> str:
    return _MARK.sub("", name)


def _kept_apart(folder: Path, cases: tuple[Found, ...]) -> tuple[str, ...]:
    """The validation cases of nnU-Net's first fold, if its file is there."""
    file = folder / "splits_final.json"
    if not file.is_file():
        return ()
    try:
        first = json.loads(file.read_text(encoding="utf-8-sig"))[0]["val"]
        names = tuple(_names(first))
    except (ValueError, LookupError, TypeError, OSError, RecursionError) as error:
        raise DatasetError(f"{file.name} is not as nnU-Net writes it: a list of folds with train and val") from error
    known = {case.name for case in cases}
    strangers = sorted(set(names) - known)
    if strangers:
        raise PlanError(f"{file.name} names {len(strangers)} case(s) without an image, the first is {strangers[0]!r}")
    return names


def _names(values: object) -> Iterator[str]:
    if not isinstance(values, list):
        raise TypeError
    for value in values:
        if not isinstance(value, str):
            raise TypeError
        yield without_ending(value)
