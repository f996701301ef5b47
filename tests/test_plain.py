"""Plain values: what lies under some keys."""

from __future__ import annotations

import pytest

from vqseg.plain import JsonObject, child

VALUES: JsonObject = {"train": {"steps": 3, "inner": {"deep": True}}, "name": "run"}


def test_a_child_is_the_object_itself() -> None:
    values: JsonObject = {"train": {"steps": 3}}
    child(values, "train").pop("steps")
    assert values == {"train": {}}
    assert child(VALUES, "train", "inner") == {"deep": True}
    assert child(VALUES) is VALUES


@pytest.mark.parametrize("keys", [("absent",), ("name",), ("train", "steps"), ("absent", "inner"), ("name", "inner")])
def test_what_is_no_object_counts_as_an_empty_one(keys: tuple[str, ...]) -> None:
    assert child(VALUES, *keys) == {}
