"""Answers about an opened scan: plain records of arrays."""

from __future__ import annotations

from dataclasses import dataclass

from vqseg.types import Array


@dataclass(frozen=True)
class CodeNeighbours:
    """codes (n,) int64; distances (n,) float32, Euclidean from the codeword asked about; probabilities (n,) float32.

    probabilities: pi(j|i) of Eq. 4 given that i is replaced; times the strength it is pi(j|i) itself.
    """

    codes: Array
    distances: Array
    probabilities: Array


@dataclass(frozen=True)
class Consistency:
    """The unlabelled branch (Eq. 9) on one slice: pseudo_labels and labels (A, B) uint8, the teacher's and the student's.

    loss (A, B) float32: the cross-entropy of the student against the pseudo-label at every pixel; its mean is L_seg.
    """

    pseudo_labels: Array
    labels: Array
    loss: Array
