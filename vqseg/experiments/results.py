"""The result of a measured run, as it lies in result.json and in the published tables."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from vqseg.evaluation import CodebookUse, Scores


class CellResult(TypedDict):
    """One run of a cell, as plain values.

    mean, per_class, codebook, cases: as `vqseg.evaluation.Evaluation` has them. seconds: of training. processes: the world size.
    version: of the code. data: fingerprint of the data set. key: of the configuration. effect: of the perturbation on the
    trained network, if it has a codebook. Tables of earlier versions lack three of them.
    """

    mean: Scores
    per_class: dict[str, Scores]
    codebook: CodebookUse
    cases: int
    steps: int
    seconds: float
    processes: NotRequired[int]
    hardware: str
    version: str
    data: NotRequired[str]
    date: str
    key: str
    seed: int
    effect: NotRequired[float]
