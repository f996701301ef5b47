"""The tables that ask what a perturbation does where it is felt: on the labelled branch (fig1), and on the unlabelled one (frame).

In the frame every seed has one supervised run. All methods go on from its weights, on the same crops, and what is reported is their
difference within a seed: the weights that a seed happens to start from, which decide most of a run's Dice, cancel out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from vqseg.config import Config, ConfigError
from vqseg.experiments.cells import Cell, Table
from vqseg.experiments.methods import CODEBOOK, Changes, changed
from vqseg.quantization.perturbation import QPM, perturbation_named

START = Cell("supervised start", {"objective.unlabelled": 0.0, "objective.perturbation": "none"})
"""The row of the supervised runs that a paired frame starts from."""

_NOTHING: Changes = {"objective.perturbation": "none"}
# Codewords that a replaced token may effectively become. Between these and K - 1, any other codeword, lies the whole range.
_REACHES = (1, 8, 64, 512)
_BEST = 64
_STRENGTHS = (0.1, 0.3, 0.5, 0.7, 0.9)
_LABELLED: Changes = {
    **CODEBOOK,
    "objective.perturb_labelled": True,
    "objective.unlabelled": 0.0,
    # The segmentation alone, as in the paper's Fig. 1.
    "objective.reconstruction": 0.0,
}
# A ramp takes half of the steps that a method has, a period a fifth.
_SCHEDULES = {"ramp": 1 / 2, "periodic": 1 / 5}
# Each could hide a perturbation: a light unlabelled loss, few pixels that count, clipped gradients, a teacher that hardly moves.
_HIDING: dict[str, Changes] = {
    "lambda_u 4": {"objective.unlabelled": 4.0},
    "every pixel counts": {"objective.confidence": 0.0},
    "gradients not clipped": {"train.clip_norm": 1000.0},
    "teacher's decay 0.9": {"train.ema_decay": 0.9},
}
_ALIGNMENTS = (0.1, 0.5)
_VIEWS = {"strong": "strong views", "weak": "weak views"}


def fig1(config: Config) -> Table:
    """The labelled branch alone, perturbed, on one codebook: when does a perturbation keep the decoders from learning?

    Args:
        config: Has the size of the codebook.
    """
    kinds: dict[str, Changes] = {f"QPM, {_reach_name(reach, config)}": _qpm(reach) for reach in _reaches(config)}
    kinds |= {perturbation_named(name).title: {"objective.perturbation": name} for name in ("dropout", "channel_dropout")}
    cells = tuple(
        Cell(f"{series} {strength}", {**_LABELLED, **changes, "objective.strength": strength}, series, strength)
        for strength in _STRENGTHS
        for series, changes in kinds.items()
    )
    nothing = Cell("nothing perturbed", {**_LABELLED, **_NOTHING})
    return Table(
        "The labelled branch perturbed: decoders alone on frozen codes",
        (nothing, *(replace(cell, against=nothing.row) for cell in cells)),
        "strength epsilon or rate p",
        seeds=3,
        start="checkpoint",
        over_effect=True,
    )


def frame(config: Config) -> Table:
    """The unlabelled branch, perturbed, from one supervised run a seed; with strong views, and with weak ones, where nothing else differs.

    Args:
        config: Has the size of the codebook.
    """
    cells = (
        tuple(cell for view in _VIEWS for cell in _frame_cells(config, view)) + tuple(_what_might_hide_it(config)) + tuple(_aligned(config))
    )
    return Table("A paired frame for the unlabelled branch", cells, "strength", seeds=5, start="supervised", over_effect=True)


def _frame_cells(config: Config, view: str) -> Iterable[Cell]:
    """The rows of one kind of view; those that carry a claim come first."""
    base: Changes = {**CODEBOOK, "objective.perturb_labelled": False, "objective.student_view": view}
    nothing = f"nothing perturbed, {_VIEWS[view]}"
    best, *others = sorted(_reaches(config), key=lambda reach: abs(math.log(reach / _BEST)))
    most = max(best, *others)
    yield Cell(nothing, {**base, **_NOTHING})
    if view == "strong":
        # What the further steps give by themselves. It sees no unlabelled view, so it needs no row for the weak ones.
        yield Cell(f"no unlabelled branch, {_VIEWS[view]}", {**base, **START.changes}, against=nothing)

    def qpm(strength: float, reach: int) -> Cell:
        name = f"QPM {strength}, {_reach_name(reach, config)}, {_VIEWS[view]}"
        return Cell(name, {**base, **_qpm(reach), "objective.strength": strength}, "QPM", against=nothing)

    def other(name: str, strength: float, mode: str | None = None) -> Cell:
        mixed: Changes = {"model.mode": mode} if mode else {}
        settings: Changes = {"objective.perturbation": name, "objective.strength": strength, **mixed}
        title = perturbation_named(mode or name).title
        return Cell(f"{title} {strength}, {_VIEWS[view]}", {**base, **settings}, title, against=nothing)

    yield from (qpm(0.7, reach) for reach in (best, *others))
    yield other("channel_dropout", 0.5)
    yield other("dropout", 0.5)
    yield from (qpm(strength, best) for strength in (0.3, 1.0))
    yield from (other(QPM, strength, mode="shuffle") for strength in (0.3, 0.7))
    yield other("dropout", 0.9)
    yield from (other("channel_dropout", rate) for rate in (0.3, 0.7, 0.9))
    yield other("complementary_dropout", 0.5)
    for reach in dict.fromkeys((best, most)):
        shift: Changes = {**_qpm(reach), "objective.perturbation": "shift", "objective.strength": 0.7}
        title = perturbation_named("shift").title
        yield Cell(f"{title} 0.7, {_reach_name(reach, config)}, {_VIEWS[view]}", {**base, **shift}, title, against=nothing)
    steps = config.train.steps - config.objective.unlabelled_start
    for schedule, part in _SCHEDULES.items():
        one = qpm(0.7, best)
        timing: Changes = {"objective.strength_schedule": schedule, "objective.strength_steps": max(1, round(part * steps))}
        timed: Changes = {**one.changes, **timing}
        yield replace(one, row=f"QPM 0.7 {schedule}, {_reach_name(best, config)}, {_VIEWS[view]}", changes=timed, series="")
    alone: Changes = {"objective.reconstruction": 0.0}
    plain = f"nothing perturbed, no image branch, {_VIEWS[view]}"
    yield Cell(plain, {**base, **_NOTHING, **alone}, against=nothing)
    yield Cell(f"QPM 0.7, {_reach_name(best, config)}, no image branch, {_VIEWS[view]}", {**qpm(0.7, best).changes, **alone}, against=plain)


def _what_might_hide_it(config: Config) -> Iterable[Cell]:
    """The farthest swaps beside nothing once more, with one setting changed that could keep a perturbation from being felt."""
    most = _reaches(config)[-1]
    for name, change in _HIDING.items():
        base: Changes = {**CODEBOOK, "objective.perturb_labelled": False, "objective.student_view": "strong", **change}
        nothing = f"nothing perturbed, {name}"
        yield Cell(nothing, {**base, **_NOTHING}, against="nothing perturbed, strong views")
        yield Cell(f"QPM 0.7, {_reach_name(most, config)}, {name}", {**base, **_qpm(most), "objective.strength": 0.7}, against=nothing)


def _aligned(config: Config) -> Iterable[Cell]:
    """The QPM at its first reach with a light alignment to the foundation model."""
    best = min(_reaches(config), key=lambda reach: abs(math.log(reach / _BEST)))
    base: Changes = {
        **CODEBOOK,
        "objective.perturb_labelled": False,
        "objective.student_view": "strong",
        **_qpm(best),
        "objective.strength": 0.7,
    }
    plain = f"QPM 0.7, {_reach_name(best, config)}, strong views"
    for weight in _ALIGNMENTS:
        for centred in (False, True):
            changes: Changes = {**base, "objective.alignment": weight, "objective.alignment_centred": centred}
            yield Cell(f"{plain}, alignment {weight}{', centred targets' if centred else ''}", changes, against=plain)


def supervised_start(config: Config) -> Config:
    """The supervised run of a frame: the steps of the configuration before its unlabelled branch begins.

    Args:
        config: Without the changes of any row, so that a seed has one start.

    Raises:
        ConfigError: The unlabelled branch begins with the run, or never.
    """
    start, steps = config.objective.unlabelled_start, config.train.steps
    if not 0 < start < steps:
        raise ConfigError(
            f"the frame starts from the steps before objective.unlabelled_start and goes on with the others; got {start} of {steps} steps"
        )
    return changed(config, {**CODEBOOK, **START.changes, "objective.perturb_labelled": False, "train.steps": start, "train.snapshots": 0})


def second_stage(config: Config) -> Config:
    """The run that goes on from the supervised one: the other steps, with the unlabelled branch from the first.

    Args:
        config: Of a row. Its `train.initial` is set by whoever knows where the supervised run lies.
    """
    start = config.objective.unlabelled_start
    changes: Changes = {
        "objective.unlabelled_start": 0,
        "augmentation.ramp_steps": 0,
        "train.steps": config.train.steps - start,
        "train.snapshots": 0,
    }
    return changed(config, changes)


def _reaches(config: Config) -> list[int]:
    most = config.model.codebook_size - 1
    return [*(reach for reach in _REACHES if reach < most), most]


def _reach_name(reach: int, config: Config) -> str:
    return "any codeword" if reach == config.model.codebook_size - 1 else f"reach {reach}"


def _qpm(reach: int) -> Changes:
    # Exactly one of reach and temperature is set.
    return {"objective.perturbation": QPM, "model.mode": "resample", "model.reach": reach, "model.temperature": None}
