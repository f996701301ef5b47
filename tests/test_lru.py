"""What forgets: by count, by weight, by owner, and in the order of use."""

from __future__ import annotations

import gc
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from app.scan.lru import Lru, LruOfEach


class Owner:
    """Something that values are kept for."""


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5))), st.integers(1, 4))
def test_it_agrees_with_a_list_in_the_order_of_use(steps: list[tuple[bool, int]], most: int) -> None:
    kept, model = Lru[int, int](most), OrderedDict[int, int]()
    for puts, key in steps:
        if puts:
            kept.put(key, 10 * key)
            model[key] = 10 * key
            model.move_to_end(key)
            while len(model) > most:
                model.popitem(last=False)
        else:
            assert kept.get(key) == model.get(key)
            if key in model:
                model.move_to_end(key)
        assert kept.items() == list(model.items())


def test_what_has_to_go_by_weight_is_given_back() -> None:
    kept = Lru[str, str](5, len)
    assert kept.put("a", "aa") == kept.put("b", "bb") == []
    assert kept.put("c", "ccc") == ["aa"]
    assert kept.weight == 5
    assert kept.put("d", "dddddd") == ["bb", "ccc", "dddddd"]
    assert len(kept) == 0


def test_of_two_that_bring_a_value_both_get_the_first() -> None:
    kept = Lru[str, object](2)
    first, second = object(), object()
    assert kept.keep_first("a", first) is first
    assert kept.keep_first("a", second) is first


def test_what_is_made_is_made_once() -> None:
    kept, made = Lru[str, object](2), []

    def make() -> object:
        made.append(object())
        return made[-1]

    with ThreadPoolExecutor(8) as pool:
        values = list(pool.map(lambda _: kept.made("a", make), range(32)))
    assert len(made) == 1
    assert all(value is made[0] for value in values)


def test_what_is_kept_for_an_owner_goes_with_it() -> None:
    kept, owner, other = LruOfEach[Owner, str, int](lambda _: 2), Owner(), Owner()
    kept.of(owner).put("a", 1)
    assert kept.of(owner).get("a") == 1
    assert kept.of(other).get("a") is None
    assert len(kept) == 2
    del owner
    gc.collect()
    assert len(kept) == 1
