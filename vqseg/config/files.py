"""Settings from plain values or a YAML file, and back."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from vqseg.config.ranges import ConfigError
from vqseg.config.run import Config
from vqseg.config.shipped import config_path, shipped_configs
from vqseg.plain import Json, JsonObject

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

ConfigT = TypeVar("ConfigT")


def from_mapping(kind: type[ConfigT], values: object, *, origin: str = "configuration") -> ConfigT:
    """Settings from plain values.

    Args:
        kind: The dataclass.
        values: As read from YAML or JSON; None for all defaults.
        origin: Where they come from, for the message.

    Raises:
        ConfigError: A key is unknown, or a value of the wrong type or out of range; it names the key and what was expected.
    """
    try:
        return TypeAdapter(kind).validate_python(values or {})
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc'])) or 'value'}: "
            + ("unknown key" if problem["type"] == "unexpected_keyword_argument" else problem["msg"])
            for problem in error.errors()
        )
        raise ConfigError(f"{origin}: {problems}") from error


def load_config(path: str | Path) -> Config:
    """Read a YAML file, or a shipped one by its name. Raises ConfigError if it is missing, malformed or holds an unknown key."""
    path = config_path(path)
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        known = f"; shipped are {', '.join(shipped_configs())}" if path.name == str(path) else ""
        raise ConfigError(f"cannot read the configuration {path}: {error.strerror}{known}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    return from_mapping(Config, values, origin=str(path))


def to_mapping(config: DataclassInstance) -> JsonObject:
    """Plain values of a config dataclass, lists instead of tuples, fit for YAML and JSON."""
    return {name: _plain(value) for name, value in asdict(config).items()}


def _plain(value: object) -> Json:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"a setting is a {type(value).__name__}; expected plain values")


def save_config(config: Config, path: str | Path) -> None:
    """Write all settings of a run as YAML.

    Args:
        config: The settings, as they were resolved.
        path: The file.
    """
    Path(path).write_text(config_text(config), encoding="utf-8")


def config_text(config: Config) -> str:
    """All settings of a run as YAML, as `save_config` writes them."""
    text: str = yaml.safe_dump(to_mapping(config), sort_keys=False)
    return text
