"""What each table compares: its cells as changes to one configuration. No runs, no files."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from vqseg.config import Config, ConfigError, ModelConfig
from vqseg.experiments.cells import Cell, Table
from vqseg.experiments.frame import fig1, frame
from vqseg.experiments.methods import CONTINUOUS, METHODS
from vqseg.quantization.perturbation import training_names, training_perturbation

__all__ = ["TABLES", "Cell", "Table", "scaled", "table"]

_RATES = tuple(tenth / 10 for tenth in range(1, 10))


def _methods(*names: str) -> tuple[Cell, ...]:
    return tuple(Cell(name, METHODS[name]) for name in names)


def _ablation() -> Table:
    base = {**CONTINUOUS, "objective.perturbation": "dropout", "objective.strength": 0.5}
    cells = (
        Cell("base: teacher and feature dropout", base),
        # The paper's table goes from its base to "+ QPM" in one step; that is three changes: no dropout, the codebook, the swaps.
        Cell("teacher, nothing perturbed", {**CONTINUOUS, "objective.perturbation": "none"}),
        Cell("+ codebook", METHODS["vq"]),
        Cell("+ QPM", METHODS["vq-seg-single-branch"]),
        Cell("+ QPM + DB", METHODS["vq-seg"]),
        Cell("+ QPM + PFA", {**METHODS["vq-seg-aligned"], "objective.reconstruction": 0.0}),
        Cell("+ QPM + DB + PFA", METHODS["vq-seg-aligned"]),
    )
    return Table("Ablation", cells)


def _strength() -> Table:
    """The same network with the same codebook and both branches: only what perturbs its post-VQ features differs."""
    kinds = {name: training_perturbation(name, ModelConfig().mode) for name in training_names()}
    labels = {name: f"{kind.title}, {kind.amount}" for name, kind in kinds.items() if kind.tabled}
    cells = tuple(
        Cell(f"{label} {rate}", {"objective.perturbation": name, "objective.strength": rate}, label, rate)
        for name, label in labels.items()
        for rate in _RATES
    )
    amounts = dict.fromkeys(f"{kinds[name].amount} {kinds[name].symbol}" for name in labels)
    return Table("Strength of the QPM against the rate of dropout", cells, " or ".join(amounts))


def _codebook_size() -> Table:
    sizes = (64, 256, 1024, 2048, 4096, 16384, 32768, 65536)
    return Table("Codebook size", tuple(Cell(f"K = {k}", {"model.codebook_size": k}, "VQ-Seg", k) for k in sizes), "K", log_x=True)


# With all labels there is no unlabelled branch, and without that branch no QPM.
_NO_POOL = {("vq-seg", "all"): " (codebook and image branch alone)"}


def _labelled_share() -> Table:
    shares = {"5%": 5.0, "10%": 10.0, "20%": 20.0, "50%": 50.0, "all": 100.0}
    cells = tuple(
        Cell(f"{method}, {share}{_NO_POOL.get((method, share), '')}", {**METHODS[method], "data.labelled": share}, method, percent)
        for method in ("supervised", "vq-seg")
        for share, percent in shares.items()
    )
    return Table("Share of labelled patients", cells, "labelled patients, %", log_x=True)


def _lambda() -> Table:
    keys = {"lambda_u": "objective.unlabelled", "lambda_a": "objective.alignment"}
    cells = tuple(
        Cell(f"{name} = {value:g}", {key: value}, name, value)
        for name, key in keys.items()
        for value in ((1.0, 5.0, 10.0) if name == "lambda_u" else (0.0, 1.0, 5.0, 10.0))
    )
    return Table("Weights of the unlabelled branch and of the alignment", cells, "weight")


_BASELINES = ("supervised", "mean-teacher", "unimatch", "unimatch-v2", "ua-mt", "bcp", "cps")
_COMPARED = (*_BASELINES, "vq", "vq-seg-single-branch", "vq-dropout", "vq-seg")


def _compared(config: Config) -> tuple[str, ...]:
    # From one start its two networks would be the same.
    return tuple(name for name in _COMPARED if name != "cps" or config.train.initial is None)


TABLES: dict[str, Callable[[Config], Table]] = {
    "methods": lambda config: Table("Methods in one frame", _methods(*_compared(config))),
    "ablation": lambda _: _ablation(),
    "strength": lambda _: _strength(),
    "codebook-size": lambda _: _codebook_size(),
    "labelled-share": lambda _: _labelled_share(),
    "lambda": lambda _: _lambda(),
    "seeds": lambda _: Table("Seeds", _methods("mean-teacher", "vq-seg"), seeds=5, paired=("vq-seg", "mean-teacher")),
    "evolution": lambda _: Table("Evolution of the codebook", _methods("vq-seg"), snapshots=True),
    "fig1": fig1,
    "frame": frame,
}
"""By name, from what the runs have in common: the reaches of a table depend on the size of the codebook."""


def table(name: str, config: Config | None = None) -> Table:
    """A table.

    Args:
        name: One of TABLES.
        config: What its runs have in common; None for the defaults.

    Raises:
        ConfigError: The name is unknown.
    """
    if name not in TABLES:
        raise ConfigError(f"unknown table {name!r}; expected one of {', '.join(TABLES)}")
    return TABLES[name](config or Config())


def scaled(config: Config, budget: float) -> Config:
    """The same run with fewer or more steps; everything that happens at a step moves along.

    Args:
        config: The run.
        budget: What its steps are multiplied by.

    Raises:
        ConfigError: The budget is not positive.
    """
    if not (math.isfinite(budget) and budget > 0):
        raise ConfigError(f"budget must be positive, got {budget}")

    def steps(count: int, least: int = 0) -> int:
        return max(least, round(count * budget))

    train, objective = config.train, config.objective
    return replace(
        config,
        augmentation=replace(config.augmentation, ramp_steps=steps(config.augmentation.ramp_steps)),
        objective=replace(
            objective,
            unlabelled_start=steps(objective.unlabelled_start),
            unlabelled_ramp=steps(objective.unlabelled_ramp),
            alignment_ramp=steps(objective.alignment_ramp),
            strength_steps=steps(objective.strength_steps, 1),
        ),
        train=replace(
            train,
            # Two at least: the codebook is placed after the first.
            steps=steps(train.steps, min(2, train.steps)),
            warmup_steps=steps(train.warmup_steps),
            codebook_start=steps(train.codebook_start, min(1, train.codebook_start)),
            revive_every=steps(train.revive_every, min(1, train.revive_every)),
            evaluate_every=0,
        ),
    )
