"""What a codebook has learnt, as plain arrays: the record that the app, the report and the file on disk share.

Knows nothing of networks or files.
Shapes: K codewords, C classes, A ablated codes, S training scans, T moments of the training, a side of an atom in pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np

from vqseg.codebook.drift import Drift, drift_of
from vqseg.plain import JsonObject
from vqseg.types import Array

# How many partners and phantom places are kept for a code.
PARTNERS, PLACES = 8, 8


class CodebookError(ValueError):
    """A codebook file that is broken, of another version, or of another codebook; or statistics that it does not have."""


@dataclass(frozen=True)
class CodebookStatistics:
    """Everything that `python -m vqseg codebook` finds out about a codebook. What was not asked for is None.

    counts (K,) int64: tokens per codeword; class_counts (K, C) int64: those tokens by the class most of their pixels have.
    projection (K, 2) float32: UMAP of the mapped codewords; projection3 (K, 3) the same in space; tsne (K, 2) t-SNE.
    classes: names, the background first. source: the data set counted over, with `scans` scans. key: hash of the codebook that all
    this belongs to. parameters: how each part was made.

    position (K, 2) float32: mean (row, column) of a codeword's tokens as shares of the slice, in [0, 1]; spread (K,) float32: their
    root mean square distance from it; NaN for a codeword never chosen.
    partners (K, 8) int32: the other codes most often beside it in the four directions, -1 where there are fewer;
    partner_counts (K, 8) int64: how many such pairs of tokens.
    atoms (K, a, a) uint8: what a map of this code alone decodes to, its middle; atom_labels (K,) uint8: the class it is given there.
    ablation_codes (A,) int32 and ablation_dice (A,) float32: by how much the mean Dice of the labels falls below 1 (so <= 0) on a
    sample of scans, against the labels as they are, when a code is replaced everywhere by its nearest other codeword. The most used
    codes come first, then the most used ones of the structures.
    drift_groups (K,) int32: the group of like codewords each belongs to; drift_reference (S,) float32, rising: how far each
    training scan's tokens lie from all the others'.
    evolution (T, K, 2) float32: the codewords at moments of the training in one common projection; evolution_steps (T,) int64;
    evolution_counts (T, K) int64: how often each was chosen on a fixed set of slices at that moment, -1 where a smaller codebook lacked it.
    phantom_places (K, 8, 4) int32: (seed, slice, row, column) of tokens with this code on procedural phantoms, -1 where there are fewer.
    """

    counts: Array
    class_counts: Array
    projection: Array
    classes: tuple[str, ...]
    source: str
    scans: int
    key: str
    parameters: JsonObject = field(default_factory=dict)
    projection3: Array | None = None
    tsne: Array | None = None
    position: Array | None = None
    spread: Array | None = None
    partners: Array | None = None
    partner_counts: Array | None = None
    atoms: Array | None = None
    atom_labels: Array | None = None
    ablation_codes: Array | None = None
    ablation_dice: Array | None = None
    drift_groups: Array | None = None
    drift_reference: Array | None = None
    evolution: Array | None = None
    evolution_steps: Array | None = None
    evolution_counts: Array | None = None
    phantom_places: Array | None = None

    @property
    def utilisation(self) -> float:
        """Share of codewords chosen at least once, in [0, 1]."""
        return float((self.counts > 0).mean())

    @property
    def perplexity(self) -> float:
        """Effective number of codewords in use, exp of the entropy of their shares."""
        return perplexity(self.counts)

    @property
    def majority_class(self) -> Array:
        """(K,) int: the class with most of a codeword's tokens, -1 for a codeword never chosen."""
        return np.where(self.counts > 0, self.class_counts.argmax(1), -1)

    @property
    def purity(self) -> Array:
        """(K,) float: share of a codeword's tokens that have its majority class, NaN for a codeword never chosen."""
        with np.errstate(invalid="ignore"):
            shares: Array = self.class_counts.max(1) / np.where(self.counts > 0, self.counts, np.nan)
        return shares

    @property
    def dead(self) -> Array:
        """(n,) int: the codewords never chosen."""
        return np.flatnonzero(self.counts == 0)

    @property
    def rank(self) -> Array:
        """(K,) int: place in the order of usage, 1 for the code chosen most often; of equal ones the lower code comes first."""
        ranks = np.empty(len(self.counts), dtype=np.int64)
        ranks[np.argsort(-self.counts, kind="stable")] = np.arange(1, len(self.counts) + 1)
        return ranks

    def drift(self, indices: Array) -> Drift:
        """How far a scan's tokens, indices of any shape, lie from the data set's. Raises CodebookError if there is no reference."""
        if self.drift_groups is None or self.drift_reference is None:
            raise CodebookError("these codebook statistics have no reference for a scan's drift; make them anew")
        return drift_of(indices, self.counts, self.drift_groups, self.drift_reference)

    def arrays(self) -> dict[str, Array]:
        """The arrays that are there, by name."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}


def perplexity(counts: Array) -> float:
    """exp of the entropy of the shares of counts (K,): the effective number of codewords in use, 1 if nothing was counted."""
    used = counts[counts > 0]
    share = used / max(1, used.sum())
    return float(np.exp(-(share * np.log(share)).sum()))


def share_in_use(counts: Array) -> Array:
    """counts (..., K) -> (...) share of the codewords that were chosen; those that a moment of the training lacked count -1."""
    shares: Array = (counts > 0).sum(-1) / np.maximum(1, (counts >= 0).sum(-1))
    return shares
