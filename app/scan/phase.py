"""The phase diagram of one slice: Dice over epsilon and reach, and beside it over the rate of every perturbation of features.

It is decoded a few cells at a time, from coarse to fine, and finest where Dice changes from one row to the next. Cells at strength 0 are
all the same picture, decoded once.
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from app.scan.computing import COMPUTING
from app.scan.curves import STEPS, mean_score
from app.scan.frame_request import FAR_MODES, FrameRequest, RequestError, forced_tokens
from app.scan.lru import LruOfEach
from app.scan.open_scan import OpenScan
from app.scan.replay import SECONDS
from app.scan.truth import truth_dice
from app.scan.turns import Turns
from vqseg.codebook import kind_effects, kinds
from vqseg.inference import label_agreement
from vqseg.types import Array

ROWS = 65
"""Values of the reach, evenly spread in its logarithm from 1 to K - 1."""
SHARP = 0.05
"""Rows between two others are decoded only where Dice differs by more from one to the other."""
# Steps over the columns (values of epsilon, or rates) and over the rows, from coarse to fine.
_LEVELS = ((10, 32), (5, 16), (2, 8), (1, 4))
# Steps over the rows that lie between.
_BETWEEN = (2, 1)
# Cells that are decoded in one turn of the processor: whoever comes next waits for about a tenth of a second.
_BATCH = 4
# Diagrams that are kept of one scan. Many visitors may share an example.
_MOST = 8


Cells = tuple[int, tuple[int, ...]]
"""Number of a line, and columns in it."""


@dataclass(frozen=True)
class Line:
    """A row of the map, or a strip.

    Attributes:
        mode: Name of the perturbation.
        title: As a reader sees it.
        symbol: The letter of its strength.
        reach: Of the row; None for a strip.
    """

    mode: str
    title: str
    symbol: str
    reach: float | None


@dataclass
class Diagram:
    """A diagram as far as it is decoded; NaN elsewhere.

    Attributes:
        lines: The rows by rising reach, then the strips.
        truth: The ground truth of the scan, None without one. Held, so that no later one gets its identity.
        dice: (lines, len(STEPS)), against the labels at strength 0.
        against_truth: The same, against the ground truth: the mean over the structures. NaN where there is none.
        effects: The same, how far it moves what the decoders read; see `vqseg.codebook.kind_effects`. The usage is that of the slice.
    """

    lines: tuple[Line, ...]
    truth: Array | None
    dice: Array
    against_truth: Array
    effects: Array

    @classmethod
    def empty(cls, scan: OpenScan) -> Diagram:
        """The diagram of a slice before anything is decoded."""
        lines = _lines(scan.segmented.codebook_size - 1)
        shape = (len(lines), len(STEPS))
        return cls(lines, scan.truth, *(np.full(shape, np.nan) for _ in range(3)))

    @property
    def done(self) -> int:
        """How many cells are decoded."""
        return int(np.isfinite(self.dice).sum())

    @property
    def of(self) -> int:
        """How many cells are decoded or known to be missing: more become known when the rows around them are there."""
        return self.done + sum(len(columns) for _, columns in self.missing())

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return next(self.missing(), None) is None

    def missing(self) -> Iterator[Cells]:
        """What is decoded next, as far as it is known. While it is decoded, more comes."""
        for line, columns in cells_in_order(len(self.lines)):
            if not np.isfinite(self.dice[line, list(columns)]).all():
                yield line, columns
        for step in _BETWEEN:
            for row in range(step, ROWS - 1, 2 * step):
                # Not true of NaN, where a row around it is itself left out.
                if (np.abs(self.dice[row + step] - self.dice[row - step]) > SHARP).any():
                    missing = np.flatnonzero(np.isnan(self.dice[row])).tolist()
                    yield from ((row, part) for part in _parts(missing))


class PhaseDiagrams:
    """The diagrams of every open scan. They are forgotten together with their scan."""

    def __init__(self) -> None:
        self._kept: LruOfEach[OpenScan, tuple[object, ...], Diagram] = LruOfEach(lambda _: _MOST)
        # Only one diagram is decoded at a time, so that a class that opens this view leaves the processor to moving sliders.
        self._turns = Turns()

    def advance(self, scan: OpenScan, request: FrameRequest, seconds: float = SECONDS, who: Hashable = None) -> tuple[Diagram, bool]:
        """Decode further cells. Whoever does not call again has cancelled.

        Args:
            scan: The scan. A few cells at a time take a turn, so that other views are answered in between.
            request: Slice, seed and forced tokens. Its own strength, mode and reach are ignored.
            seconds: Return after this time, even if cells are missing.
            who: Key of who asks. They take turns, whatever slices and seeds one goes through.

        Returns:
            The diagram as far as it is decoded, and whether it has to wait for another one.

        Raises:
            RequestError: If the plane is not that of the acquired slices.
        """
        if not scan.acquired(request.plane):
            raise RequestError(f"the diagram is that of an acquired slice; choose plane {scan.plane}")
        key = (request.index, request.seed, request.edits, id(scan.truth))
        diagram, start = self._kept.of(scan).made(key, lambda: Diagram.empty(scan)), time.perf_counter()
        if diagram.complete:
            return diagram, False
        if not self._turns.take(who):
            return diagram, True
        try:
            for line, columns in diagram.missing():
                _decode(scan, request, diagram, line, columns)
                if time.perf_counter() - start >= seconds:
                    break
        finally:
            self._turns.end()
        return diagram, False


def answer(diagram: Diagram, waiting: bool) -> dict[str, Any]:
    """A diagram for the browser.

    Args:
        diagram: As `PhaseDiagrams.advance` gives it.
        waiting: Whether it has to wait for another one.

    Returns:
        "strengths": of the columns. "rows" and "strips": for each "title", "symbol", "reach" (None for a strip), and one value a column
        or None of "dice", "truth" and "effects". "done" and "of": numbers of cells. "waiting". "has_truth".
    """
    lines = [
        {
            "title": line.title,
            "symbol": line.symbol,
            "reach": line.reach,
            "dice": _known(diagram.dice[number]),
            "truth": _known(diagram.against_truth[number]),
            "effects": _known(diagram.effects[number]),
        }
        for number, line in enumerate(diagram.lines)
    ]
    return {
        "strengths": STEPS.tolist(),
        "rows": lines[:ROWS],
        "strips": lines[ROWS:],
        "done": diagram.done,
        "of": diagram.of,
        "waiting": waiting,
        "has_truth": diagram.truth is not None,
    }


@cache
def cells_in_order(lines: int) -> tuple[Cells, ...]:
    """Every cell of every fourth row, and of the strips, once, from coarse to fine.

    Args:
        lines: Number of rows and strips. Every level has all strips.

    Returns:
        (line, columns) that are decoded at once. Column 0 comes first and only for line 0: it is the same picture in all of them.
    """
    order: list[Cells] = [(0, (0,))]
    seen: set[tuple[int, int]] = {(line, 0) for line in range(lines)}
    for column_step, row_step in _LEVELS:
        for line in (*range(0, ROWS, row_step), *range(ROWS, lines)):
            missing = [column for column in range(0, len(STEPS), column_step) if (line, column) not in seen]
            seen |= {(line, column) for column in missing}
            order += [(line, part) for part in _parts(missing)]
    return tuple(order)


def _parts(columns: Sequence[int]) -> Iterator[tuple[int, ...]]:
    for start in range(0, len(columns), _BATCH):
        yield tuple(columns[start : start + _BATCH])


def _decode(scan: OpenScan, request: FrameRequest, diagram: Diagram, number: int, columns: tuple[int, ...]) -> None:
    line, strengths = diagram.lines[number], [float(STEPS[column]) for column in columns]
    # Solved before the turn is taken: it takes longer than a picture, once for a checkpoint and reach.
    temperature = scan.model.segmenter.temperature_at(line.reach)
    if np.isnan(diagram.effects[number]).all():
        usage = np.bincount(scan.segmented.indices[request.index].ravel(), minlength=scan.segmented.codebook_size)
        diagram.effects[number] = kind_effects(line.mode, scan.segmented.codewords, usage, temperature, STEPS.tolist())
    with COMPUTING.turn():
        found = scan.segmented.labels_at(request.index, strengths, line.mode, request.seed, forced_tokens(request), line.reach)
    clean = scan.segmented.labels.take(request.index, scan.segmented.axis)
    for column, labels in zip(columns, found, strict=True):
        place = (slice(None) if column == 0 else number, column)
        if diagram.truth is not None:
            truth = diagram.truth.take(request.index, scan.segmented.axis)
            scores = truth_dice(scan, labels, truth)
            diagram.against_truth[place] = np.nan if (mean := mean_score(scores)) is None else mean
        # Last: a cell that has its Dice is complete.
        diagram.dice[place] = label_agreement(labels, clean)


def _lines(farthest: int) -> tuple[Line, ...]:
    mode = next(kind for kind in kinds() if kind.name == FAR_MODES[0])
    # To be read, and to stand in links.
    reaches = [float(f"{farthest ** (row / (ROWS - 1)):.4g}") for row in range(ROWS - 1)] + [float(farthest)]
    rows = [Line(mode.name, mode.title, mode.symbol, min(reach, float(farthest))) for reach in reaches]
    strips = [Line(kind.name, kind.title, kind.symbol, None) for kind in kinds() if not kind.swaps and not kind.reaches]
    return (*rows, *strips)


def _known(values: Array) -> list[float | None]:
    return [round(float(value), 4) if np.isfinite(value) else None for value in values]


# All tabs share this one. Its contents belong to scans, never to a visitor.
PHASES = PhaseDiagrams()
