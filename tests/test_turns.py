"""Turns: one at a time, the first that was refused comes first, and one that went away holds nobody up for long."""

from __future__ import annotations

import pytest

from app.scan import turns as module
from app.scan.turns import Turns


def test_one_who_asks_again_at_once_leaves_turns_to_one_who_pauses() -> None:
    turns, worked = Turns(), []
    for moment in range(40):
        is_working = turns.take("eager")
        # Only ever asks while the eager one would be at work.
        if moment % 4 == 0 and turns.take("patient"):
            worked.append("patient")
            turns.end()
        if is_working:
            worked.append("eager")
            turns.end()
    assert (worked.count("patient"), worked.count("eager")) == (5, 20)


def test_nobody_works_beside_another_and_the_longest_wait_ends_first() -> None:
    turns = Turns()
    assert turns.take("a")
    assert [turns.take(one) for one in ("b", "c", "b", "a")] == [False] * 4
    turns.end()
    for following in ("b", "c", "a"):
        others = [one for one in "abc" if one != following]
        assert not any(turns.take(one) for one in others)
        assert turns.take(following)
        turns.end()


def test_one_that_went_away_is_waited_for_no_longer_than_the_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    turns = Turns()
    assert turns.take("a") and not turns.take("gone")
    turns.end()
    now += module._PATIENCE - 0.1
    assert not turns.take("a")
    now += 0.2
    assert turns.take("a")
