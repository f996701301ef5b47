"""Plain values, as JSON and YAML have them. Knows of no setting, record or file of the project."""

from __future__ import annotations

Json = bool | int | float | str | list["Json"] | dict[str, "Json"] | None
JsonObject = dict[str, Json]


def child(values: JsonObject, *keys: str) -> JsonObject:
    """The object that lies under some keys.

    Args:
        values: Nested plain values.
        keys: The keys, from the outermost on.

    Returns:
        The object itself, no copy; an empty one if a key is missing or holds anything else.
    """
    for key in keys:
        inner = values.get(key)
        values = inner if isinstance(inner, dict) else {}
    return values
