"""Settings from plain values or a YAML file, and back."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from vqseg.config.ranges import ConfigError
from vqseg.config.run import Config

ConfigT = TypeVar("ConfigT")


def from_mapping(kind: type[ConfigT], values: Any, *, origin: str = "configuration") -> ConfigT:
    """A config dataclass from plain YAML or JSON values. Raises ConfigError that names the key and what was expected."""
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
    """Read a YAML file. Raises ConfigError if it is missing, malformed or holds an unknown key."""
    path = Path(path)
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the configuration {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    return from_mapping(Config, values, origin=str(path))


def to_mapping(config: Any) -> dict[str, Any]:
    """Plain values (lists instead of tuples) of a config dataclass, fit for YAML and JSON."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        return [plain(item) for item in value] if isinstance(value, (tuple, list)) else value

    return plain(asdict(config))


def save_config(config: Config, path: str | Path) -> None:
    """Write the resolved settings as YAML."""
    Path(path).write_text(yaml.safe_dump(to_mapping(config), sort_keys=False), encoding="utf-8")
