"""Scans on their way: turns, progress, calling off, and what a visitor of a busy server is told."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from time import monotonic, sleep

import pytest

from app.visit.openings import BusyError, CalledOffError, Openings


@pytest.fixture
def pool() -> ThreadPoolExecutor:
    with ThreadPoolExecutor(16) as threads:
        yield threads


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = monotonic() + 10
    while not condition():
        assert monotonic() < deadline, "the condition did not come true"
        sleep(0.002)


class Work:
    """One opening on a thread of its own that works until it is let go."""

    def __init__(self, openings: Openings, pool: ThreadPoolExecutor, ticket: str | None, owner: str = "") -> None:
        self.began, self.let_go = Event(), Event()
        self.future: Future[str] = pool.submit(self._run, openings, ticket, owner)

    def _run(self, openings: Openings, ticket: str | None, owner: str) -> str:
        with openings.opening(ticket, owner) as opening, openings.turn(opening):
            self.began.set()
            while not self.let_go.wait(0.002):
                opening.tell(0.25, "encoding")
            opening.tell(1.0)
            return "opened"

    def end(self) -> str:
        self.let_go.set()
        return self.future.result(10)


def test_the_progress_is_told_from_waiting_to_over(pool: ThreadPoolExecutor) -> None:
    openings = Openings(at_once=1, most_waiting=4)
    assert openings.progress("a") == {"over": False, "stage": "waiting", "share": 0.0, "ahead": 0}
    first = Work(openings, pool, "a")
    first.began.wait(10)
    others = []
    for count, ticket in enumerate("bc", 1):
        others.append(Work(openings, pool, ticket))
        wait_for(lambda ticket=ticket, count=count: openings.progress(ticket)["ahead"] == count)
    wait_for(lambda: openings.progress("a")["share"] == 0.25)
    assert openings.progress("a") == {"over": False, "stage": "encoding", "share": 0.25, "ahead": 0}
    assert first.end() == "opened"
    assert openings.progress("a")["over"]
    others[0].began.wait(10)
    wait_for(lambda: openings.progress("c")["ahead"] == 1)
    assert [other.end() for other in others] == ["opened"] * 2


def test_no_more_than_a_few_work_at_once_and_one_too_many_is_told_at_once(pool: ThreadPoolExecutor) -> None:
    openings = Openings(at_once=2, most_waiting=1)
    work = [Work(openings, pool, ticket) for ticket in "abc"]
    wait_for(lambda: sum(one.began.is_set() for one in work) == 2)
    wait_for(lambda: any(openings.progress(ticket)["ahead"] for ticket in "abc"))
    with pytest.raises(BusyError, match="The server is busy: 1 scan is waiting"):
        Work(openings, pool, "d").end()
    assert [one.end() for one in work] == ["opened"] * 3
    assert Work(openings, pool, "e").end() == "opened"


def test_what_is_cancelled_stops_while_working_waiting_and_before_it_began(pool: ThreadPoolExecutor) -> None:
    openings = Openings(at_once=1, most_waiting=4)
    working, waiting = Work(openings, pool, "a"), None
    working.began.wait(10)
    waiting = Work(openings, pool, "b")
    wait_for(lambda: openings.progress("b")["ahead"] == 1)
    openings.cancel("b")
    with pytest.raises(CalledOffError):
        waiting.future.result(10)
    assert not waiting.began.is_set()
    openings.cancel("a")
    with pytest.raises(CalledOffError):
        working.future.result(10)
    openings.cancel("c")
    with pytest.raises(CalledOffError):
        Work(openings, pool, "c").future.result(10)
    assert Work(openings, pool, "d").end() == "opened"


def test_a_visit_opens_its_newest_only_and_nothing_after_it_left(pool: ThreadPoolExecutor) -> None:
    openings = Openings()
    former, others = Work(openings, pool, "a", "me"), Work(openings, pool, "b", "you")
    for one in (former, others):
        one.began.wait(10)
    newest = Work(openings, pool, "c", "me")
    with pytest.raises(CalledOffError):
        former.future.result(10)
    newest.began.wait(10)
    assert openings.busy("me")
    openings.leave("me")
    with pytest.raises(CalledOffError):
        newest.future.result(10)
    assert not openings.busy("me")
    assert others.end() == "opened"


def test_one_choice_that_arrives_twice_is_opened_once(pool: ThreadPoolExecutor) -> None:
    openings = Openings()
    first = Work(openings, pool, "a", "me")
    first.began.wait(10)
    with pytest.raises(CalledOffError):
        Work(openings, pool, "a", "me").future.result(10)
    assert openings.busy("me")
    openings.cancel("a")
    with pytest.raises(CalledOffError):
        first.future.result(10)
    with pytest.raises(CalledOffError):
        Work(openings, pool, "a", "me").future.result(10)


@pytest.mark.parametrize("ticket", [None, 7, "", "x" * 65, ["a"]])
def test_a_ticket_that_is_none_stops_nothing_and_is_not_kept(ticket: object, pool: ThreadPoolExecutor) -> None:
    openings = Openings()
    openings.cancel(ticket)
    assert not openings.progress(ticket)["over"]
    assert Work(openings, pool, ticket).end() == "opened"
    assert not openings.progress(ticket)["over"]


def test_tickets_that_are_over_are_forgotten_in_time() -> None:
    openings = Openings()
    for number in range(1000):
        openings.cancel(str(number))
    assert not openings.progress("0")["over"]
    assert openings.progress("999")["over"]
