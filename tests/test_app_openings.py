"""Scans on their way: turns, progress, calling off, and what a visitor of a busy server is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from time import monotonic, sleep

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.visit.memory import GivingBack, give_back
from app.visit.openings import AT_ONCE, MOST_WAITING, RESERVED, CalledOffError, Openings
from app.visit.places import BusyError, Places


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = monotonic() + 60
    while not condition():
        assert monotonic() < deadline, "the condition did not come true"
        sleep(0.002)


class Work:
    """One opening on a thread of its own that works until it is let go."""

    def __init__(self, openings: Openings, pool: ThreadPoolExecutor, ticket: object, owner: str) -> None:
        self._began, self.let_go = Event(), Event()
        self.future: Future[str] = pool.submit(self._run, openings, ticket, owner)

    def _run(self, openings: Openings, ticket: object, owner: str) -> str:
        with openings.opening(ticket, owner) as opening, openings.turn(opening):
            self._began.set()
            while not self.let_go.wait(0.002):
                opening.tell(0.25, "encoding")
            opening.tell(1.0)
            return "opened"

    @property
    def began(self) -> bool:
        return self._began.is_set()

    def wait_for_begin(self) -> None:
        assert self._began.wait(60), "its turn did not come"

    def end(self) -> str:
        self.let_go.set()
        return self.outcome()

    def outcome(self) -> str:
        return self.future.result(60)


Begin = Callable[..., Work]


@pytest.fixture
def begin() -> Iterator[Begin]:
    """Begins work. In the end all of it is let go: if a test failed, its threads would be waited for without end."""
    begun: list[Work] = []
    with ThreadPoolExecutor(16) as pool:

        def work(openings: Openings, ticket: object, owner: str = "") -> Work:
            begun.append(Work(openings, pool, ticket, owner))
            return begun[-1]

        yield work
        for one in begun:
            one.let_go.set()


def test_the_progress_is_told_from_waiting_to_over(begin: Begin) -> None:
    openings = Openings(at_once=1, most_waiting=4)
    assert openings.progress("a") == {"over": False, "stage": "waiting", "share": 0.0, "ahead": 0, "seconds": None}
    first = begin(openings, "a")
    first.wait_for_begin()
    others = []
    for count, ticket in enumerate("bc", 1):
        others.append(begin(openings, ticket))
        wait_for(lambda ticket=ticket, count=count: openings.progress(ticket)["ahead"] == count)
    wait_for(lambda: openings.progress("a")["share"] == 0.25)
    assert openings.progress("a") == {"over": False, "stage": "encoding", "share": 0.25, "ahead": 0, "seconds": None}
    assert first.end() == "opened"
    assert openings.progress("a")["over"]
    others[0].wait_for_begin()
    wait_for(lambda: openings.progress("c")["ahead"] == 1)
    assert [other.end() for other in others] == ["opened"] * 2


def test_no_more_than_a_few_work_at_once_and_one_too_many_is_told_at_once(begin: Begin) -> None:
    openings = Openings(at_once=2, most_waiting=1)
    work = [begin(openings, ticket) for ticket in "abc"]
    wait_for(lambda: sum(one.began for one in work) == 2)
    wait_for(lambda: any(openings.progress(ticket)["ahead"] for ticket in "abc"))
    with pytest.raises(BusyError, match="The server is busy: 1 scan is waiting"):
        begin(openings, "d").end()
    assert [one.end() for one in work] == ["opened"] * 3
    assert begin(openings, "e").end() == "opened"


def test_what_is_cancelled_stops_while_working_waiting_and_before_it_began(begin: Begin) -> None:
    openings = Openings(at_once=1, most_waiting=4)
    working = begin(openings, "a")
    working.wait_for_begin()
    waiting = begin(openings, "b")
    wait_for(lambda: openings.progress("b")["ahead"] == 1)
    openings.cancel("b")
    with pytest.raises(CalledOffError):
        waiting.outcome()
    assert not waiting.began
    openings.cancel("a")
    with pytest.raises(CalledOffError):
        working.outcome()
    openings.cancel("c")
    with pytest.raises(CalledOffError):
        begin(openings, "c").outcome()
    assert begin(openings, "d").end() == "opened"


def test_a_visit_opens_its_newest_only_and_nothing_after_it_left(begin: Begin) -> None:
    openings = Openings()
    former, others = begin(openings, "a", "me"), begin(openings, "b", "you")
    for one in (former, others):
        one.wait_for_begin()
    newest = begin(openings, "c", "me")
    with pytest.raises(CalledOffError):
        former.outcome()
    newest.wait_for_begin()
    assert openings.busy("me")
    openings.leave("me")
    with pytest.raises(CalledOffError):
        newest.outcome()
    assert not openings.busy("me")
    assert others.end() == "opened"


def test_one_choice_that_arrives_twice_is_opened_once(begin: Begin) -> None:
    openings = Openings()
    first = begin(openings, "a", "me")
    first.wait_for_begin()
    with pytest.raises(CalledOffError):
        begin(openings, "a", "me").outcome()
    assert openings.busy("me")
    openings.cancel("a")
    with pytest.raises(CalledOffError):
        first.outcome()
    with pytest.raises(CalledOffError):
        begin(openings, "a", "me").outcome()


def test_an_earlier_choice_that_arrives_late_takes_nothing_from_the_later_one(begin: Begin) -> None:
    openings = Openings()
    others = begin(openings, "x-1", "you")
    last = begin(openings, "c-10", "me")
    last.wait_for_begin()
    with pytest.raises(CalledOffError):
        begin(openings, "b-9", "me").outcome()
    assert openings.progress("b-9")["over"]
    assert (last.end(), others.end()) == ("opened", "opened")
    # Nor does it come in its place when that one is open already.
    with pytest.raises(CalledOffError):
        begin(openings, "a-2", "me").outcome()
    assert begin(openings, "d-11", "me").end() == "opened"


@pytest.mark.parametrize("ticket", [None, 7, "", "x" * 65, ["a"]])
def test_a_ticket_that_is_none_stops_nothing_and_is_not_kept(ticket: object, begin: Begin) -> None:
    openings = Openings()
    openings.cancel(ticket)
    assert not openings.progress(ticket)["over"]
    assert begin(openings, ticket).end() == "opened"
    assert not openings.progress(ticket)["over"]


def test_tickets_that_are_over_are_forgotten_in_time() -> None:
    openings = Openings()
    for number in range(1000):
        openings.cancel(str(number))
    assert not openings.progress("0")["over"]
    assert openings.progress("999")["over"]


def test_a_wait_is_estimated_from_the_last_openings_and_told_as_places_change(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 6.0])
    # Only the first opening is measured: it takes six seconds.
    monkeypatch.setattr("app.visit.openings.monotonic", lambda: next(clock, 6.0))
    openings, told = Openings(at_once=1, most_waiting=4), list[str]()
    with openings.opening() as measured, openings.turn(measured):
        pass
    first = begin(openings, "a")
    first.wait_for_begin()
    second = begin(openings, "b")
    wait_for(lambda: openings.progress("b")["ahead"] == 1)
    assert openings.progress("b")["seconds"] == 6

    def wait() -> None:
        with openings.opening(told=lambda wait: told.append(str(wait))) as opening, openings.turn(opening):
            pass

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait)
        wait_for(lambda: told == ["2 scans before this one, about 12 s"])
        assert first.end() == "opened"
        second.wait_for_begin()
        wait_for(lambda: len(told) == 2)
        assert told[1].startswith("1 scan before this one, about")
        assert second.end() == "opened"
        waiting.result(60)
    assert openings.progress("b")["over"]


def test_what_failed_or_was_cancelled_tells_nothing_of_the_wait() -> None:
    openings = Openings(at_once=1)
    with pytest.raises(ValueError, match="no scan"), openings.opening() as opening, openings.turn(opening):
        raise ValueError("no scan")
    assert not openings._places._took


class Visit:
    """visit: its name. number: which of its scans."""

    def __init__(self, visit: str, number: int = 0) -> None:
        self.visit, self.number = visit, number


def test_sixteen_wait_and_a_visit_with_nothing_here_finds_a_place_even_then() -> None:
    places = Places[Visit](AT_ONCE, MOST_WAITING, RESERVED)
    greedy = [Visit("greedy", number) for number in range(AT_ONCE + MOST_WAITING)]
    for one in greedy:
        places.enter(one)
        if one.number < AT_ONCE:
            places.start(one)
    with pytest.raises(BusyError, match=f"{MOST_WAITING} scans are waiting already"):
        places.enter(Visit("greedy"))
    modest = Visit("modest")
    places.enter(modest)
    assert places.ahead(modest) == 1
    for number in range(RESERVED - 1):
        places.enter(Visit(str(number)))
    with pytest.raises(BusyError):
        places.enter(Visit("late"))


def test_a_second_scan_is_not_overtaken_for_ever() -> None:
    places, waiting = Places[Visit](1, 16, 0), Visit("patient", 1)
    working = Visit("patient")
    for one in (working, waiting):
        places.enter(one)
    places.start(working)
    for number in range(1000):
        comer = Visit(f"visit {number}")
        places.enter(comer)
        places.leave(working)
        if places.ahead(waiting) == 0:
            break
        working = comer
        places.start(working)
    assert 1 < number < 100


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=12), st.integers(1, 3))
def test_everybody_gets_a_turn_and_no_visit_a_second_one_before_others_have_had_their_first(visits: list[str], at_once: int) -> None:
    places, waiting, served = Places[Visit](at_once, 16, 0), [Visit(name, number) for number, name in enumerate(visits)], list[Visit]()
    for one in waiting:
        places.enter(one)
    at_work: list[Visit] = []
    while waiting or at_work:
        for one in [one for one in waiting if places.ahead(one) == 0]:
            places.start(one)
            waiting.remove(one)
            at_work.append(one)
        assert 0 < len(at_work) <= at_once
        served.append(at_work.pop(0))
        places.leave(served[-1])
    assert len(served) == len(visits) and not places
    firsts = [next(place for place, one in enumerate(served) if one.visit == name) for name in dict.fromkeys(visits)]
    # With one at a time: first everybody's first.
    assert at_once > 1 or sorted(firsts) == list(range(len(firsts)))
    for name in "abc":
        assert [one.number for one in served if one.visit == name] == [number for number, other in enumerate(visits) if other == name]


def test_memory_is_given_back_once_for_all_that_was_dropped_meanwhile() -> None:
    times, ready = list[int](), Event()

    def give() -> None:
        times.append(1)
        ready.set()

    giving = GivingBack(0.05, give)
    for _ in range(5):
        giving.soon()
    assert ready.wait(60) and times == [1]
    ready.clear()
    giving.soon()
    assert ready.wait(60) and times == [1, 1]
    give_back()


def test_every_opening_and_every_end_of_a_visit_says_that_memory_may_be_given_back() -> None:
    ended: list[int] = []
    openings = Openings(after=lambda: ended.append(1))
    with openings.opening() as opening, openings.turn(opening):
        assert ended == []
    assert ended == [1]
    openings.leave("me")
    assert ended == [1, 1]
