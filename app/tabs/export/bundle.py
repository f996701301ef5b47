"""Everything on show as one zip: figures, tables, labels, settings, and the lines that give the same again.

The same view gives the same bytes: no clock and no random name enters. Files are named by what they hold, and nothing in them names a
visitor's own file.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, astuple, dataclass
from itertools import chain
from pathlib import Path

from app.scan.curves import Curve
from app.scan.figures import FIGURE_FORMATS, Drawing, curve_figure, slice_figure, written
from app.scan.frame_request import FrameRequest
from app.scan.open_scan import OpenScan
from app.scan.profile import slice_scores
from app.scan.results import results_of
from app.scan.slice_pictures import slice_picture
from app.scan.tokens import slice_tokens
from app.tabs.export.lines import python_lines, settings_of
from vqseg import __version__
from vqseg.data.scan import write_labels
from vqseg.types import Array

RESEARCH_DEMO = "Research demo, not for clinical use."
_OWN_SCAN = "your-scan.nii.gz"
# The earliest moment that a zip can hold.
_NO_TIME = (1980, 1, 1, 0, 0, 0)
_PLAIN_FILE = 0o644 << 16

Named = tuple[str, str, bytes]
"""A file of the zip: its name, what it holds in a sentence, its content."""


def label_bytes(scan: OpenScan, labels: Array, name: str) -> bytes:
    """Labels as a file on the scan's own grid.

    Args:
        scan: The scan.
        labels: (X, Y, Z) uint8.
        name: Of the file; its ending names the format.

    Returns:
        The content of the file.
    """
    with tempfile.TemporaryDirectory(prefix="vqseg-labels-") as folder:
        write_labels(labels, scan.segmented.scan, Path(folder) / name, scan.model.classes)
        return (Path(folder) / name).read_bytes()


@dataclass(frozen=True)
class Bundle:
    """What is on show, completely decoded.

    Attributes:
        scan: The scan.
        request: The slice and its settings.
        drawing: How its labels are drawn.
        labels: (X, Y, Z) uint8 of these settings.
        curves: Over epsilon and over the dropout rate; None in a plane that cuts through the acquired slices.
        link: An address that shows the view again; empty for none.
    """

    scan: OpenScan
    request: FrameRequest
    drawing: Drawing
    labels: Array
    curves: tuple[Curve, Curve] | None
    link: str = ""

    def files(self) -> Iterator[tuple[str, bytes]]:
        """(name, content) of every file, the README last. Each is made when it is taken, so that two never lie in memory."""
        told = []
        for name, holds, content in chain(self._tables(), self._settings(), self._labels(), self._figures()):
            told.append((name, holds))
            yield name, content
        yield "README.txt", self._readme(told).encode()

    def _labels(self) -> Iterator[Named]:
        content = label_bytes(self.scan, self.labels, "labels.nii.gz")
        yield "labels.nii.gz", "The labels of the whole scan at these settings, on the scan's own grid.", content

    def _figures(self) -> Iterator[Named]:
        scan, request, drawing = self.scan, self.request, self.drawing
        for kind in FIGURE_FORMATS:
            content = written(slice_figure(scan, request, drawing), kind)
            yield f"pictures.{kind}", "Input, segmentation, reconstruction and difference of the slice.", content
        label_map, overlay = (slice_picture(scan, request, drawing, kind) for kind in ("map-png", "overlay-png"))
        yield "slice-labels.png", "The labels of the slice, a pixel a pixel; its values are the labels.", label_map
        yield "slice-overlay.png", "The labels over the slice, a pixel a pixel.", overlay
        if self.curves is None:
            return
        for kind in FIGURE_FORMATS:
            content = written(curve_figure(request, *self.curves), kind)
            yield f"curves.{kind}", "Dice, agreement and PSNR of the slice over epsilon and over the dropout rate.", content

    def _tables(self) -> Iterator[Named]:
        yield "results.csv", "Every structure of the whole scan: its size and its Dice.", self._results()
        yield "profile.csv", "Every slice of this plane: its Dice and the share that changed.", self._profile()
        if self.curves is None:
            return
        for name, over, curve in zip(("epsilon", "dropout"), ("epsilon", "the dropout rate"), self.curves, strict=True):
            yield f"curve-{name}.csv", f"The figures of the slice over {over}.", _table(list(curve), zip(*curve.values(), strict=True))
        yield "tokens.csv", "Every token of the slice: its code before and after.", slice_tokens(self.scan, self.request).encode()

    def _results(self) -> bytes:
        found = results_of(self.scan, self.labels)
        millilitres = [None if found.voxel_ml is None else count * found.voxel_ml for count in found.voxels]
        truth = found.truth or [None] * len(found.dice_vs_clean)
        names = self.scan.segmented.classes[1:]
        columns = (names, found.voxels[1:], found.clean[1:], millilitres[1:], found.dice_vs_clean, truth)
        head = ("structure", "voxels", "voxels_at_epsilon_0", "millilitres", "dice_vs_epsilon_0", "dice_vs_truth")
        return _table(head, zip(*columns, strict=True))

    def _profile(self) -> bytes:
        scores = slice_scores(self.scan, self.request.plane, self.labels)
        head = ("slice", "dice_vs_epsilon_0", "changed_share", "dice_vs_truth")
        return _table(head, ((index, *astuple(score)) for index, score in enumerate(scores)))

    def _settings(self) -> Iterator[Named]:
        more = {"scan": self._source, "vqseg": __version__, "drawing": asdict(self.drawing)}
        settings = json.dumps({**settings_of(self.scan, self.request), **more}, indent=2) + "\n"
        yield "view.json", "All settings of the view, the checkpoint and the version.", settings.encode()
        lines = python_lines(self.scan, self.request, self._source)
        yield "reproduce.py", "Lines of Python that write labels.nii.gz again; they need the package vqseg.", lines.encode()

    @property
    def _source(self) -> str:
        return self.scan.segmented.scan.name if self.scan.example is not None else _OWN_SCAN

    def _readme(self, told: Sequence[tuple[str, str]]) -> str:
        scan, request, width = self.scan, self.request, max(len(name) for name, _ in told) + 2
        view = f"{scan.example or 'A scan of your own'}, {request.plane} slice {request.index}, checkpoint {scan.model.name}"
        files = "".join(f"{name:<{width}}{holds}\n" for name, holds in told)
        across = f"\nTokens and curves belong to acquired slices: choose the {scan.plane} plane to have them too.\n"
        link = f"\nThe same view on the page:\n{self.link}\n" if self.link and scan.example is not None else ""
        return f"VQ-Seg {__version__}\n{view}\n\n{RESEARCH_DEMO}\n\n{files}{across if self.curves is None else ''}{link}"


def zipped(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Files as a zip whose bytes depend on nothing else.

    Args:
        files: (name, content), taken one after the other.

    Returns:
        The content of the zip.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            entry = zipfile.ZipInfo(name, _NO_TIME)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, _PLAIN_FILE
            archive.writestr(entry, data)
    return content.getvalue()


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """CSV; what is not known is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue().encode()
