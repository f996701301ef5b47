"""What a folder of examples says of them: examples.json. It is checked when it is read; a folder may also have none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.scan.open_scan import OpeningView

MANIFEST = "examples.json"
THUMBNAILS = "thumbnails"
"""The folder of the pictures in the gallery: NAME.webp, by the name of a case's first file."""

_ENDING = ".nii.gz"
_CASE = {"name", "line", "look", "group", "source", "classes", "checkpoint", "files"}


class ManifestError(ValueError):
    """The file says something that cannot be, or leaves something out."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """One file of a folder of examples.

    Attributes:
        path: The file.
        title: Its name in links and over the pictures, which no other example has.
        name: That of its case. The two phases of a heart have it in common.
        phase: "ED" or "ES" of a heart that is there in both phases, else empty.
        line: What it is, in a few words.
        look: What to look for.
        group: The heading that it stands under in the gallery.
        credit: Where it is from, as its licence asks for.
        licence: The licence.
        note: What one has to know of its ground truth and geometry.
        spacing: "nominal" if its header only names a usual one, so that no millilitre may be computed; else empty.
        classes: Names of the classes that its ground truth tells of, the background first. A checkpoint that has them all can read it.
            None if the folder says nothing: then any checkpoint may try.
        checkpoint: Name of one that can read it; None if the folder says nothing.
        opening: How the page first shows it.
    """

    path: Path
    title: str
    name: str
    phase: str = ""
    line: str = ""
    look: str = ""
    group: str = ""
    credit: str = ""
    licence: str = ""
    note: str = ""
    spacing: str = ""
    classes: tuple[str, ...] | None = None
    checkpoint: str | None = None
    opening: OpeningView = field(default_factory=OpeningView)

    def readable_by(self, classes: Iterable[str]) -> bool:
        """Whether a checkpoint with these classes can read it."""
        return self.classes is None or set(self.classes) <= set(classes)

    @property
    def truth(self) -> Path:
        """Its ground truth, which may be missing."""
        stem = self.path.name.removesuffix(_ENDING) if self.path.name.endswith(_ENDING) else self.path.stem
        return self.path.with_name(f"{stem}_truth{self.path.name.removeprefix(stem)}")

    @property
    def thumbnail(self) -> Path:
        """Its picture for the gallery, which may be missing."""
        return self.path.with_name(THUMBNAILS) / f"{self.path.name.removesuffix(_ENDING).removesuffix('.png')}.webp"


def plain_example(path: Path) -> Example:
    """An example of which nothing is said: phantom_dilated-heart.nii.gz is "Phantom dilated heart"."""
    words = re.sub(r"[_-]+", " ", path.name.removesuffix(_ENDING)).strip()
    title = words[:1].upper() + words[1:]
    return Example(path=path, title=title, name=title)


def read_manifest(folder: Path) -> tuple[Example, ...]:
    """The examples that a folder's examples.json lists, in its order.

    Args:
        folder: The folder.

    Returns:
        The examples. Empty if there is no such file.

    Raises:
        ManifestError: If the file is no JSON, if something is missing, unknown or out of its range, or if a listed file is not there.
    """
    path = folder / MANIFEST
    if not path.exists():
        return ()
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ManifestError(f"{MANIFEST} is no JSON: {error}") from error
    _named("the file", told, {"sources", "cases"})
    sources = {name: _source(name, source) for name, source in told["sources"].items()}
    examples = tuple(example for case in told["cases"] for example in _examples(folder, case, sources))
    titles = [example.title for example in examples]
    if again := next((title for title in titles if titles.count(title) > 1), None):
        raise ManifestError(f"{MANIFEST}: two examples have the title {again!r}")
    return examples


def _examples(folder: Path, case: Any, sources: Mapping[str, Mapping[str, str]]) -> Iterator[Example]:
    where = f"case {case['name']!r}" if isinstance(case, dict) and "name" in case else "a case"
    _named(where, case, _CASE, {"epsilon", "reach"})
    _texts(where, case, _CASE - {"classes", "files"})
    classes, source = case["classes"], sources.get(case["source"])
    if source is None:
        raise ManifestError(f"{MANIFEST}: {where} has the source {case['source']!r}; expected one of {', '.join(sources)}")
    if not isinstance(classes, list) or len(classes) < 2 or not all(isinstance(name, str) for name in classes):
        raise ManifestError(f"{MANIFEST}: {where} must have classes, the background first, got {classes!r}")
    if not isinstance(case["files"], list) or not case["files"]:
        raise ManifestError(f"{MANIFEST}: {where} has no files")
    for file in case["files"]:
        _named(f"a file of {where}", file, {"file"}, {"phase", "slice"})
        _texts(f"a file of {where}", file, {"file", "phase"} & set(file))
        path = folder / Path(file["file"]).name
        if not path.is_file():
            raise ManifestError(f"{MANIFEST}: {where} lists {path.name}, which is not there")
        phase = file.get("phase", "")
        shared = {name: case[name] for name in ("name", "line", "look", "group", "checkpoint")}
        opening = _opening(where, {**case, **file})
        title = f"{case['name']} {phase}".rstrip()
        yield Example(path=path, title=title, phase=phase, classes=tuple(classes), opening=opening, **shared, **source)


def _opening(where: str, told: Mapping[str, Any]) -> OpeningView:
    index, strength, reach = told.get("slice"), told.get("epsilon", 0.0), told.get("reach")
    if index is not None and (isinstance(index, bool) or not isinstance(index, int) or index < 0):
        raise ManifestError(f"{MANIFEST}: slice of {where} must be a whole number from 0, got {index!r}")
    if not _is_number(strength) or not 0 <= strength <= 1:
        raise ManifestError(f"{MANIFEST}: epsilon of {where} must be from 0 to 1, got {strength!r}")
    if reach is not None and (not _is_number(reach) or reach < 1):
        raise ManifestError(f"{MANIFEST}: reach of {where} must be at least 1, got {reach!r}")
    return OpeningView(index, float(strength), None if reach is None else float(reach))


def _source(name: str, told: Any) -> dict[str, str]:
    _named(f"source {name!r}", told, {"credit", "licence"}, {"note", "spacing"})
    _texts(f"source {name!r}", told, set(told))
    if told.get("spacing", "nominal") != "nominal":
        raise ManifestError(f"{MANIFEST}: spacing of source {name!r} must be nominal or left out, got {told['spacing']!r}")
    return dict(told)


def _named(where: str, told: Any, needed: set[str], further: Iterable[str] = ()) -> None:
    """Whether it is a record with these names, and no others than the further ones."""
    if not isinstance(told, dict):
        raise ManifestError(f"{MANIFEST}: {where} must be a record, got {type(told).__name__}")
    if missing := sorted(needed - set(told)):
        raise ManifestError(f"{MANIFEST}: {where} lacks {', '.join(missing)}")
    if unknown := sorted(set(told) - needed - set(further)):
        raise ManifestError(f"{MANIFEST}: {where} has {', '.join(unknown)}, which nothing reads")


def _texts(where: str, told: Mapping[str, Any], names: Iterable[str]) -> None:
    for name in sorted(names):
        if not isinstance(told[name], str) or not told[name].strip():
            raise ManifestError(f"{MANIFEST}: {name} of {where} must be a text, got {told[name]!r}")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
