"""What a checkpoint's training scans were like, and how far a scan lies from them.

Shapes: D codebook dimension, L x L cells of a layout, C channels of it, T turns, M measures, N numbers of slices.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vqseg.codebook.familiarity.measures import SliceMeasures
from vqseg.types import Array

COUNTS = (1, 3, 6)
"""Numbers of slices for which training's ranges are kept: a mean over many slices varies less than a single slice."""

TURNS: dict[str, Callable[[Array], Array]] = {
    "mirrored across its rows": lambda slices: slices[:, ::-1],
    "mirrored across its columns": lambda slices: slices[:, :, ::-1],
    "turned by 180°": lambda slices: slices[:, ::-1, ::-1],
    "turned by 90°": lambda slices: np.rot90(slices, 1, (1, 2)),
    "turned by 270°": lambda slices: np.rot90(slices, 3, (1, 2)),
    "mirrored across a diagonal": lambda slices: slices.swapaxes(1, 2),
    "mirrored across the other diagonal": lambda slices: slices[:, ::-1, ::-1].swapaxes(1, 2),
}
"""Ways to turn or mirror slices (S, A, B) in the array's order, by their names in sentences."""


@dataclass(frozen=True)
class Measure:
    """One measure: how it is told, and how far it may lie from training scans.

    doubtful, foreign: in steps from the training scans' median to their edge (the worst 1 %, held out). Chosen on one half of the
    calibration sets and reported on the other, docs/familiarity.md. numbered: whether its numbers mean something to a reader.
    """

    title: str
    doubtful: float
    foreign: float
    sentence: str
    falls: bool = False
    numbered: bool = False
    unit: str = ""
    scale: float = 1.0
    digits: int = 1

    def words(self, value: float) -> str:
        """A value with its unit."""
        return f"{self.scale * value:.{self.digits}f}{self.unit}"


MEASURES = {
    "psnr": Measure(
        "Reconstruction (PSNR)",
        1.2,
        2.0,
        "its pictures are rebuilt worse than those of training scans",
        falls=True,
        numbered=True,
        unit=" dB",
    ),
    "far": Measure(
        "Tokens far from every codeword", 4.0, 10.0, "many of its tokens lie far from every codeword", numbered=True, unit=" %", scale=100
    ),
    "texture": Measure("Distance of its features (logarithm)", 2.7, 4.0, "its features lie far from those of training scans", digits=2),
    "kind": Measure("Likeness to other scans", 1.15, 2.0, "its pictures look like {like}"),
    "turned": Measure("Orientation", 1.1, 1.5, "its pictures look {like}"),
}


@dataclass(frozen=True)
class Found:
    """One measure of a scan.

    low, high: where 98 % of training scans lie. steps: from their median, 1 being their edge; 0 or less is good. like: what the scan looks
    like instead, where the measure tells that.
    """

    name: str
    value: float
    low: float
    high: float
    steps: float
    like: str = ""

    @property
    def excess(self) -> float:
        """Beyond 1 the scan is doubtful."""
        return self.steps / MEASURES[self.name].doubtful

    @property
    def doubtful(self) -> bool:
        return self.excess > 1

    @property
    def foreign(self) -> bool:
        return self.steps > MEASURES[self.name].foreign

    def value_in_words(self) -> str:
        """The scan's value with its unit."""
        return MEASURES[self.name].words(self.value)

    def training_in_words(self) -> str:
        """The range of training scans with its unit."""
        measure = MEASURES[self.name]
        return f"{measure.scale * self.low:.{measure.digits}f} to {measure.words(self.high)}"

    def reason(self) -> str:
        """Why the scan is no training scan by this measure, as a sentence without its full stop."""
        sentence = MEASURES[self.name].sentence.format(like=self.like)
        return sentence if not MEASURES[self.name].numbered else f"{sentence}: {self.value_in_words()} against {self.training_in_words()}"


@dataclass(frozen=True)
class Reference:
    """What the training scans of one checkpoint were like.

    distance_limit: () the 99th percentile of their tokens' distances from their codewords. texture_mean (D,), texture_whitening (D, D): of
    the mean z of a slice. kinds (O + 1, 1 + D): linear scores of that mean as training scans have it, and as each of `other_kinds` has it.
    ranges (M, N, 3): low, median and high of each measure for means over `COUNTS` slices, of held-out scans.
    channels (D, C), turns (T + 1, 1 + L L C): linear scores of the layout as it is and of each of TURNS; None where the network was trained
    to read turned pictures, too. source, scans, key: as in `CodebookStatistics`.
    """

    distance_limit: Array
    texture_mean: Array
    texture_whitening: Array
    kinds: Array
    ranges: Array
    other_kinds: tuple[str, ...]
    source: str
    scans: int
    key: str
    channels: Array | None = None
    turns: Array | None = None

    def compare(self, slices: SliceMeasures) -> list[Found]:
        """Each measure of a scan, as a mean over its slices, beside that of training scans."""
        row = int(np.searchsorted(COUNTS, len(slices), side="right")) - 1
        like = {"kind": self.other_kinds[int(self._kind_scores(slices)[1:].argmax())]}
        if self.turns is not None:
            like["turned"] = list(TURNS)[int(self._turn_scores(slices)[1:].argmax())]
        return [self._found(name, value, row, like.get(name, "")) for name, value in self.scan_values(slices).items()]

    def compare_slices(self, slices: SliceMeasures) -> Array:
        """(S,) how far each slice lies by its worst measure; beyond 1 farther than a single slice of training scans should."""
        each = [self.compare(slices.of(np.array([index]))) for index in range(len(slices))]
        return np.array([max(0.0, *(one.excess for one in found)) for found in each], np.float32)

    def scan_values(self, slices: SliceMeasures) -> dict[str, float]:
        """The measures of some slices together, by the names of MEASURES."""
        values = {
            "psnr": float(slices.psnr.mean()),
            "far": float((slices.distances > self.distance_limit).mean()),
            "texture": float(self._texture(slices).mean()),
        }
        values["kind"] = _margin(self._kind_scores(slices))
        if self.turns is not None:
            values["turned"] = _margin(self._turn_scores(slices))
        return values

    def _texture(self, slices: SliceMeasures) -> Array:
        """(S,) logarithm of the root mean square of the whitened mean feature: its spread is alike on either side of the median."""
        whitened = (slices.texture - self.texture_mean) @ self.texture_whitening
        length: Array = np.log(np.mean(np.square(whitened), 1) + 1e-12) / 2
        return length

    def _kind_scores(self, slices: SliceMeasures) -> Array:
        """(O + 1,) how much the slices look like training scans, and like each other kind."""
        return _linear(slices.texture, self.kinds)

    def _turn_scores(self, slices: SliceMeasures) -> Array:
        """(T + 1,) how much the slices look as they should, and turned in each way."""
        assert self.channels is not None and self.turns is not None
        return _linear((slices.layout @ self.channels).reshape(len(slices), -1), self.turns)

    def _found(self, name: str, value: float, row: int, like: str) -> Found:
        low, middle, high = map(float, self.ranges[list(MEASURES).index(name), row])
        edge = low if MEASURES[name].falls else high
        # A measure that does not vary at all has no edge.
        width = edge - middle if abs(edge - middle) > 1e-6 else (-1e-6 if MEASURES[name].falls else 1e-6)
        return Found(name, value, low, high, (value - middle) / width, like)


def _linear(rows: Array, weights: Array) -> Array:
    """Linear scores (G,) of rows (S, F), averaged over them; weights (G, 1 + F) begin with the constant."""
    scores: Array = rows.mean(0) @ weights[:, 1:].T + weights[:, 0]
    return scores


def _margin(scores: Array) -> float:
    """How much better the best other score is than the first one; negative where the first is the best."""
    return float(scores[1:].max() - scores[0])
