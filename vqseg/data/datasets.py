"""A data set folder in, its cases out. Opens no image: it only pairs names.

Two layouts are known:

    nnU-Net / MSD    imagesTr/NAME_0000.nii.gz (or NAME.nii.gz), labelsTr/NAME.nii.gz, dataset.json
    pictures         images/NAME.png, labels/NAME.png, dataset.json

A case of several channels has them in one file (a picture in colour, MSD's 4D images), or in NAME_0000, NAME_0001 and so on.
dataset.json gives the classes, may name the channels, and says what the label files leave open (`Labelling`). A case's patient is its name
up to the first underscore: patient099_frame01 belongs to patient099.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from vqseg.data.channels import case_and_channel
from vqseg.data.formats import ending_of, header_of_companion, scan_endings, without_ending
from vqseg.data.litter import LITTER
from vqseg.plain import Json, JsonObject
from vqseg.types import Case

LAYOUTS = (("imagesTr", "labelsTr"), ("images", "labels"))
TEST_LAYOUT = ("imagesTs", "labelsTs")

IGNORE, LABELLED = "ignore", "labelled_classes"
"""Names in dataset.json: nnU-Net's for voxels without a label, and the key for structures that were labelled where not all were."""


class DatasetError(ValueError):
    """A data set folder that is missing, laid out otherwise than expected, or inconsistent with its own lists."""


@dataclass(frozen=True)
class Labelling:
    """What a data set's dataset.json says of its labels.

    names: of the classes in the order of their values 0, 1, 2, ...; the first is the background.
    ignore: the value of voxels that nobody has labelled; None if there is none.
    partial: the structures that were labelled, where these are not all: by a case's name or its patient's, or for all cases under "".
    """

    names: tuple[str, ...]
    ignore: int | None = None
    partial: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def described(self, case: Case) -> Case:
        """A case with what is known of its labels."""
        labelled = next((self.partial[key] for key in (case.name, case.patient, "") if key in self.partial), None)
        return replace(case, ignore=self.ignore, labelled=labelled)


NOT_DESCRIBED = Labelling(())
"""Of a folder without dataset.json."""


def find_cases(folder: str | Path, layouts: tuple[tuple[str, str], ...] = LAYOUTS) -> list[Case]:
    """Every image of a data set folder with its label file.

    Args:
        folder: A folder of one of the layouts.
        layouts: Pairs of folders, images and labels; the first whose images are there is read.

    Returns:
        The cases, sorted by name; `label` is None where there is none.

    Raises:
        DatasetError: If the folder or its images are missing, if two files claim the same case, if one of a case's channels is missing,
            or if a label belongs to no image: each of these is a mistake in the files' names.
    """
    images, labels = _image_and_label_folder(Path(folder), layouts)
    image_files = channels_by_name(images) if images.name != "images" else {name: (one,) for name, one in files_by_name(images).items()}
    if not image_files:
        raise DatasetError(f"no image in {images}; expected files that end in {', '.join(scan_endings())}")
    label_files = files_by_name(labels) if labels.is_dir() else {}
    orphans = sorted(label_files.keys() - image_files.keys())
    if orphans:
        raise DatasetError(f"{len(orphans)} label file(s) in {labels} without an image of the same name, the first is {orphans[0]!r}")
    labelling = _labelling_if_any(Path(folder))
    cases = [
        Case(name, patient_of(name), image, label_files.get(name), further=tuple(further))
        for name, (image, *further) in sorted(image_files.items())
    ]
    refuse_strangers(Path(folder), labelling, cases)
    return [labelling.described(case) for case in cases]


def patient_of(name: str) -> str:
    """The patient of a case's name: what stands before the first underscore."""
    return name.split("_", 1)[0]


def channels_by_name(folder: Path) -> dict[str, tuple[Path, ...]]:
    """The scans of a folder by their cases, each with the files of its channels, as nnU-Net marks them by "_0000", "_0001" and so on.

    Args:
        folder: The folder; files of other endings, hidden ones and folders in it are passed over.

    Raises:
        DatasetError: If two files claim the same case, one of its channels is missing, or a link leads nowhere.
    """
    cases: dict[str, dict[int, Path]] = {}
    for name, path in files_by_name(folder).items():
        case, channel = case_and_channel(name)
        files = cases.setdefault(case, {})
        if (channel or 0) in files:
            raise DatasetError(f"{files[channel or 0].name} and {path.name} in {folder} claim the same case {case!r}")
        files[channel or 0] = path
    for case, files in cases.items():
        if missing := sorted(set(range(max(files))) - files.keys()):
            raise DatasetError(f"case {case!r} in {folder} has a channel {max(files):04d}, and no file {case}_{missing[0]:04d}")
    return {case: tuple(files[channel] for channel in sorted(files)) for case, files in cases.items()}


def files_by_name(folder: Path) -> dict[str, Path]:
    """The scans and label files of a folder by their names without ending.

    Args:
        folder: The folder; files of other endings, hidden ones and folders in it are passed over.

    Raises:
        DatasetError: If two files claim the same name, or a link leads nowhere.
    """
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        # Archives made on a Mac carry "._NAME.nii.gz" beside every file.
        if path.name.startswith(".") or ending_of(path.name) is None:
            continue
        if path.is_symlink() and not path.exists():
            raise DatasetError(f"{path} is a link to a file that does not exist")
        if not path.is_file():
            continue
        name = without_ending(path.name)
        if name in files:
            raise DatasetError(f"{files[name].name} and {path.name} in {folder} claim the same case {name!r}")
        files[name] = path
    return files


def inputs_of(folder: str | Path) -> list[Path]:
    """What commands read of a data set folder: files and folders, which need not all exist. Results may lie beside them."""
    parts = [part for layout in (*LAYOUTS, TEST_LAYOUT) for part in layout]
    return [Path(folder) / name for name in (*parts, "dataset.json", "splits.json")]


def left_out_of(folder: str | Path) -> dict[str, str]:
    """What lies among the images and labels of a data set folder without being a case's: the name, and why nobody reads it.

    Args:
        folder: Of one of the layouts. Hidden files, and what computers leave in every folder, are not named.
    """
    found: dict[str, str] = {}
    for part in (name for layout in (*LAYOUTS, TEST_LAYOUT) for name in layout):
        place = Path(folder) / part
        for path in sorted(place.iterdir()) if place.is_dir() else ():
            if path.name.startswith(".") or path.name.lower() in LITTER:
                continue
            if path.is_dir():
                found[f"{part}/{path.name}"] = "a folder among the files: nothing in it is read"
            elif ending_of(path.name) is None and header_of_companion(path) is None:
                found[f"{part}/{path.name}"] = "a file of an unknown ending, which is passed over"
    return found


def class_names(folder: str | Path) -> tuple[str, ...]:
    """Names of the classes in the order of their values; the first is the background. Raises DatasetError as `read_labelling`."""
    return read_labelling(folder).names


def read_labelling(folder: str | Path) -> Labelling:
    """What dataset.json says of the labels. Both spellings are read: nnU-Net's {"RV": 1} and MSD's {"1": "RV"}.

    Raises DatasetError if the file is missing, its values are not 0 to C - 1, or it names structures as labelled that it does not know.
    """
    path = Path(folder) / "dataset.json"
    content = read_json(path)
    labels = content.get("labels")
    if not isinstance(labels, dict) or not labels:
        raise DatasetError(f'{path} has no "labels"; expected for example {{"background": 0, "RV": 1}}')
    pairs: list[tuple[Any, Any]] = [*labels.items()]
    if all(isinstance(name, str) for name in labels.values()):
        pairs = [(name, value) for value, name in pairs]
    try:
        by_value = {int(value): str(name) for name, value in pairs}
    except (TypeError, ValueError) as error:
        raise DatasetError(f'{path}: every value of "labels" must be a whole number, got {[value for _, value in pairs]}') from error
    ignore = next((value for value, name in by_value.items() if name == IGNORE), None)
    by_value.pop(ignore, None)  # type: ignore[arg-type]
    count = len(pairs) - (ignore is not None)
    if sorted(by_value) != list(range(count)):
        raise DatasetError(f'{path}: the values of "labels" must be 0 to {count - 1}, each once, got {[value for _, value in pairs]}')
    if ignore is not None and not count <= ignore <= 255:
        raise DatasetError(f'{path}: the value of "{IGNORE}" must lie in [{count}, 255], got {ignore}')
    names = tuple(by_value[value] for value in range(count))
    return Labelling(names, ignore, dict(_partial(path, content.get(LABELLED), names)))


def _partial(path: Path, said: Json, names: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The structures that were labelled, by case or patient, and under "" for all of them."""
    for key, structures in (said if isinstance(said, dict) else {} if said is None else {"": said}).items():
        if not isinstance(structures, list) or not structures or not set(map(str, structures)) <= set(names[1:]):
            rest = f"expected some of {', '.join(names[1:])}, for all cases or by case or patient"
            raise DatasetError(f'{path}: "{LABELLED}" has {structures!r}{f" for {key}" if key else ""}; {rest}')
        yield key, tuple(name for name in names if name in structures)


def _labelling_if_any(folder: Path) -> Labelling:
    """What a folder says of its labels. Whoever needs the names of the classes reads them, and then hears what is wrong with the file."""
    try:
        return read_labelling(folder)
    except DatasetError:
        return NOT_DESCRIBED


def refuse_strangers(folder: Path, labelling: Labelling, cases: list[Case]) -> None:
    """Check that "labelled_classes" names cases and patients alone: a name that is misspelt would leave its case as one with all labels.

    Args:
        folder: With the dataset.json.
        labelling: What it says.
        cases: Of the folder.

    Raises:
        DatasetError: It names others.
    """
    strangers = sorted(set(labelling.partial) - {""} - {name for case in cases for name in (case.name, case.patient)})
    if strangers:
        places = [folder / images for images, _ in (*LAYOUTS, TEST_LAYOUT) if (folder / images).is_dir()]
        others = [name for place in places for name in (files_by_name(place) if place.name == "images" else channels_by_name(place))]
        known = {part for name in others for part in (name, patient_of(name))}
        strangers = [name for name in strangers if name not in known]
    if strangers:
        what = f"{len(strangers)} name(s) of no case and no patient, the first is {strangers[0]!r}"
        raise DatasetError(f'{folder / "dataset.json"}: "{LABELLED}" has {what}')


def channel_names(folder: str | Path) -> tuple[str, ...]:
    """Names of the channels in their order, from dataset.json: nnU-Net's "channel_names", MSD's "modality". Empty where it names none.

    Raises DatasetError if the file is missing or broken.
    """
    content = read_json(Path(folder) / "dataset.json")
    named = content.get("channel_names", content.get("modality"))
    if not isinstance(named, dict) or set(named) != {str(number) for number in range(len(named))}:
        return ()
    return tuple(str(named[str(number)]) for number in range(len(named)))


def read_json(path: Path) -> JsonObject:
    """The object that a JSON file of a data set folder holds. Raises DatasetError if it is missing or is no JSON object."""
    try:
        # Windows' editors put a byte-order mark in front.
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(content, dict):
        raise DatasetError(f"{path} holds a {type(content).__name__}; expected a JSON object")
    return content


def _image_and_label_folder(folder: Path, layouts: tuple[tuple[str, str], ...]) -> tuple[Path, Path]:
    if not folder.is_dir():
        raise DatasetError(f"there is no data set folder {folder}")
    for images, labels in layouts:
        if (folder / images).is_dir():
            return folder / images, folder / labels
    raise DatasetError(f"{folder} has neither imagesTr/ nor images/; expected imagesTr + labelsTr (nnU-Net, MSD) or images + labels")
