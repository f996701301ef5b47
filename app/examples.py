"""The bundled examples: each is encoded once, then lent to every visitor."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from app.session import OpenScan
from app.truth import truth_labels
from vqseg.data.scan import ScanError, read_scan
from vqseg.types import Array, Scan

if TYPE_CHECKING:
    from vqseg.inference import Segmenter

logger = logging.getLogger(__name__)


class Examples:
    """The cases by the title that visitors see. The first is encoded at once, the page opens with it; the others when asked for."""

    def __init__(self, segmenter: Segmenter, files: Iterable[Path]) -> None:
        """Raises ScanError if the first file is no scan."""
        self._segmenter = segmenter
        self._files = {title(path): path for path in files}
        self._opened: dict[str, OpenScan] = {}
        self._lock = Lock()
        self.titles = list(self._files)
        self.first = self.open(self.titles[0]) if self.titles else None

    def open(self, title: str | None) -> OpenScan | None:
        """The encoded case, None if there is none of that title."""
        if title not in self._files:
            return None
        with self._lock:
            if title not in self._opened:
                scan = read_scan(self._files[title])
                self._opened[title] = OpenScan(self._segmenter.open(scan), _truth_beside(self._files[title], scan, self._segmenter.classes))
            return self._opened[title]

    def lends(self, scan: OpenScan) -> bool:
        """Whether the scan is one of the examples, which many visitors share."""
        with self._lock:
            return any(scan is example for example in self._opened.values())


def _truth_beside(path: Path, scan: Scan, classes: tuple[str, ...]) -> Array | None:
    """The labels that come with an example, None if there are none that this checkpoint's classes fit."""
    beside = path.with_name(path.name.removesuffix(".nii.gz") + "_truth.nii.gz")
    if not beside.exists():
        return None
    try:
        return truth_labels(read_scan(beside), scan, classes)
    except ScanError as error:
        logger.warning("%s is shown without its truth: %s", path.name, error)
        return None


def find_examples(folder: Path) -> list[Path]:
    """NIfTI files of the folder without the labels beside them, by name; none if there is no such folder."""
    return sorted(path for path in folder.glob("*.nii.gz") if not path.name.endswith(("_truth.nii.gz", "_labels.nii.gz")))


def title(path: Path) -> str:
    """phantom_dilated-heart.nii.gz -> Phantom dilated heart"""
    words = re.sub(r"[_-]+", " ", path.name.removesuffix(".nii.gz")).strip()
    return words[:1].upper() + words[1:]
