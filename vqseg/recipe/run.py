"""The stages of a recipe, one after the other. Whatever is finished is not run again, and a stage that was cut off goes on."""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import TypedDict

from vqseg import __version__
from vqseg.checkpoint import load_model, read_config, recover_folder, replaced_folder, save_model, weights_digest
from vqseg.config import Config, to_mapping
from vqseg.evaluation import Evaluation, evaluate_split
from vqseg.experiments.runs import hardware
from vqseg.files import write_whole
from vqseg.plain import child
from vqseg.recipe.card import write_card
from vqseg.recipe.plan import PseudoLabelling, Recipe, RecipeError, Stage
from vqseg.training.pseudo_labels import write_pseudo_labels
from vqseg.training.trainer import Trainer
from vqseg.types import Case

logger = logging.getLogger(__name__)

LOG, SCORES = "log.jsonl.gz", "scores-val.json"
_DONE = "stage.json"

Progress = Callable[[Sequence[Case]], Iterable[Case]]


class StageNotes(TypedDict):
    """What is noted of a finished stage. settings: a digest of all that it was run with; weights: a digest of what came out."""

    name: str
    settings: str
    weights: str
    steps: int
    seconds: float
    hardware: str
    version: str
    date: str


def run_recipe(recipe: Recipe, *, budget: float = 1.0, until: str | None = None, progress: Progress = lambda cases: cases) -> Path | None:
    """Run what is missing, then put the checkpoint together: weights, codebook's moments, one log, scores and card.

    Args:
        recipe: The recipe.
        budget: What the steps of every stage are multiplied by, for a trial; the card says it.
        until: The last stage to run; all if not given.
        progress: Goes through the scans that are labelled or measured, and may show it.

    Returns:
        The checkpoint's folder; None on other ranks than the first, and where the last stage is not to be run.

    Raises:
        RecipeError: There is no such stage, or a finished stage was run with other settings.
        TrainingError: As `Trainer.run`.
    """
    names = [stage.name for stage in recipe.stages]
    if until is not None and until not in names:
        raise RecipeError(f"there is no stage {until!r}; {recipe.name} has {', '.join(names)}")
    _refuse_stranger(recipe)
    for stage, config in zip(recipe.stages, recipe.configs(budget), strict=True):
        _run_stage(recipe, stage, config, progress)
        if stage.name == until and until != names[-1]:
            return None
    # Under accelerate launch one process puts the files together.
    return _assemble(recipe, budget, progress) if os.environ.get("RANK", "0") == "0" else None


def _refuse_stranger(recipe: Recipe) -> None:
    """Raises RecipeError if the checkpoint would replace a folder that no stage of the recipe has led to."""
    folder = Path(recipe.output) / "checkpoint"
    if folder.exists() and all(_notes(recipe.folder(stage.name)) is None for stage in recipe.stages):
        raise RecipeError(f"{folder} is there already and does not come from {recipe.name}; choose another output")


def _run_stage(recipe: Recipe, stage: Stage, config: Config, progress: Progress) -> None:
    folder, wanted = recipe.folder(stage.name), _digest(recipe, stage, config)
    if (known := _notes(folder)) is not None:
        if known["settings"] != wanted:
            raise RecipeError(
                f"{folder} was run with other settings than {recipe.name} has now; choose another output, or delete the folder"
            )
        logger.info("stage %s is finished", stage.name)
        return
    logger.info("stage %s: %s", stage.name, stage.why or "no reason given")
    trainer = Trainer(config)
    if stage.pseudo_labels is not None and trainer.main:
        _label(recipe, stage, stage.pseudo_labels, config, trainer.device.type, progress)
    trainer.group.wait()
    checkpoint = trainer.run(resume=True)
    if trainer.main:
        _note(folder, stage, wanted, checkpoint, trainer)
    trainer.group.wait()


def _label(recipe: Recipe, stage: Stage, wanted: PseudoLabelling, config: Config, device: str, progress: Progress) -> None:
    first, *others = recipe.labelling_checkpoints(stage)
    write_pseudo_labels(
        first,
        Path(config.data.folder),
        Path(config.data.pseudo_labels or ""),
        confidence=wanted.confidence,
        image_side=wanted.image_side,
        others=others,
        unlabelled_folders=[Path(one) for one in config.data.unlabelled_folders],
        open_ends=wanted.open_ends,
        weigh=wanted.weigh,
        device=device,
        progress=progress,
    )


def _note(folder: Path, stage: Stage, settings: str, checkpoint: Path, trainer: Trainer) -> None:
    notes: StageNotes = {
        "name": stage.name,
        "settings": settings,
        "weights": weights_digest(checkpoint),
        "steps": trainer.step,
        "seconds": round(trainer.seconds, 1),
        "hardware": hardware(trainer.device),
        "version": __version__,
        "date": date.today().isoformat(),
    }
    write_whole(folder / _DONE, json.dumps(notes, indent=1) + "\n")
    # Written last: a finished stage needs no state, and it is three times as large as the weights.
    for left in ("state", "state-before"):
        shutil.rmtree(folder / left, ignore_errors=True)


def _notes(folder: Path) -> StageNotes | None:
    """What is noted of a stage, None if it is not finished. Raises RecipeError if somebody else has written the file."""
    file = folder / _DONE
    if not file.is_file():
        return None
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not set(StageNotes.__required_keys__) <= set(found):
        raise RecipeError(f"{file} does not come from a recipe; choose another output, or move it away")
    notes: StageNotes = found  # type: ignore[assignment]
    return notes


def _digest(recipe: Recipe, stage: Stage, config: Config) -> str:
    """Twelve hexadecimal digits of all that a stage is run with. The paths of the folders count, as the stages are found by them."""
    labels = None if stage.pseudo_labels is None else to_mapping(stage.pseudo_labels)
    values = {"config": to_mapping(config), "labels": labels, "labellers": recipe.labellers(stage)}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]


def _assemble(recipe: Recipe, budget: float, progress: Progress) -> Path:
    """The last stage's checkpoint with the log of all stages, its scores and its card. Made anew each time, whole or not at all."""
    last, folder = recipe.configs(budget)[-1], Path(recipe.output) / "checkpoint"
    recover_folder(folder)
    with replaced_folder(folder) as part:
        shutil.copytree(recipe.checkpoint(recipe.stages[-1].name), part, dirs_exist_ok=True)
        model = load_model(part)
        model.preprocess = recipe.served(budget)
        save_model(model, part, training=child(read_config(part), "training"), half=recipe.half_precision)
        # What is measured is what is shipped.
        model = load_model(part)
        scores = _known_scores(folder, part) or evaluate_split(
            model, last.data.folder, "val", progress, contoured_only=last.data.contoured_only
        )
        (part / SCORES).write_text(json.dumps(scores, indent=2) + "\n", encoding="utf-8")
        write_log(recipe, part / LOG)
        finished = [notes for stage in recipe.stages if (notes := _notes(recipe.folder(stage.name))) is not None]
        write_card(recipe, finished, scores, budget, model.config.codebook_size, part / "README.md")
    return folder


def _known_scores(folder: Path, part: Path) -> Evaluation | None:
    """Those of an earlier call, if the weights are the same."""
    same = folder.is_dir() and (folder / SCORES).is_file() and weights_digest(folder) == weights_digest(part)
    if not (same and read_config(folder)["preprocess"] == read_config(part)["preprocess"]):
        return None
    found: Evaluation = json.loads((folder / SCORES).read_text(encoding="utf-8"))
    return found


def write_log(recipe: Recipe, file: Path) -> None:
    """The logs of all stages in one compressed file, a line a report, each with its stage. The same logs give the same bytes.

    Args:
        recipe: Whose stages have run.
        file: The .jsonl.gz to write.
    """
    lines = []
    for stage in recipe.stages:
        for line in (recipe.folder(stage.name) / "log.jsonl").read_text(encoding="utf-8").splitlines():
            lines.append(json.dumps({"stage": stage.name, **json.loads(line)}))
    with file.open("wb") as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed:
        packed.write(("\n".join(lines) + "\n").encode())
