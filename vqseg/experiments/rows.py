"""A row of a table: a cell with the results of its seeds."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from vqseg.experiments.cells import Cell
from vqseg.experiments.results import CellResult


@dataclass(frozen=True)
class Row:
    """A cell with the results of its seeds, and why it could not be run, if so."""

    cell: Cell
    results: tuple[CellResult, ...]
    failure: str = ""

    def having(self, outcome: CellResult | str) -> Row:
        """The row with one more result, in the order of the seeds, or with a reason why one is missing; the first reason stays."""
        if isinstance(outcome, str):
            return replace(self, failure=self.failure or outcome)
        return replace(self, results=tuple(sorted((*self.results, outcome), key=lambda result: result["seed"])))

    def scores(self, metric: str) -> list[float]:
        """One value a seed."""
        return [result["mean"][metric] for result in self.results]

    @property
    def effect(self) -> float | None:
        """Mean effect of the perturbation on the trained networks; None where it was not measured."""
        found = [result["effect"] for result in self.results if "effect" in result]
        return float(np.mean(found)) if found else None
