"""The bundled examples. Each is encoded once per checkpoint; then all visitors share it."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from app.scan.cine import FrameFiles, OpenCine
from app.scan.lru import Lru
from app.scan.open_scan import OpenScan
from app.scan.truth import truth_labels
from vqseg.data.scan import ScanError, read_scan
from vqseg.types import Array, Scan

if TYPE_CHECKING:
    from app.scan.models import Served

logger = logging.getLogger(__name__)

# Encoded examples that are kept, over all checkpoints. A forgotten one stays alive while a visitor has it on show.
_MOST_OPENED = 24
# Of the further frames of one cine that are kept.
_MOST_CINE_BYTES = 2**29


class Examples:
    """The examples by title. Each is encoded with a checkpoint when it is first needed."""

    def __init__(self, files: Iterable[Path]) -> None:
        self._files = {title(path): path for path in files}
        self._opened: Lru[tuple[str, Served], OpenScan] = Lru(_MOST_OPENED)
        self.titles = list(self._files)

    def kept(self, title: str | None, model: Served) -> OpenScan | None:
        """An example that is encoded already.

        Args:
            title: One of `titles`, or None.
            model: The checkpoint.

        Returns:
            The open scan, None if it is not encoded with this checkpoint.
        """
        return self._opened.get((title, model)) if title is not None else None

    def open(self, title: str | None, model: Served, progress: Callable[[float], None] | None = None) -> OpenScan | None:
        """Encode an example, unless that is done already.

        Args:
            title: One of `titles`. For anything else the answer is None.
            model: The checkpoint.
            progress: Called with the share that is done, as for `Segmenter.open`.

        Returns:
            The open scan, None if there is no example with this title.

        Raises:
            ScanError: If the file cannot be read as a scan.
        """
        if title not in self._files:
            return None
        kept = self.kept(title, model)
        if kept is not None:
            return kept
        # No lock: a visitor who waits for one could not cancel. If two visitors encode the same example, the first result is kept.
        scan = read_scan(self._files[title])
        opened = OpenScan(model.segmenter.open(scan, progress), model, _truth_beside(self._files[title], scan, model.classes), title)
        if scan.frames > 1:
            path = self._files[title]
            cine = OpenCine(opened, FrameFiles.of_cine(path, scan.frames), most_bytes=_MOST_CINE_BYTES)
            cine.truths = lambda frame: _truth_beside(path, scan, model.classes, frame)
        return self._opened.keep_first((title, model), opened)


def _truth_beside(path: Path, scan: Scan, classes: tuple[str, ...], frame: int = 0) -> Array | None:
    """The ground truth of an example. None if it has none, or if its classes are not those of the checkpoint."""
    name = path.name.removesuffix(".nii.gz")
    beside = path.with_name(name + "_truth.nii.gz")
    if not beside.exists() or _classes(path.parent).get(name, classes) != classes:
        return None
    try:
        return truth_labels(read_scan(beside, frame), scan, classes)
    except ScanError as error:
        logger.warning("%s is shown without its ground truth: %s", path.name, error)
        return None


def _classes(folder: Path) -> dict[str, tuple[str, ...]]:
    """Names of the classes of each example, by its name. Whole numbers alone would fit any checkpoint."""
    listed = folder / "classes.json"
    if not listed.exists():
        return {}
    return {name: tuple(classes) for name, classes in json.loads(listed.read_text(encoding="utf-8")).items()}


def find_examples(folder: Path) -> list[Path]:
    """NIfTI files of the folder in the order of their names, without label files. Empty if there is no such folder."""
    return sorted(path for path in folder.glob("*.nii.gz") if not path.name.endswith(("_truth.nii.gz", "_labels.nii.gz")))


def title(path: Path) -> str:
    """The title of an example's file: phantom_dilated-heart.nii.gz -> Phantom dilated heart."""
    words = re.sub(r"[_-]+", " ", path.name.removesuffix(".nii.gz")).strip()
    return words[:1].upper() + words[1:]
