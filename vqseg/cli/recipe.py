"""python -m vqseg recipe: train a checkpoint in all its stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro

from vqseg.cli.parsing import parse
from vqseg.cli.progress import bar


@dataclass(frozen=True, kw_only=True)
class RecipeCommand:
    """Train a checkpoint in all its stages. What is finished is not run again, so the same command resumes, however it was cut off."""

    recipe: Annotated[Path, tyro.conf.Positional]
    """YAML file, or a shipped one by its name: acdc-10.recipe."""
    output: str | None = None
    """Folder of all runs, instead of the recipe's own; the checkpoint will be OUTPUT/checkpoint."""
    data: str | None = None
    """Data set folder, instead of the recipe's own."""
    until: str | None = None
    """The last stage to run."""
    budget: float = 1.0
    """Steps of every stage, as a share of the recipe's: .01 tries the whole recipe out."""


def run(rest: Sequence[str]) -> int:
    """Run the command. Returns the exit status."""
    command = parse(RecipeCommand, "recipe", rest)
    from vqseg.recipe import load_recipe, run_recipe

    recipe = load_recipe(command.recipe)
    if command.output is not None:
        recipe = replace(recipe, output=command.output)
    if command.data is not None:
        recipe = replace(recipe, settings={**recipe.settings, "data": {**recipe.settings.get("data", {}), "folder": command.data}})
    folder = run_recipe(recipe, budget=command.budget, until=command.until, progress=lambda cases: bar(cases, "reading scans"))
    if folder is not None:
        print(f"checkpoint: {folder}")
    return 0
