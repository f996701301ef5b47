"""The bundled examples. Each is encoded once per checkpoint; then all visitors share it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.scan.cine import FrameFiles, OpenCine
from app.scan.frame_request import FrameRequest
from app.scan.frames import make_frame
from app.scan.lru import Lru
from app.scan.open_scan import OpenScan
from app.scan.opening_reach import opening_reach
from app.scan.truth import named_truth
from app.visit.manifest import Example, plain_example, read_manifest
from vqseg.data.scan import ScanError, read_numbers, read_scan
from vqseg.types import Array, Scan

if TYPE_CHECKING:
    from app.scan.models import Models, Served
    from app.scan.truth import Truth

logger = logging.getLogger(__name__)

# Encoded examples that are kept, over all checkpoints. A forgotten one stays alive while a visitor has it on show.
_MOST_OPENED = 24
# Of the further frames of one cine that are kept.
_MOST_CINE_BYTES = 2**29


class Examples:
    """The examples by title. Each is encoded with a checkpoint when it is first needed."""

    def __init__(self, files: Iterable[Path]) -> None:
        """Know the examples.

        Args:
            files: Their files, in the order of the gallery. What the examples.json beside a file says of it is taken over.

        Raises:
            ManifestError: If an examples.json is wrong.
        """
        files = list(files)
        told = {example.path: example for folder in {path.parent for path in files} for example in read_manifest(folder)}
        self.all = [told.get(path) or plain_example(path) for path in files]
        self._by_title = {example.title: example for example in self.all}
        self._opened: Lru[tuple[str, Served], OpenScan] = Lru(_MOST_OPENED)
        self.titles = list(self._by_title)

    def named(self, title: str | None) -> Example | None:
        """What is known of an example; None if there is none with this title."""
        return self._by_title.get(title) if title is not None else None

    def kept(self, title: str | None, model: Served) -> OpenScan | None:
        """An example that is encoded already.

        Args:
            title: One of `titles`, or None.
            model: The checkpoint.

        Returns:
            The open scan, None if it is not encoded with this checkpoint.
        """
        return self._opened.get((title, model)) if title is not None else None

    def open_first(self, models: Models) -> OpenScan | None:
        """The example that the page opens with.

        Args:
            models: The default checkpoint opens it, or the example's own where that reads other channels.

        Returns:
            The open scan, None if there is no example, or none that a checkpoint of several channels can open.

        Raises:
            ScanError: As `open`.
        """
        title, model = next(iter(self.titles), None), models.default
        example = self.named(title)
        if example is not None and not has_channels_for(example, model) and models.linkable(example.checkpoint or ""):
            model = models.get(example.checkpoint or "")
        try:
            return self.open(title, model)
        except ScanError as error:
            if model.segmenter.channels == 1:
                raise
            logger.warning("the page opens without an example: %s", error)
            return None

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
        example = self.named(title)
        if example is None:
            return None
        kept = self.kept(title, model)
        if kept is not None:
            return kept
        # No lock: a visitor who waits for one could not cancel. If two visitors encode the same example, the first result is kept.
        scan = read_scan(example.path, channels=model.segmenter.channels)
        if example.spacing:
            scan = replace(scan, spacing_known=False)
        truth = _truth_beside(example, scan, model.classes)
        opened = OpenScan(model.segmenter.open(scan, progress), model, None, example.title, example.opening)
        if truth is not None:
            opened.truth, opened.judged = truth.labels, truth.judged
        self._add_frames(opened, example)
        return self._opened.keep_first((example.title, model), opened)

    def _add_frames(self, opened: OpenScan, example: Example) -> None:
        """Make it the first frame of a cine, if its file is one or if its heart is there in another phase as well."""
        scan, classes, source = opened.segmented.scan, opened.model.classes, _frames_of(example, opened.segmented.scan, self.all)
        if source is None:
            return

        def truths(frame: int) -> Array | None:
            beside, number = source.places[frame]
            of = next(one for one in self.all if one.path == beside)
            found = _truth_beside(of, scan, classes, number or None)
            return None if found is None else found.labels

        OpenCine(opened, source, most_bytes=_MOST_CINE_BYTES, paired=scan.frames == 1).truths = truths


def has_channels_for(example: Example, model: Served) -> bool:
    """Whether a checkpoint may read an example. One that names a checkpoint of its own has one channel, unless that is this one."""
    return model.segmenter.channels == 1 or example.checkpoint in (None, model.name)


def _frames_of(example: Example, scan: Scan, others: Iterable[Example]) -> FrameFiles | None:
    """The frames of a cine, or the two phases of a heart that lie on one grid. None for a single frame, or several channels."""
    if scan.channels > 1:
        return None
    if scan.frames > 1:
        return FrameFiles.of_cine(example.path, scan.frames, nominal=bool(example.spacing))
    other = next((one for one in others if one.name == example.name and one.phase and one.phase != example.phase), None)
    if not example.phase or other is None or read_scan(other.path).shape != scan.shape:
        return None
    return FrameFiles.of_pair(example.path, other.path, nominal=bool(example.spacing))


def _truth_beside(example: Example, scan: Scan, classes: tuple[str, ...], frame: int | None = None) -> Truth | None:
    """The ground truth of an example, or of a frame of it. None if it has none, or if the checkpoint lacks one of its classes."""
    if not example.truth.exists() or not example.readable_by(classes):
        return None
    try:
        return named_truth(read_numbers(example.truth, frame), scan, example.classes or classes, classes)
    except ScanError as error:
        logger.warning("%s is shown without its ground truth: %s", example.path.name, error)
        return None


def warm_up(scan: OpenScan | None) -> None:
    """Decode something. The first decodings of a process take ten times as long as later ones, and no visitor should wait for them."""
    if scan is not None:
        # The last one is the first that visitors ask for.
        for strength in (0.5, scan.opening.strength):
            make_frame(scan, FrameRequest(scan.plane, scan.opening_index(scan.plane), strength, "resample", 0, reach=opening_reach(scan)))


def find_examples(folder: Path) -> list[Path]:
    """The scans of a folder: those of its examples.json in that order, then further NIfTI files by name. No label files.

    Args:
        folder: The folder. It need not exist.

    Returns:
        The files.

    Raises:
        ManifestError: If its examples.json is wrong.
    """
    listed = [example.path for example in read_manifest(folder)]
    found = sorted(path for path in folder.glob("*.nii.gz") if not path.name.endswith(("_truth.nii.gz", "_labels.nii.gz")))
    return [*listed, *(path for path in found if path not in listed)]
