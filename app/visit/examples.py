"""The bundled examples: each is encoded once with a checkpoint, then lent to every visitor."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from app.scan.lru import Lru
from app.scan.open_scan import OpenScan
from app.scan.truth import truth_labels
from vqseg.data.scan import ScanError, read_scan
from vqseg.types import Array, Scan

if TYPE_CHECKING:
    from app.scan.models import Served

logger = logging.getLogger(__name__)

# Of all checkpoints together; one that was let go lives on with the visitors who look at it.
_MOST_OPENED = 24


class Examples:
    """The cases by the title that visitors see, each encoded once with a checkpoint when it is first asked for."""

    def __init__(self, files: Iterable[Path]) -> None:
        self._files = {title(path): path for path in files}
        self._opened: Lru[tuple[str, Served], OpenScan] = Lru(_MOST_OPENED)
        self.titles = list(self._files)

    def kept(self, title: str | None, model: Served) -> OpenScan | None:
        """The case if it is encoded already."""
        return self._opened.get((title, model)) if title is not None else None

    def open(self, title: str | None, model: Served, progress: Callable[[float], None] | None = None) -> OpenScan | None:
        """The encoded case, None if there is none of that title. Raises ScanError if its file is no scan.

        progress: as for `Segmenter.open`.
        """
        if title not in self._files:
            return None
        kept = self.kept(title, model)
        if kept is not None:
            return kept
        # Without a lock, which a visitor could not be called off from; of two that come at once the first is kept.
        scan = read_scan(self._files[title])
        opened = OpenScan(model.segmenter.open(scan, progress), model, _truth_beside(self._files[title], scan, model.classes), title)
        return self._opened.keep_first((title, model), opened)


def _truth_beside(path: Path, scan: Scan, classes: tuple[str, ...]) -> Array | None:
    """The labels that come with an example, None if there are none that this checkpoint's classes fit."""
    name = path.name.removesuffix(".nii.gz")
    beside = path.with_name(name + "_truth.nii.gz")
    if not beside.exists() or _classes(path.parent).get(name, classes) != classes:
        return None
    try:
        return truth_labels(read_scan(beside), scan, classes)
    except ScanError as error:
        logger.warning("%s is shown without its truth: %s", path.name, error)
        return None


def _classes(folder: Path) -> dict[str, tuple[str, ...]]:
    """What the labels of the folder's examples mean, by the example's name: whole numbers alone would fit any checkpoint."""
    listed = folder / "classes.json"
    if not listed.exists():
        return {}
    return {name: tuple(classes) for name, classes in json.loads(listed.read_text(encoding="utf-8")).items()}


def find_examples(folder: Path) -> list[Path]:
    """NIfTI files of the folder without the labels beside them, by name; none if there is no such folder."""
    return sorted(path for path in folder.glob("*.nii.gz") if not path.name.endswith(("_truth.nii.gz", "_labels.nii.gz")))


def title(path: Path) -> str:
    """phantom_dilated-heart.nii.gz -> Phantom dilated heart"""
    words = re.sub(r"[_-]+", " ", path.name.removesuffix(".nii.gz")).strip()
    return words[:1].upper() + words[1:]
