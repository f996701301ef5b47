"""What a recipe file says: settings that all stages share, and what each stage changes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import yaml
from pydantic import ConfigDict

from vqseg.config import Config, ConfigError, PreprocessConfig, config_path, from_mapping, load_config, to_mapping
from vqseg.experiments.tables import scaled
from vqseg.plain import child

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_GIVEN = (("train", "initial"), ("train", "output"), ("data", "pseudo_labels"))
"""Settings that follow from a stage's place in the recipe."""

INITIAL = "initial"
"""How a stage calls the recipe's own `initial` among those who make its pseudo-labels."""

Settings = dict[str, dict[str, Any]]


class RecipeError(ConfigError):
    """A recipe that contradicts itself, or that is not the one which a folder was begun with."""


@dataclass(frozen=True, kw_only=True)
class PseudoLabelling:
    """Pseudo-labels that are made before a stage, by a stage before it: see `python -m vqseg pseudo-labels`."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    stage: str | None = None
    """Whose checkpoint makes them; the stage before if it is not given, and before the first stage the recipe's `initial`."""
    others: tuple[str, ...] = ()
    """Further stages over which the average goes, too."""
    confidence: float = 0.7
    """Voxels whose class has a lower probability are left open."""
    image_side: int | None = None
    """Read slices at this size instead of the checkpoint's own."""
    open_ends: bool = False
    """Leave the ends of every structure open."""
    weigh: bool = False
    """A label counts as much as the views agree on it."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One run. settings: what differs from the stage before, or from the recipe's own settings in the first stage."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    name: str
    """Lower-case words joined by hyphens."""
    why: str = ""
    """One sentence, for the log and the card."""
    settings: Settings = field(default_factory=dict)
    pseudo_labels: PseudoLabelling | None = None
    """None: the teacher labels the views, as in the method."""


@dataclass(frozen=True, kw_only=True)
class CardTexts:
    """What the card says beside what was run and measured."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    licence: str = "unknown"
    """As the Hub spells it: "cc-by-nc-sa-4.0"."""
    tags: tuple[str, ...] = ("medical-imaging", "vector-quantization", "semi-supervised")
    summary: str = ""
    """What it segments, in which scans."""
    data: tuple[str, ...] = ()
    """One entry a source: reference and licence, and what of it is used."""
    limits: tuple[str, ...] = ()
    """What it cannot do."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A checkpoint in several stages."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    name: str
    """Of the checkpoint."""
    output: str
    """Folder of all runs; the finished checkpoint is output/checkpoint."""
    settings: Settings
    """What all stages share."""
    stages: tuple[Stage, ...]
    initial: str | None = None
    """Checkpoint whose weights the first stage starts from: a folder, or a shipped or Hub name. None: random weights."""
    serving: dict[str, Any] = field(default_factory=dict)
    """Settings of preprocess that the finished checkpoint has, where they differ from the last stage's."""
    half_precision: bool = False
    """Round the finished weights, which halves the file; scores are those of the rounded ones."""
    card: CardTexts = field(default_factory=CardTexts)

    def __post_init__(self) -> None:
        names = [stage.name for stage in self.stages]
        if not names:
            raise RecipeError(f"the recipe {self.name} has no stage")
        if INITIAL in names:
            raise RecipeError(f"a stage of {self.name} is called {INITIAL!r}, as are the weights that the first stage starts from")
        for name in (self.name, *names):
            if not _NAME.fullmatch(name):
                raise RecipeError(f"{name!r} is no name; expected lower-case words joined by hyphens")
        if len(set(names)) < len(names):
            raise RecipeError(f"two stages of {self.name} have the same name: {', '.join(names)}")
        for index, stage in enumerate(self.stages):
            self._check_labels(stage, names[:index])
        self.served()

    def served(self, budget: float = 1.0) -> PreprocessConfig:
        """How the finished checkpoint reads scans. Raises ConfigError as `configs`."""
        values = {**to_mapping(self.configs(budget)[-1].preprocess), **self.serving}
        return from_mapping(PreprocessConfig, values, origin=f"serving of {self.name}")

    def configs(self, budget: float = 1.0) -> list[Config]:
        """The configuration of every stage, in order.

        Args:
            budget: What the steps of every stage are multiplied by.

        Raises:
            ConfigError: A setting is unknown or out of range, or one that follows from the stage's place is set by hand.
        """
        found, values = [], _joined({}, self.settings, self.name)
        for index, stage in enumerate(self.stages):
            values = _joined(values, stage.settings, stage.name)
            before = self.stages[index - 1].name if index else None
            config = from_mapping(Config, values, origin=f"stage {stage.name}")
            if budget != 1:
                config = scaled(config, budget)
            labels = str(self.folder(stage.name) / "pseudo-labels") if stage.pseudo_labels else None
            initial = str(self.checkpoint(before)) if before else self.initial
            found.append(
                replace(
                    config,
                    data=replace(config.data, pseudo_labels=labels),
                    train=replace(config.train, initial=initial, output=str(self.folder(stage.name))),
                )
            )
        return found

    def folder(self, stage: str) -> Path:
        """Where a stage runs: its place and its name, so that a listing is in order."""
        index = next(index for index, one in enumerate(self.stages, 1) if one.name == stage)
        return Path(self.output) / f"{index}-{stage}"

    def checkpoint(self, stage: str) -> Path:
        """What a finished stage leaves."""
        return self.folder(stage) / "checkpoint"

    def labellers(self, stage: Stage) -> list[str]:
        """The stages that make a stage's pseudo-labels; the first one decides on the settings of the scans. `initial` is called so."""
        if stage.pseudo_labels is None:
            return []
        index = self.stages.index(stage)
        before = self.stages[index - 1].name if index else INITIAL
        return [stage.pseudo_labels.stage or before, *stage.pseudo_labels.others]

    def labelling_checkpoints(self, stage: Stage) -> list[str]:
        """The checkpoints of `labellers`."""
        return [str(self.initial) if name == INITIAL else str(self.checkpoint(name)) for name in self.labellers(stage)]

    def _check_labels(self, stage: Stage, before: Sequence[str]) -> None:
        if stage.pseudo_labels is None:
            return
        if not before and self.initial is None:
            raise RecipeError(f"stage {stage.name} is the first: no stage before it can make its pseudo-labels, and there is no initial")
        for name in (stage.pseudo_labels.stage, *stage.pseudo_labels.others):
            if name is not None and name not in before and not (name == INITIAL and self.initial is not None):
                raise RecipeError(f"stage {stage.name} wants pseudo-labels of {name!r}; before it come {', '.join(before)}")


def load_recipe(path: str | Path) -> Recipe:
    """Read a recipe, or a shipped one by its name ("acdc-10.recipe").

    Its `base`, if it names one, is a configuration beside it, whose settings all stages share.

    Raises ConfigError if a file is missing or malformed, or holds an unknown key or a setting out of range.
    """
    path = config_path(path)
    values = _yaml(path)
    if isinstance(values, dict) and "base" in values:
        base = to_mapping(load_config(path.parent / str(values.pop("base"))))
        for room, setting in _GIVEN:
            child(base, room).pop(setting)
        own = values.get("settings") or {}
        values["settings"] = {room: {**settings, **(own.get(room) or {})} for room, settings in base.items()}  # type: ignore[dict-item]
    return from_mapping(Recipe, values, origin=str(path))


def _yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the recipe {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error


def _joined(values: Settings, changes: Settings, name: str) -> Settings:
    for room, setting in _GIVEN:
        if setting in (changes.get(room) or {}):
            raise RecipeError(f"{name} sets {room}.{setting}, which follows from the order of the stages; leave it out")
    return {room: {**values.get(room, {}), **(changes.get(room) or {})} for room in {**values, **changes}}
