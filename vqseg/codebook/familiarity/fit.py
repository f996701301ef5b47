"""The training scans' measures -> a Reference. What it tells of them is measured on scans that it was not fitted to.

Shapes: as in `reference.py`; F = L L C, the numbers of a layout.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vqseg.codebook.familiarity.measures import SliceMeasures
from vqseg.codebook.familiarity.reference import COUNTS, MEASURES, TURNS, Reference
from vqseg.types import Array

INVERTED = "pictures with dark and bright exchanged"

_FOLDS = 5
# Channels of the layout that are kept: the directions in which cells vary most.
_CHANNELS = 12
# Share of training scans beyond either end of a range.
_EDGE = 0.01
_FAR = 0.99
# Share of the training scans that must have so many slices before a range is told for them.
_ENOUGH = 0.5
# Added to the variance of every direction, as a share of the mean one: directions that few slices show are no evidence.
_RIDGE = 0.02


class FewScansError(ValueError):
    """Training scans of fewer patients than tell how much scans vary."""


@dataclass(frozen=True)
class TrainingScan:
    """One training scan: whose it is, its measures, and what some of its slices become.

    turned: layouts (S', L, L, D) of slices turned in each of TURNS; empty if turned scans are no foreign ones. inverted: textures (S', D)
    with dark and bright exchanged.
    """

    patient: str
    slices: SliceMeasures
    turned: Mapping[str, Array]
    inverted: Array


def fit(scans: Sequence[TrainingScan], others: Mapping[str, Array], *, source: str, key: str, seed: int = 0) -> Reference:
    """Make the reference of a checkpoint.

    Args:
        scans: Its training scans, of at least two patients.
        others: Textures (n, D) of slices of other kinds, by what they look like.
        source: The data set in words.
        key: Of the codebook.
        seed: Divides the patients into folds.

    Returns:
        The reference: fitted to all scans, its ranges to what each fifth of the patients is under a fit to the others.

    Raises:
        FewScansError: There are fewer than two patients.
    """
    patients = sorted({scan.patient for scan in scans})
    if len(patients) < 2:
        raise FewScansError(f"{len(patients)} training patients are too few to tell how much scans vary; at least 2 are needed")
    folds = np.random.default_rng(seed).permutation(len(patients)) % min(_FOLDS, len(patients))
    fold_of = dict(zip(patients, folds.tolist(), strict=True))
    counts = [count for count in COUNTS if sum(len(scan.slices) >= count for scan in scans) > _ENOUGH * len(scans)]
    rows: list[list[Array]] = [[] for _ in counts]
    for fold in range(int(folds.max()) + 1):
        part = _fitted([scan for scan in scans if fold_of[scan.patient] != fold], others, source, key)
        for scan in scans:
            if fold_of[scan.patient] == fold:
                for row, count in enumerate(counts):
                    rows[row] += [_values(part, few) for few in _parts(scan.slices, count)]
    levels = (_EDGE, 0.5, 1 - _EDGE)
    # Where few scans have so many slices, what is known of fewer stands.
    rows += [rows[-1]] * (len(COUNTS) - len(rows))
    ranges = np.stack([np.quantile(np.array(found), levels, axis=0).T for found in rows], 1)
    return replace(_fitted(scans, others, source, key), ranges=ranges.astype(np.float32))


def _values(reference: Reference, slices: SliceMeasures) -> Array:
    found = reference.scan_values(slices)
    return np.array([found.get(name, 0.0) for name in MEASURES])


def _parts(slices: SliceMeasures, count: int) -> list[SliceMeasures]:
    """Parts of a scan of `count` slices spread over it; of the largest count the whole scan, for shorter scans nothing."""
    if len(slices) < count:
        return []
    if count == COUNTS[-1]:
        return [slices.of(np.arange(len(slices)))]
    parts = len(slices) // count
    return [slices.of(np.arange(first, parts * count, parts)) for first in range(parts)]


def _fitted(scans: Sequence[TrainingScan], others: Mapping[str, Array], source: str, key: str) -> Reference:
    others = {**others, INVERTED: np.concatenate([scan.inverted for scan in scans])}
    texture = np.concatenate([scan.slices.texture for scan in scans])
    mean, whitening = _whitening(texture)
    reference = Reference(
        distance_limit=np.array(np.quantile(np.concatenate([scan.slices.distances.ravel()[::4] for scan in scans]), _FAR), np.float32),
        texture_mean=mean,
        texture_whitening=whitening,
        kinds=_discriminants([texture, *others.values()]),
        other_kinds=tuple(others),
        ranges=np.zeros((len(MEASURES), len(COUNTS), 3), np.float32),
        source=source,
        scans=len(scans),
        key=key,
    )
    if not any(scan.turned for scan in scans):
        return reference
    channels, turns = _turns(scans)
    return replace(reference, channels=channels, turns=turns)


def _whitening(texture: Array) -> tuple[Array, Array]:
    """Mean (D,) and whitening matrix (D, D) of rows of features."""
    mean = texture.mean(0)
    values, directions = np.linalg.eigh(np.cov(texture - mean, rowvar=False))
    values = np.maximum(values, 0) + _RIDGE * values.mean() + 1e-9
    return mean.astype(np.float32), (directions / np.sqrt(values)).astype(np.float32)


def _turns(scans: Sequence[TrainingScan]) -> tuple[Array, Array]:
    """Channels (D, C), and linear discriminants (T + 1, 1 + F) of layouts as they are and turned."""
    right = np.concatenate([scan.slices.layout for scan in scans])
    cells = right.reshape(-1, right.shape[-1])
    _, directions = np.linalg.eigh(np.cov(cells, rowvar=False))
    channels = directions[:, ::-1][:, : min(_CHANNELS, cells.shape[1])].astype(np.float32)
    groups = [right, *(np.concatenate([scan.turned[name] for scan in scans if name in scan.turned]) for name in TURNS)]
    return channels, _discriminants([(group @ channels).reshape(len(group), -1) for group in groups])


def _discriminants(groups: Sequence[Array]) -> Array:
    """Linear discriminants (G, 1 + F) of groups of rows (n, F), each as probable as the others; the constant comes first."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    rows = np.concatenate(groups).astype(np.float64)
    owners = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    priors = np.full(len(groups), 1 / len(groups))
    found = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=priors)
    found.fit(rows, owners)
    # Its own coefficients are one row where there are two groups: the means under the common covariance give one row a group.
    weights = np.linalg.solve(found.covariance_, found.means_.T).T
    constants = -0.5 * np.sum(weights * found.means_, 1)
    return np.concatenate([constants[:, None], weights], 1).astype(np.float32)
