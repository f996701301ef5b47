"""What a table is made of: cells, each a few changes to one configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vqseg.experiments.methods import Changes


@dataclass(frozen=True)
class Cell:
    """One row of a table. series and x place it in the plot: a line per series over x, or bars if x is None.

    against: the row whose results this one's are compared with, seed by seed; empty for none.
    """

    row: str
    changes: Changes
    series: str = ""
    x: float | None = None
    against: str = ""


@dataclass(frozen=True)
class Table:
    """cells: what is run. seeds: how often each cell is run, if nothing else is asked for. paired: two rows for a t-test."""

    title: str
    cells: tuple[Cell, ...]
    x_label: str = ""
    log_x: bool = False
    seeds: int = 1
    paired: tuple[str, str] | None = None
    snapshots: bool = False
    """Whether the codewords of the runs are drawn, at several moments (Fig. 7)."""
    start: Literal["random", "checkpoint", "supervised"] = "random"
    """The weights that a run starts from: "random"; "checkpoint": those of `train.initial`, which must be named; "supervised": those of one
    supervised run for each seed, a row of its own, which all other rows of the seed share (frame.py)."""
    over_effect: bool = False
    """Whether the plot shows the results over the effect of the perturbation, beside its nominal strength or in place of it."""
