"""The model card of a recipe's checkpoint: what the recipe says, what was run, and what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from vqseg.config import Config, to_mapping
from vqseg.evaluation import METRICS, Evaluation
from vqseg.plain import child
from vqseg.recipe.plan import INITIAL, Recipe, Stage

_DECIMALS = {"dice": 4, "jaccard": 4, "hd95": 2, "asd": 2}
_RESEARCH_ONLY = "**Research only, not for clinical use.**"


def write_card(recipe: Recipe, finished: Sequence[Mapping[str, Any]], scores: Evaluation, budget: float, size: int, file: Path) -> None:
    """Write the card.

    Args:
        recipe: What was to be run.
        finished: What is noted of every stage, as `vqseg.recipe.run.StageNotes`, in order.
        scores: Of the finished checkpoint on the validation cases.
        budget: What the steps were multiplied by.
        size: Codewords of the checkpoint.
        file: The README.md to write.
    """
    file.write_text("\n".join(_card(recipe, finished, scores, budget, size)) + "\n", encoding="utf-8")


def _card(recipe: Recipe, finished: Sequence[Mapping[str, Any]], scores: Evaluation, budget: float, size: int) -> Iterator[str]:
    card, last = recipe.card, recipe.configs(budget)[-1]
    head = {"license": card.licence, "library_name": "vqseg", "pipeline_tag": "image-segmentation", "tags": list(card.tags)}
    yield from ("---", yaml.safe_dump(head, sort_keys=False, default_flow_style=None).strip(), "---", "", f"# {recipe.name}", "")
    yield f"{card.summary} {_RESEARCH_ONLY}".strip()
    yield from ("", "## Data", *(f"- {one}" for one in card.data))
    yield f"- Read from `{last.data.folder}`, labels of the share {last.data.labelled!r} of its splits.json."
    for one in last.data.unlabelled_folders:
        yield f"- Images alone, without their labels, of the training patients of `{one}`."
    if last.data.phantom_patients:
        first = last.data.phantom_seed
        yield f"- {last.data.phantom_patients} procedural phantoms with labels (seeds {first} to {first + last.data.phantom_patients - 1})."
    yield from ("", "## How it was trained", "")
    share = f", with {budget:g} of its steps" if budget != 1 else ""
    yield f"By one command, `python -m vqseg recipe`, from the recipe of {len(finished)} stage(s) below{share}. Seed {last.train.seed}."
    if recipe.initial is not None:
        yield f"The first stage starts from the weights of `{recipe.initial}`."
    yield from ("", "| stage | steps | minutes | on | version, date |", "|---|---|---|---|---|")
    for notes in finished:
        made = f"{notes['version']}, {notes['date']}"
        yield f"| {notes['name']} | {notes['steps']} | {notes['seconds'] / 60:.1f} | {notes['hardware']} | {made} |"
    yield ""
    for stage in recipe.stages:
        yield f"- **{stage.name}**: {' '.join(_said(recipe, stage))}"
    shared = _flat(_unusual(recipe.settings))
    yield from ("", f"All settings of the last stage are in `config.json`. All stages share, beside the defaults: `{shared}`.")
    yield from ("", "## Scores", "")
    slices = ", the slices with a contour alone" if last.data.contoured_only else ""
    yield f"Of `evaluate --split val`: {scores['cases']} volumes, each on its own grid{slices}. HD95 and ASD in the unit of the spacing."
    yield from ("", f"| | {' | '.join(('Dice', 'Jaccard', 'HD95', 'ASD'))} |", "|---|---|---|---|---|")
    for name, row in (*scores["per_class"].items(), ("**mean**", scores["mean"])):
        yield f"| {name} | {' | '.join(f'{row[metric]:.{_DECIMALS[metric]}f}' for metric in METRICS)} |"
    book = scores["codebook"]
    yield from ("", f"{book['used']} of {size} codewords are used on them (perplexity {book['perplexity']:.0f}).")
    yield from ("", "## Limits", *(f"- {one}" for one in card.limits or ("None were written down.",)))


def _said(recipe: Recipe, stage: Stage) -> Iterator[str]:
    if stage.why:
        yield stage.why
    if stage.pseudo_labels is not None:
        given = {name: value for name, value in to_mapping(stage.pseudo_labels).items() if value not in (None, [], False)}
        given.pop("stage", None)
        given.pop("others", None)
        makers = [str(recipe.initial) if name == INITIAL else name for name in recipe.labellers(stage)]
        yield f"Pseudo-labels by {' and '.join(makers)} ({', '.join(f'{name} {value}' for name, value in given.items())})."
    if stage.settings:
        yield f"Changes `{_flat(stage.settings)}`."


def _flat(settings: Mapping[str, Mapping[str, Any]]) -> str:
    return ", ".join(f"{room}.{name} {value}" for room, values in settings.items() for name, value in (values or {}).items())


def _unusual(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The settings that are not the defaults."""
    usual = to_mapping(Config())
    found = {}
    for room, values in settings.items():
        known = child(usual, room)
        found[room] = {name: value for name, value in (values or {}).items() if name not in known or known[name] != value}
    return found
