"""Turns of the processor: round over visitors, the newest wish of each, shared work once, nothing fetched ahead before what is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from threading import Event, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.scan.computing import Computing, LaterError, OutOfDateError, asking
from app.scan.fair import Claim, FairQueue, Rank

VISITORS = "abcd"


def serve(queue: FairQueue) -> list[Claim]:
    """All that wait, in the order of their turns, one after the other."""
    served = []
    while (following := queue.following()) is not None:
        queue.start(following)
        queue.leave(following)
        served.append(following)
    return served


def worked(queue: FairQueue, moments: Iterator[list[Claim]]) -> Iterator[tuple[list[Claim], Claim | None]]:
    """A worker that computes one claim a moment: what came at each moment, and what was computed then."""
    for came in moments:
        for claim in came:
            if not queue.refuses(claim):
                queue.enter(claim)
        following = queue.following()
        if following is not None:
            queue.start(following)
            queue.leave(following)
        yield came, following


@given(st.lists(st.lists(st.tuples(st.sampled_from(VISITORS), st.sampled_from([Rank.SHOWN, Rank.BESIDE])), max_size=3), max_size=40))
def test_nobody_waits_for_more_than_one_turn_of_every_other(plan: list[list[tuple[str, Rank]]]) -> None:
    queue, waits = FairQueue(1), dict[str, Counter[Hashable]]()
    moments = iter([[Claim(who, rank) for who, rank in came] for came in plan] + [[]] * 120)
    waiting = Counter[Hashable]()
    for came, computed in worked(queue, moments):
        for claim in came:
            waiting[claim.who] += 1
            waits.setdefault(str(claim.who), Counter())
        if computed is None:
            continue
        waiting[computed.who] -= 1
        waits[str(computed.who)] = Counter()
        for who in VISITORS:
            if waiting[who] and who != computed.who:
                waits.setdefault(who, Counter())[computed.who] += 1
        assert all(most == 1 for others in waits.values() for most in others.values())
    assert not any(waiting.values())


@given(st.lists(st.tuples(st.sampled_from(VISITORS), st.booleans()), max_size=60), st.integers(1, 3))
def test_what_is_fetched_ahead_never_waits_and_never_stands_before_what_is_asked(plan: list[tuple[str, bool]], at_once: int) -> None:
    queue, under_way = FairQueue(at_once), list[Claim]()
    for who, is_ahead in plan:
        claim = Claim(who, Rank.AHEAD if is_ahead else Rank.SHOWN)
        room = len(under_way) < at_once and not queue.waiting
        assert queue.refuses(claim) == (is_ahead and not room)
        if not queue.refuses(claim):
            queue.enter(claim)
        while (following := queue.following()) is not None:
            # It starts when it comes, or not at all: so it is before nobody who came earlier, and whoever comes waits for one only.
            assert following.rank is not Rank.AHEAD or following is claim
            queue.start(following)
            under_way.append(following)
        if len(under_way) == at_once:
            queue.leave(under_way.pop(0))


def test_visitors_take_turns_however_much_one_of_them_asks() -> None:
    queue = FairQueue(1)
    for claim in [Claim("eager") for _ in range(4)] + [Claim("patient"), Claim("other"), Claim("patient")]:
        queue.enter(claim)
    order = [claim.who for claim in serve(queue)]
    assert order == ["eager", "patient", "other", "eager", "patient", "eager", "eager"]


def test_the_picture_on_show_comes_before_a_visitors_other_computations() -> None:
    queue = FairQueue(1)
    slices, shown = [Claim("a") for _ in range(2)], Claim("a", Rank.SHOWN)
    for claim in (*slices, shown):
        queue.enter(claim)
    assert serve(queue) == [shown, *slices]


def test_a_newer_wish_takes_the_place_of_the_one_that_waits_and_of_no_other() -> None:
    queue = FairQueue(1)
    old, volume, other, new = Claim("a", Rank.SHOWN, "shown"), Claim("a"), Claim("b", Rank.SHOWN, "shown"), Claim("a", Rank.SHOWN, "shown")
    for claim in (old, volume, other):
        assert queue.enter(claim) is None
    assert queue.enter(new) is old
    assert old not in queue
    assert serve(queue) == [new, other, volume]


def test_of_a_visitor_who_has_gone_no_wish_waits_and_what_was_begun_is_finished() -> None:
    queue = FairQueue(1)
    begun, wish, volume, other = Claim("a", Rank.SHOWN, "shown"), Claim("a", Rank.SHOWN, "shown"), Claim("a"), Claim("b", lane="shown")
    queue.enter(begun)
    queue.start(begun)
    for claim in (wish, volume, other):
        queue.enter(claim)
    queue.drop("a")
    assert wish not in queue
    assert begun in queue
    queue.leave(begun)
    assert serve(queue) == [other, volume]


def test_a_wish_that_is_computed_already_is_finished() -> None:
    queue = FairQueue(1)
    first, second = (Claim("a", Rank.SHOWN, "shown") for _ in range(2))
    queue.enter(first)
    queue.start(first)
    assert queue.enter(second) is None
    assert first in queue
    queue.leave(first)
    assert queue.following() is second


def test_work_for_all_is_not_under_way_twice_and_holds_nobody_else_up() -> None:
    queue = FairQueue(2)
    first, same, own = Claim("a", work="frame"), Claim("b", work="frame"), Claim("c")
    for claim in (first, same, own):
        queue.enter(claim)
    queue.start(first)
    assert queue.following() is own
    assert queue.refuses(Claim("d", Rank.AHEAD, work="frame"))
    queue.leave(first)
    assert queue.following() is same


class Clerk:
    """A thread that asks for one turn and says what came of it."""

    def __init__(self, computing: Computing, who: str, rank: Rank = Rank.SHOWN, **options: object) -> None:
        self.has_turn, self.may_end, self.came = Event(), Event(), ""
        self._thread = Thread(target=self._ask, args=(computing, who, rank, options), daemon=True)
        self._thread.start()

    def _ask(self, computing: Computing, who: str, rank: Rank, options: dict) -> None:
        try:
            with asking(who), computing.turn(rank, **options) as is_mine:
                self.came = "computed" if is_mine else "ready"
                self.has_turn.set()
                self.may_end.wait(30)
        except (OutOfDateError, LaterError) as error:
            self.came = type(error).__name__

    def end(self) -> str:
        self.may_end.set()
        self._thread.join(30)
        return self.came


def queued(computing: Computing, count: int) -> None:
    """Wait until so many threads wait."""
    pause = Event()
    for _ in range(30_000):
        if computing.waiting == count:
            return
        pause.wait(0.001)
    raise TimeoutError(f"{computing.waiting} threads wait, not {count}")


@pytest.fixture
def computing() -> Computing:
    return Computing(at_once=1)


def test_a_thread_is_told_that_a_newer_wish_has_come(computing: Computing) -> None:
    first = Clerk(computing, "other")
    assert first.has_turn.wait(30)
    old = Clerk(computing, "me", lane="shown")
    queued(computing, 1)
    new = Clerk(computing, "me", lane="shown")
    assert old.end() == "OutOfDateError"
    assert first.end() == "computed"
    assert new.has_turn.wait(30)
    assert new.end() == "computed"


def test_who_waits_for_the_same_work_gets_its_result_without_a_turn(computing: Computing) -> None:
    made: list[str] = []
    first = Clerk(computing, "a", work="frame", ready=lambda: bool(made))
    assert first.has_turn.wait(30)
    second, own = Clerk(computing, "b", work="frame", ready=lambda: bool(made)), Clerk(computing, "c")
    queued(computing, 2)
    made.append("frame")
    assert first.end() == "computed"
    assert (second.end(), own.end()) == ("ready", "computed")


def test_nothing_is_fetched_ahead_while_somebody_is_served(computing: Computing) -> None:
    first = Clerk(computing, "a")
    assert first.has_turn.wait(30)
    assert Clerk(computing, "b", Rank.AHEAD).end() == "LaterError"
    assert first.end() == "computed"
    assert Clerk(computing, "b", Rank.AHEAD).end() == "computed"


def test_a_turn_within_a_turn_is_the_same_one_and_a_failure_gives_it_back(computing: Computing) -> None:
    def fail() -> None:
        with computing.turn(), computing.turn() as again:
            assert again
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert Clerk(computing, "next").end() == "computed"
