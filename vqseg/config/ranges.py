"""Checks of settings, and the error that they raise."""

from __future__ import annotations


class ConfigError(ValueError):
    """A setting that is unknown, of the wrong type or out of range."""


def require(condition: bool, message: str) -> None:
    """Raise a ConfigError unless a condition on settings holds.

    Args:
        condition: What must be true.
        message: Which setting it is about, what was expected and what was given.

    Raises:
        ConfigError: The condition is false.
    """
    if not condition:
        raise ConfigError(message)
