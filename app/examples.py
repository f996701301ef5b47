"""The bundled examples: encoded once when the app is built, then lent to every visitor."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from app.session import OpenScan
from vqseg.data.scan import read_scan

if TYPE_CHECKING:
    from vqseg.inference import Segmenter


def find_examples(folder: Path) -> list[Path]:
    """NIfTI files of the folder without the labels beside them, by name; none if there is no such folder."""
    return sorted(path for path in folder.glob("*.nii.gz") if not path.name.endswith(("_truth.nii.gz", "_labels.nii.gz")))


def open_examples(segmenter: Segmenter, files: Iterable[Path]) -> dict[str, OpenScan]:
    """By the title that visitors see. Raises ScanError if a file is no scan: the examples are part of the app."""
    return {title(path): OpenScan(segmenter.open(read_scan(path))) for path in files}


def title(path: Path) -> str:
    """phantom_dilated-heart.nii.gz -> Phantom dilated heart"""
    words = re.sub(r"[_-]+", " ", path.name.removesuffix(".nii.gz")).strip()
    return words[:1].upper() + words[1:]
