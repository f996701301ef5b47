"""The plan: look at a folder, choose, prepare, and say what to do next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from vqseg.config import Config, from_mapping, to_mapping
from vqseg.data.datasets import IGNORE, patient_of
from vqseg.data.splits import ALL, PATIENT_RULE, read_splits
from vqseg.planning.choices import Choice, as_settings, choose
from vqseg.planning.layout import Layout, PlanError, find_layout
from vqseg.planning.pace import steps_for, steps_per_second
from vqseg.planning.patients import FIRST_PART, RULES, choose_rule, patients_of
from vqseg.planning.prepare import SHARE, split, write_dataset
from vqseg.planning.survey import Progress, Survey, look
from vqseg.shares import percent
from vqseg.types import UNSURE

CONFIG = "config.yaml"
_SAID = 8


@dataclass(frozen=True)
class Plan:
    """What was found and chosen.

    Attributes:
        source: The folder that was looked at.
        output: The data set folder, with the configuration.
        layout: Its files.
        survey: What they are like.
        pattern: The rule for patients.
        patients: By case.
        splits: The content of splits.json.
        choices: Every setting with its reason.
        config: All of them.
    """

    source: Path
    output: Path
    layout: Layout
    survey: Survey
    pattern: str
    patients: dict[str, str]
    splits: dict[str, object]
    choices: list[Choice]
    config: Config


def make_plan(
    folder: Path,
    output: Path,
    *,
    hours: float = 2.0,
    seed: int = 0,
    pattern: str | None = None,
    channels: int | None = None,
    skip_broken: bool = False,
    progress: Progress = lambda cases: cases,
) -> Plan:
    """Look through a folder and write a data set folder with links to its files, and a configuration.

    Args:
        folder: With images and labels, see `find_layout`.
        output: Where data set and configuration are written.
        hours: That the training may take on this machine.
        seed: Of the split, and of the run.
        pattern: A regular expression for the patient in a case's name; chosen by itself if not given.
        channels: How many a scan has; found out if not given, see `find_channels`.
        skip_broken: Go on without the cases that cannot be used.
        progress: Goes through the cases and may show it.

    Returns:
        The plan.

    Raises:
        PlanError: No plan can be made; the message names what is wrong with the first cases.
        DatasetError: Names or lists contradict each other.
    """
    layout = find_layout(folder)
    survey = look(layout, progress, channels=channels)
    if survey.problems and not skip_broken:
        said = "".join(f"\n  {line}" for line in _reasons(survey.problems))
        raise PlanError(
            f"{len(survey.problems)} of {len(layout.cases)} cases cannot be used:{said}\nmend them, or go on with --skip-broken"
        )
    if not survey.cases:
        raise PlanError("no case can be used")
    usable = {case.name for case in survey.cases}
    cases = [case for case in layout.cases if case.name in usable]
    names = [case.name for case in cases]
    own = _own_splits(folder, layout, set(names), pattern)
    rule = pattern or (FIRST_PART if own else choose_rule(names))
    patients = patients_of(names, rule)
    splits = own or split(patients, [case.name for case in survey.labelled], [name for name in layout.validation if name in usable], seed)
    write_dataset(output, cases, patients, survey.labelling, splits, channels=survey.channels.names)
    choices, config = _with_steps([*choose(survey), _share(splits, own is not None)], output, hours, seed)
    (output / CONFIG).write_text(config_with_reasons(config, choices), encoding="utf-8")
    return Plan(folder, output, layout, survey, rule, patients, splits, choices, config)


def _reasons(problems: Mapping[str, str]) -> Iterator[str]:
    """Why cases cannot be used: what several of them have in common once, and after so many reasons only the number of the rest."""
    alike: dict[str, list[str]] = {}
    for name, what in problems.items():
        alike.setdefault(what.replace(name, ""), []).append(name)
    for names in list(alike.values())[:_SAID]:
        yield f"{_and_more(names)}: {problems[names[0]]}"
    rest = sum(len(names) for names in list(alike.values())[_SAID:])
    if rest:
        yield f"and {rest} more"


def _and_more(names: Sequence[str]) -> str:
    return names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "")


def _with_steps(choices: list[Choice], output: Path, hours: float, seed: int) -> tuple[list[Choice], Config]:
    given = [
        Choice("data", "folder", str(output), "links to your files"),
        Choice("train", "output", str(output / "run"), "beside the data set"),
        Choice("train", "seed", seed, "as asked for"),
    ]
    config = from_mapping(Config, as_settings([*choices, *given]), origin="plan")
    rate = steps_per_second(config)
    steps = steps_for(hours, rate)
    start = max(50, steps // 5)
    timed = [
        Choice("train", "steps", steps, f"{hours:g} h at {rate:.2f} steps/s, measured on this machine just now"),
        Choice("train", "evaluate_every", max(50, steps // 8), "eight times in a run, less often in a short one"),
        Choice("train", "checkpoint_every", max(50, min(250, steps // 16)), "so that little is lost when it is cut off"),
        Choice("train", "codebook_start", min(200, steps // 10), "once the features mean something"),
        Choice("objective", "unlabelled_start", start, "after a fifth of the steps the teacher has learnt enough to label"),
        Choice("objective", "unlabelled_ramp", max(50, steps // 8), "grows from there"),
    ]
    found = [*choices, *given, *timed]
    return found, from_mapping(Config, as_settings(found), origin="plan")


def _own_splits(folder: Path, layout: Layout, names: set[str], pattern: str | None) -> dict[str, object] | None:
    """The lists of the folder's own splits.json, without patients that cannot be used. None without them or with a rule that was given.

    Raises PlanError if it names somebody who has no case: to leave him out without a word would be to train with other lists.
    """
    if pattern is not None or not (folder / "splits.json").is_file():
        return None
    splits, there = read_splits(folder), {patient_of(name) for name in names}
    strangers = sorted({*splits.train, *splits.val, *splits.test} - {patient_of(case.name) for case in layout.cases})
    if strangers:
        rest = f"{PATIENT_RULE}. Mend the lists, or have others made by --patient-pattern"
        raise PlanError(f"splits.json names {len(strangers)} patient(s) without a case, the first is {strangers[0]!r}. {rest}")
    labelled = {share: [name for name in patients if name in there] for share, patients in splits.labelled.items()}
    return {
        "train": [name for name in splits.train if name in there],
        "val": [name for name in splits.val if name in there],
        **({"test": [name for name in splits.test if name in there]} if splits.test else {}),
        "labeled": {share: patients for share, patients in labelled.items() if patients},
    }


def _share(splits: dict[str, object], is_own: bool) -> Choice:
    shares = splits["labeled"]
    assert isinstance(shares, dict)
    if not is_own:
        return Choice("data", "labelled", SHARE, "all training patients that have labels")
    if not shares:
        return Choice("data", "labelled", ALL, "the folder's splits.json names no share of labels")
    smallest = min(shares, key=lambda name: len(shares[name]))
    return Choice("data", "labelled", smallest, f"the smallest share of the folder's own splits.json, of {', '.join(shares)}")


def config_with_reasons(config: Config, choices: list[Choice]) -> str:
    """The chosen settings as YAML, each with its reason; all others have their defaults.

    Args:
        config: As it was checked.
        choices: With their reasons.
    """
    values, lines, rooms = to_mapping(config), ["# Written by `python -m vqseg plan`. Change what you know better."], []
    for choice in choices:
        if choice.room not in rooms:
            rooms.append(choice.room)
    for room in rooms:
        lines.append(f"{room}:")
        settings = values[room]
        assert isinstance(settings, dict)
        for choice in choices:
            if choice.room == room:
                text = yaml.safe_dump(settings[choice.name], default_flow_style=True, width=1000).split("\n...")[0].strip()
                lines += [f"  # {choice.why}", f"  {choice.name}: {text}"]
    return "\n".join(lines) + "\n"


def told(plan: Plan) -> Iterator[str]:
    """The plan in words: what there is, what was chosen, which commands follow."""
    yield from _found(plan)
    yield "Chosen:"
    for choice in plan.choices:
        yield f"  {choice.room}.{choice.name} = {_short(choice.value)}: {choice.why}"
    run = plan.output / "run" / "checkpoint"
    yield "Next:"
    yield f"  python -m vqseg train --config {plan.output / CONFIG} --resume"
    yield f"  python -m vqseg report {plan.output / 'run'}"
    yield f"  VQSEG_CHECKPOINT={run} python app.py"


def _found(plan: Plan) -> Iterator[str]:
    survey, counts = plan.survey, Counter(plan.patients.values())
    yield f"{plan.source}: {plan.layout.kind}"
    yield f"{len(survey.cases)} cases of {len(counts)} patients, {len(survey.labelled)} with labels"
    rule = RULES.get(plan.pattern, "as you gave it")
    name, patient = next(iter(plan.patients.items()))
    yield f"patients: {rule} ({name} belongs to {patient}); another rule: --patient-pattern REGEX"
    grids = np.array([case.grid for case in survey.cases])
    low, high = grids.min(0), grids.max(0)
    yield (
        "slices: "
        + " x ".join(_from_to(str(a), str(b)) for a, b in zip(low[:2], high[:2], strict=True))
        + ("" if high[2] == 1 else f", {_from_to(str(low[2]), str(high[2]))} a volume")
    )
    known = [case.spacing for case in survey.cases if case.spacing]
    within = [one[0] for one in known]
    yield f"spacing: {_from_to(f'{min(within):.2f}', f'{max(within):.2f}')} mm in a slice" if known else "spacing: the files do not say"
    if survey.channels.count > 1:
        named = f" ({', '.join(survey.channels.names)})" if survey.channels.names else ""
        yield f"channels: {survey.channels.count}{named}"
    values = [value for case in survey.cases for value in (case.intensities[0], case.intensities[3])]
    yield f"intensities: {min(values):g} to {max(values):g}"
    yield from _classes(survey)
    yield f"train {len(_list(plan, 'train'))} patients, of which {len(_learnt(plan))} have labels; val {len(_list(plan, 'val'))}"
    listed = {name for part in ("train", "val", "test") for name in _list(plan, part)}
    if unlisted := sorted(set(counts) - listed):
        yield f"  {_and_more(unlisted)}: in no list of splits.json, neither learnt from nor measured"
    for line in _reasons(survey.problems):
        yield f"  left out: {line}"
    for what, names in survey.notes.items():
        yield f"  {_and_more(names)}: {what}"


def _classes(survey: Survey) -> Iterator[str]:
    totals: Counter[int] = Counter()
    for case in survey.labelled:
        totals.update(case.shape.voxels if case.shape else {})
    unlabelled = totals.pop(UNSURE, 0)
    everything = sum(totals.values()) or 1
    yield "classes: " + ", ".join(f"{name} {percent(totals[value] / everything, 2)}" for value, name in enumerate(survey.classes))
    if unlabelled:
        yield f"  {percent(unlabelled / (everything + unlabelled), 2)} of the voxels have no label and count for nothing ({IGNORE})"
    partial = [case.name for case in survey.labelled if case.labelled is not None]
    if partial:
        yield f"  {len(partial)} case(s) show some of these alone, the first is {partial[0]}: in them the others are left open"
    for value, name in enumerate(survey.classes):
        if not totals[value] and survey.labelled:
            yield f"  no label shows {name}: nothing can be learnt of it"


def _from_to(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


def _list(plan: Plan, name: str) -> list[str]:
    found = plan.splits.get(name, [])
    assert isinstance(found, list)
    return found


def _learnt(plan: Plan) -> list[str]:
    shares = plan.splits["labeled"]
    assert isinstance(shares, dict)
    found: list[str] = shares.get(plan.config.data.labelled, _list(plan, "train"))
    return found


def _short(value: object) -> str:
    return (
        "[" + ", ".join(map(_short, value)) + "]" if isinstance(value, list) else f"{value:g}" if isinstance(value, float) else str(value)
    )
